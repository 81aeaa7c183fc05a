/** Systems with next to nothing installed, in a folder: what is built here is run in them as on machines of their own. */
import assert from 'node:assert/strict'
import { type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { root as checkout } from '../cli/running.ts'
import { skipWithout } from '../http/harness.ts'

const isThere = (program: string): boolean => spawnSync(program, ['--version']).status === 0

/** The reason to skip a test that builds and enters a root with these programs. */
export const skipWithoutRoots = (...programs: string[]): string | false =>
  skipWithout(
    process.getuid?.() === 0 && ['mmdebstrap', ...programs].every(isThere),
    `${['mmdebstrap', ...programs].join(', ')} are not installed, or this is not root`,
  )

/** Debian 12 with its essential packages and apt, which can install more: its lists are there. */
export function makeBareDebian(folder: string): void {
  run('mmdebstrap', [
    ...['--quiet', '--variant=apt', '--format=directory', '--skip=cleanup/apt'],
    // Nothing here has to outlast a power cut.
    '--dpkgopt=force-unsafe-io',
    ...['bookworm', folder],
  ])
  copyFileSync('/etc/resolv.conf', join(folder, 'etc/resolv.conf'))
}

/** The words in front of a command that is to run in `root` as `user`, with /proc; see in-root.sh. */
export const inRoot = (root: string, user = 'root:root', writable?: string): string[] => [
  join(checkout, 'test/deploy/in-root.sh'),
  ...(writable === undefined ? [] : ['--read-only', writable]),
  root,
  user,
]

/** Runs a program to its end, which must be a good one, and returns what it printed. */
export function run(program: string, parameters: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const ended: SpawnSyncReturns<string> = spawnSync(program, parameters, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    cwd: checkout,
    maxBuffer: 64 << 20,
  })
  const said = `${ended.error ?? ''}${ended.stdout}${ended.stderr}`.slice(-2000)
  assert.equal(ended.status, 0, `${program} ${parameters.join(' ')}: ${said}`)
  return ended.stdout
}
