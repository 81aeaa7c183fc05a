/** Takes the README's tour as a newcomer does. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { folderWith, root } from './cli/running.ts'
import { stepsOf, takeSteps } from './shown-commands.ts'

const steps = stepsOf(readFileSync(join(root, 'README.md'), 'utf8'))

test('the README shows a tour that starts a server', () => {
  assert.ok(steps.length >= 8, `only ${steps.length} commands`)
  assert.equal(steps[0]?.command, 'npm start')
})

test("the README's tour does what it shows", { timeout: 300_000 }, async (t) => {
  const folder = folderWith(t)
  const token = 'token-of-the-tour'
  const env = { BACKTRAIL_ADMIN_TOKEN: token, BACKTRAIL_TOKEN: token, BACKTRAIL_WORKERS: '2' }
  const { servers } = await takeSteps(t, steps, { folder, env })
  for (const server of servers.values()) assert.equal(await server.stop(), 0)
})
