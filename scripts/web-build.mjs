// Builds the web application when what it is made of has changed. Part of the set-up, so it is plain JavaScript too.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fingerprint } from './fingerprint.mjs'

/** What the application is built from; the grammar's files are shared with the server. */
const sources = ['web/index.html', 'web/vite.config.ts', 'web/public', 'web/src', 'src/yara', 'package-lock.json']

const mark = (root) => join(root, 'web', 'dist', '.built-from')
const list = (root) => join(root, 'web', 'dist', '.built-files')

export function isWebBuilt(root) {
  return (
    existsSync(mark(root)) && existsSync(list(root)) && readFileSync(mark(root), 'utf8') === fingerprint(root, sources)
  )
}

/** What the last build made, as paths in web/dist: the folder also has parts of earlier builds. */
export function builtWebFiles(root) {
  return readFileSync(list(root), 'utf8').split('\n')
}

/** Null when it went well, else the reason. The old files serve until the new ones are complete. */
export function buildWeb(root) {
  const from = fingerprint(root, sources)
  const fresh = join(root, 'web', 'dist.new')
  const vite = join(root, 'node_modules', '.bin', 'vite')
  const outcome = spawnSync(vite, ['build', 'web', '--outDir', fresh, '--logLevel', 'warn'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` },
  })
  if (outcome.status !== 0) return `vite build ended with status ${outcome.status ?? outcome.signal}`
  const dist = join(root, 'web', 'dist')
  const files = readdirSync(fresh, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(fresh, join(entry.parentPath, entry.name)))
    .sort()
  keepRecentAssets(join(dist, 'assets'), join(fresh, 'assets'))
  rmSync(dist, { recursive: true, force: true })
  renameSync(fresh, dist)
  writeFileSync(list(root), files.join('\n'))
  writeFileSync(mark(root), from)
  return null
}

/** Pages that are open in a browser still load parts of the builds they came from, for a day. */
function keepRecentAssets(from, to) {
  if (!existsSync(from)) return
  const yesterday = Date.now() - 24 * 3_600_000
  for (const name of readdirSync(from)) {
    const old = join(from, name)
    if (!existsSync(join(to, name)) && statSync(old).mtimeMs > yesterday) {
      cpSync(old, join(to, name), { preserveTimestamps: true })
    }
  }
}
