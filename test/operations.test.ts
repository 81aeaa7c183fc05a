/** Runs the commands of docs/operations.md, and holds the page against what it tells about. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exitCodesHelp } from '../src/cli/exit-codes.ts'
import { folderWith, root } from './cli/running.ts'
import { stepsOf, takeSteps } from './shown-commands.ts'

const page = readFileSync(join(root, 'docs/operations.md'), 'utf8')
const steps = stepsOf(page)

test('the page for operations does what it shows', { timeout: 600_000 }, async (t) => {
  assert.ok(steps.length >= 15, `only ${steps.length} commands`)
  const token = 'token-of-the-operator'
  const env = { BACKTRAIL_ADMIN_TOKEN: token, BACKTRAIL_TOKEN: token, BACKTRAIL_WORKERS: '1' }
  const { servers } = await takeSteps(t, steps, { folder: folderWith(t), env })
  for (const server of servers.values()) assert.equal(await server.stop(), 0)
})

test('the page has every exit status with the words of the help', () => {
  const rows = [...exitCodesHelp.matchAll(/^ +(\d+) +(.*)$/gm)]
  assert.ok(rows.length >= 6)
  for (const [, code = '', words = ''] of rows)
    assert.ok(page.includes(`| ${code} | ${words.split(':')[0]}`), `${code} ${words}`)
})
