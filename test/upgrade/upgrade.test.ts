/**
 * A data folder that an earlier version made is opened by this one, and nothing of it is lost.
 *
 * `folder-of-schema-2` was made by the version before all hunts became rows of one table: twelve samples, rulesets of
 * the appliance and of a tenant, and hunts of all three kinds, some of them under way.
 */
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { folderWith } from '../cli/running.ts'
import { demandConsistency, rows } from '../faults/data-folder.ts'
import { KillableServer, until } from '../faults/killable-server.ts'

const made = fileURLToPath(new URL('folder-of-schema-2', import.meta.url))

const hunts = (data: string) =>
  rows(data, 'SELECT id, kind, state, started_by, cursor, matches, ruleset_id FROM hunts ORDER BY id')

test('a folder of schema 2 is brought up to date, and hunts that were under way end as if nothing had been', async (t) => {
  const data = join(folderWith(t), 'data')
  cpSync(made, data, { recursive: true })
  const samples = rows(data, 'SELECT id, hex(sha256), name FROM samples ORDER BY id')
  const revisions = rows(data, 'SELECT id, ruleset_id, content FROM revisions ORDER BY id')
  const found = rows(data, 'SELECT sample_id, rule FROM hunt_hits WHERE hunt_id = 2 ORDER BY id')
  assert.equal(samples.length, 12)
  assert.equal(found.length, 4)

  const server = new KillableServer(t, [], data)
  await server.start()
  await until(
    () => hunts(data).every(({ state }) => state === 'completed' || state === 'stopped'),
    () => `the hunts end: ${JSON.stringify(hunts(data))}`,
    120_000,
  )
  const ended = { cursor: 12, matches: 4, state: 'completed' }
  assert.deepEqual(hunts(data), [
    { id: 1, kind: 'local-retro', started_by: 1, ruleset_id: null, ...ended },
    { id: 2, kind: 'ad-hoc', started_by: 1, ruleset_id: null, ...ended },
    { id: 3, kind: 'ad-hoc', started_by: 1, ruleset_id: null, cursor: 0, matches: 0, state: 'stopped' },
    // It was running over all samples again, and what was found before is not new.
    { id: 4, kind: 'local-retro', started_by: 1, ruleset_id: null, ...ended },
    { id: 5, kind: 'ad-hoc', started_by: 1, ruleset_id: null, ...ended },
    { id: 7, kind: 'retro', started_by: 2, ruleset_id: 1, ...ended },
    { id: 8, kind: 'retro', started_by: 2, ruleset_id: 2, cursor: 0, matches: 0, state: 'stopped' },
    { id: 9, kind: 'retro', started_by: 2, ruleset_id: 3, ...ended },
  ])
  assert.deepEqual(rows(data, 'SELECT id, hex(sha256), name FROM samples ORDER BY id'), samples)
  assert.deepEqual(rows(data, 'SELECT id, ruleset_id, content FROM revisions ORDER BY id'), revisions)
  assert.deepEqual(rows(data, 'SELECT sample_id, rule FROM hunt_hits WHERE hunt_id = 2 ORDER BY id'), found)
  const marked = found.map(({ sample_id }) => samples.find(({ id }) => id === sample_id)?.['hex(sha256)'])
  for (const name of ['quick', 'slow']) {
    assert.deepEqual((await server.matchesOf(name)).length, 4, name)
  }
  const live = await server.take(Buffer.from('one more that is marked'), 'new.txt')
  await server.untilProcessed([live])
  const hashes = (await server.matchesOf('quick')).map((line) => line.split(' ').at(-1)?.toUpperCase())
  assert.deepEqual(hashes.sort(), [...marked, live.toUpperCase()].sort())
  // No id is given twice: hunt 6 was removed before the upgrade.
  assert.equal(await server.startHunt({ again: 'rule again { strings: $a = "marked" condition: $a }' }), 10)
  await server.untilIdle()
  await server.stop()
  await demandConsistency(data)
})
