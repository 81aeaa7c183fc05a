/**
 * A data folder that an earlier version made is opened by this one, and nothing of it is lost.
 *
 * - `folder-of-schema-2` was made by the version before all hunts became rows of one table: twelve samples, rulesets of
 *   the appliance and of a tenant, and hunts of all three kinds, some of them under way.
 * - `folder-of-schema-6` was made by the version before each process had a scratch folder, and was killed while it unpacked
 *   archives in archives: two wait for their members, a third is half unpacked, a content is about to get its name.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { folderWith } from '../cli/running.ts'
import { demandConsistency, filesIn, rows } from '../faults/data-folder.ts'
import { KillableServer, sha256, until } from '../faults/killable-server.ts'

const made = (schema: number) => fileURLToPath(new URL(`folder-of-schema-${schema}`, import.meta.url))

const hunts = (data: string) =>
  rows(data, 'SELECT id, kind, state, started_by, cursor, matches, ruleset_id FROM hunts ORDER BY id')

test('a folder of schema 2 is brought up to date, and hunts that were under way end as if nothing had been', async (t) => {
  const data = join(folderWith(t), 'data')
  cpSync(made(2), data, { recursive: true })
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

test('a folder of schema 6, killed while it unpacked, is brought to the end that an undisturbed one has', async (t) => {
  const data = join(folderWith(t), 'data')
  cpSync(made(6), data, { recursive: true })
  assert.equal(rows(data, "SELECT id FROM samples WHERE state = 'queued'").length, 14)
  // As if it had been killed a moment later: the content has its name, and no row.
  const [note = ''] = readdirSync(join(data, 'doubts'))
  const pending = readFileSync(join(data, 'doubts', note), 'utf8').trim()
  const staged = filesIn(data, 'incoming').map((file) => join(data, 'incoming', file))
  const [renamed = ''] = staged.filter((file) => sha256(readFileSync(file)) === pending)
  const blob = join(data, 'blobs', pending.slice(0, 2), pending)
  cpSync(renamed, blob)
  renameSync(renamed, join(data, 'incoming', 'content'))

  const server = new KillableServer(t, ['--archive-depth', '4'], data)
  await server.start()
  assert.equal(server.repaired.forgotten, 1)
  assert.equal(server.repaired.uploadsCutShort, 7)
  assert.equal(server.repaired.resumed, 14)
  await server.untilIdle()
  await server.stop()
  for (const folder of ['incoming', 'doubts', 'workers']) assert.ok(!existsSync(join(data, folder)), folder)

  // The five archives of the upload lie in each other, with five texts in each; the innermost is not unpacked.
  const names = rows(data, 'SELECT name, extracted_file_count AS members, note FROM samples ORDER BY name')
  const texts = [1, 2, 3, 4].flatMap((n) => [0, 1, 2, 3, 4].map((m) => `text ${n}-${m}.txt`))
  assert.deepEqual(
    names.map(({ name }) => name),
    ['first.txt', 'inner 1.7z', 'inner 2.7z', 'inner 3.7z', 'inner 4.7z', 'outer.7z', ...texts].sort(),
  )
  for (const { name, members, note } of names.filter(({ name }) => String(name).endsWith('.7z'))) {
    assert.equal(members, name === 'inner 1.7z' ? 0 : 6, String(name))
    assert.equal(note, name === 'inner 1.7z' ? 'It lies 4 archives deep, and is not unpacked.' : null)
  }
  assert.equal(rows(data, 'SELECT parent_id FROM members').length, 24, 'a place is recorded twice, or not at all')
  const marked = filesIn(data, 'blobs').filter((file) =>
    readFileSync(join(data, 'blobs', file)).includes('the marked words'),
  )
  const matched = rows(
    data,
    'SELECT lower(hex(sha256)) AS hex FROM matches JOIN samples ON samples.id = sample_id ORDER BY 1',
  )
  assert.deepEqual(
    matched.map(({ hex }) => hex),
    marked.map((file) => file.slice(3)).sort(),
  )
  await demandConsistency(data)
})
