// Builds the server when its source has changed. Part of the set-up, so it is plain JavaScript too.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint } from './fingerprint.mjs'

const sources = ['src', 'scripts/build-server.ts', 'package-lock.json']

/** The file in `dist/` that says what this was built from; `bin/backtrail` compares its time with those of the sources. */
export const mark = (dist) => join(dist, '.built-from')

export const builtFrom = (root) => fingerprint(root, sources)

/** A checkout may have touched sources that it did not change: the mark is made newer than these. */
export function isServerBuilt(root) {
  const file = mark(join(root, 'dist'))
  if (!existsSync(file) || readFileSync(file, 'utf8') !== builtFrom(root)) return false
  const now = new Date()
  utimesSync(file, now, now)
  return true
}

/**
 * Null when it went well, else the reason. A server that runs goes on with what it has loaded, and finds nothing older any
 * more: start it again.
 */
export function buildServer(root) {
  const node = join(root, 'node_modules', '.bin', 'node')
  const outcome = spawnSync(node, [join(root, 'scripts', 'build-server.ts')], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  return outcome.status === 0 ? null : `its build ended with status ${outcome.status ?? outcome.signal}`
}
