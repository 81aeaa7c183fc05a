// The project's own Node: whether it starts, and if not, what this machine lacks for it. Part of the set-up, so it is
// plain JavaScript too.
import { spawnSync } from 'node:child_process'

/** The packages in which distributions have the libraries that Node's builds for Linux are linked to. */
const packages = {
  'libatomic.so.1': { apt: 'libatomic1', dnf: 'libatomic', zypper: 'libatomic1', apk: 'libatomic' },
  'libstdc++.so.6': { apt: 'libstdc++6', dnf: 'libstdc++', zypper: 'libstdc++6', apk: 'libstdc++' },
  'libgcc_s.so.1': { apt: 'libgcc-s1', dnf: 'libgcc', zypper: 'libgcc_s1', apk: 'libgcc' },
}

/** Null when the Node at `path` starts and is new enough, else the reason as the end of a sentence. */
export function problemOfOwnNode(path) {
  const { error, status, signal, stdout, stderr } = spawnSync(path, ['--version'], { encoding: 'utf8' })
  if (error?.code === 'ENOENT' && !stderr) return missing(path)
  if (error) return `the project's own Node cannot be started: ${error.message}`
  if (status !== 0)
    return (
      lacking(stderr) ??
      `the project's own Node does not start (${signal ?? `status ${status}`}): ${stderr.trim() || 'it says nothing'}`
    )
  const version = stdout.trim()
  if (!(Number(/^v(\d+)\./.exec(version)?.[1]) >= 26))
    return `the project's own Node is ${version}, and 26 or later is needed`
  return null
}

function missing(path) {
  return (
    `the project's own Node is not there, or this system cannot run it (${path}). It comes as an optional dependency for ` +
    `Linux on x86-64 with glibc; this machine is ${process.platform} on ${process.arch}, or npm was told to omit ` +
    'optional dependencies. Install Node 26 or later on this machine and try again: the set-up then uses that'
  )
}

/** What the dynamic loader says when it refuses a program; glibc's words first, then musl's. */
function lacking(stderr) {
  const library =
    /loading shared libraries: (\S+?): cannot open shared object file/.exec(stderr)?.[1] ??
    /Error loading shared library (\S+?): No such file/.exec(stderr)?.[1]
  if (library !== undefined) {
    const named = packages[library]
    const how = named
      ? `on Debian and Ubuntu \`apt-get install ${named.apt}\`, on Fedora \`dnf install ${named.dnf}\`, on openSUSE \`zypper install ${named.zypper}\``
      : `the package that has it, which \`apt-file search ${library}\` or \`dnf provides '*/${library}'\` names`
    return `the project's own Node does not start, because this system lacks the library ${library}. Install it and try again: ${how}`
  }
  const version = /version [`'](\S+?)' not found/.exec(stderr)?.[1]
  if (version === undefined) return null
  return (
    `the project's own Node does not start, because the libraries of this system are too old: they lack ${version}. ` +
    'Use a newer release of the system, such as Debian 12'
  )
}
