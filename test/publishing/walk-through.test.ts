/** Walks through docs/appliances.md with three real servers: a manager and two appliances. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { applianceStates } from '../../src/manager/index.ts'
import { folderWith, root } from '../cli/running.ts'
import { stepsOf, takeSteps } from '../shown-commands.ts'

const page = readFileSync(join(root, 'docs/appliances.md'), 'utf8')

test('a manager and two appliances do what docs/appliances.md shows', { timeout: 600_000 }, async (t) => {
  const steps = stepsOf(page)
  assert.ok(steps.length >= 12, `only ${steps.length} commands`)
  const { servers } = await takeSteps(t, steps, { folder: folderWith(t), env: { BACKTRAIL_WORKERS: '1' } })
  assert.equal(servers.size, 3)
  for (const server of servers.values()) assert.equal(await server.stop(), 0)
})

test('the page explains every state of an appliance', () => {
  for (const state of applianceStates) assert.ok(page.includes(`| \`${state}\` |`), state)
})
