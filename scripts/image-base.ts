/** The base of the image: a few packages of Debian 12, without what installs, configures or documents them. */
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './program-tree.ts'

/**
 * What the program needs: libraries for Node and the engines, certificates, time zones, a shell that sets bounds for 7-Zip and
 * git, `sync` of coreutils, and git for rule sources.
 */
const wanted = [
  ...['base-files', 'ca-certificates', 'coreutils', 'dash', 'git', 'libatomic1', 'libc-bin', 'libc6', 'libgcc-s1'],
  ...['libstdc++6', 'netbase', 'tzdata'],
]

/** What these depend on for being installed and configured, and for commands of git in Perl. */
const unneeded =
  /^(?:debconf|debianutils|dpkg|git-man|liberror-perl|libbz2-1\.0|libcrypt1|libgdbm.*|liblzma5|libmd0|libperl.*|mawk|openssl|perl.*|tar)$/

const leftOut = [
  'usr/lib/x86_64-linux-gnu/gconv',
  'usr/share/{bash-completion,bug,git-core/contrib,gitweb,info,lintian,locale,man,perl5}',
  'usr/share/doc/*/*',
  'usr/lib/git-core/{git-daemon,git-http-backend,git-imap-send,git-shell,scalar}',
]

/** Puts the archives of all packages that are wanted, and of what they depend on, into a folder. */
function download(archives: string): void {
  const [fresh, extracted] = [`${archives}.fresh`, `${archives}.extracted`]
  mkdirSync(fresh)
  // Debian's own tool chooses, downloads and verifies; what it extracts is not used, since it has too much.
  run('mmdebstrap', [
    ...['--quiet', '--variant=extract', '--format=directory', `--include=${wanted.join(',')}`],
    `--extract-hook=cp "$1"/var/cache/apt/archives/*.deb '${fresh}'`,
    ...['bookworm', extracted, ...(process.env.BACKTRAIL_DEBIAN_MIRROR?.split(' ') ?? [])],
  ])
  rmSync(extracted, { recursive: true })
  renameSync(fresh, archives)
}

/** Makes the base in a folder that is not there yet. Gives the packages in it, as dpkg describes each. */
export function makeBase(folder: string): string[] {
  const kept = process.env.BACKTRAIL_DEBIAN_ARCHIVES
  const archives = kept ?? `${folder}.archives`
  if (!existsSync(archives)) download(archives)
  mkdirSync(folder)
  const packages: string[] = []
  for (const archive of globSync(join(archives, '*.deb')).sort()) {
    const paragraph = run('dpkg-deb', ['--field', archive])
    const [, name = ''] = /^Package: (.*)$/m.exec(paragraph) ?? []
    if (unneeded.test(name)) continue
    run('dpkg-deb', ['--extract', archive, folder])
    packages.push(paragraph)
    // Where programs that look for known faults find what is installed, when there is no package manager.
    mkdirSync(join(folder, 'var/lib/dpkg/status.d'), { recursive: true })
    writeFileSync(join(folder, 'var/lib/dpkg/status.d', name), paragraph)
  }
  if (kept === undefined) rmSync(archives, { recursive: true })
  // Licenses stay.
  for (const pattern of leftOut)
    for (const path of globSync(join(folder, pattern)))
      if (!path.endsWith('/copyright')) rmSync(path, { recursive: true })
  writeCertificates(folder)
  return packages
}

/** The package makes this file when it is configured, which nothing here is. */
function writeCertificates(base: string): void {
  const file = join(base, 'etc/ssl/certs/ca-certificates.crt')
  if (existsSync(file)) return
  mkdirSync(join(file, '..'), { recursive: true })
  const certificates = globSync(join(base, 'usr/share/ca-certificates/**/*.crt')).sort()
  if (certificates.length === 0)
    throw new Error('The base has no certificates: ca-certificates keeps them elsewhere now.')
  writeFileSync(file, certificates.map((path) => `${readFileSync(path, 'utf8').trim()}\n`).join(''))
}
