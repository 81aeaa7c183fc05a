/** Takes the README's tour as a newcomer does. */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { folderWith, root } from './cli/running.ts'
import { stepsOf, takeSteps } from './shown-commands.ts'

const steps = stepsOf(readFileSync(join(root, 'README.md'), 'utf8'))

test('the README shows a tour that starts a server', () => {
  assert.ok(steps.length >= 8, `only ${steps.length} commands`)
  assert.equal(steps[0]?.command, 'npm start')
})

/** Some of this machine's programs: all of them are half a minute's work, and show nothing more. */
function programs(folder: string): string {
  if (process.env.BACKTRAIL_LONG === '1') return '/usr/bin'
  const some = join(folder, 'programs')
  mkdirSync(some)
  for (const [n, name] of readdirSync('/usr/bin').entries()) {
    const { size = 0 } = statSync(join('/usr/bin', name), { throwIfNoEntry: false }) ?? {}
    if (n % 6 === 0 && size < 4_000_000) cpSync(join('/usr/bin', name), join(some, name), { verbatimSymlinks: true })
  }
  return some
}

test("the README's tour does what it shows", { timeout: 300_000 }, async (t) => {
  const folder = folderWith(t)
  const token = 'token-of-the-tour'
  const env = { BACKTRAIL_ADMIN_TOKEN: token, BACKTRAIL_TOKEN: token, BACKTRAIL_WORKERS: '1' }
  const some = programs(folder)
  const instead = (command: string) => command.replace(/ingest \/usr\/bin$/, `ingest ${some}`)
  const { servers } = await takeSteps(t, steps, { folder, env, instead })
  for (const server of servers.values()) assert.equal(await server.stop(), 0)
})
