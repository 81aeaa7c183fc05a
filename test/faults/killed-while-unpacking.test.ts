/**
 * SIGKILL in the middle of large archives: each goes on behind the last place that was recorded, within what is left of the
 * allowance of its upload. What comes out is what an undisturbed server gets out, no more, no less, and nothing twice.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sevenZipBinary } from '../../src/archives/seven-zip.ts'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { folderWith } from '../cli/running.ts'
import { chosenSeed, randomFrom } from '../planner/random.ts'
import { demandConsistency, rows } from './data-folder.ts'
import { KillableServer, sha256, until } from './killable-server.ts'

const isLong = process.env.BACKTRAIL_LONG === '1'
/** Several slices of a worker. */
const MEMBERS = isLong ? 1_200 : 600
const ARCHIVES = isLong ? 4 : 3
const KILLS = isLong ? 5 : 3
/** Less than what is in the archives. */
const ALLOWED = isLong ? 3_000 : 1_300

const marks = 'rule marked { strings: $a = "the marked words" condition: $a }'

const textOf = (archive: number, n: number) => Buffer.from(`the marked words, ${n} of ${archive}`)
const texts = (archive: number) =>
  Array.from({ length: MEMBERS }, (_, n) => ({ name: Buffer.from(`${n}.txt`), bytes: textOf(archive, n) }))

const count = (data: string, table: string, where = 'true') =>
  Number(rows(data, `SELECT count(*) AS n FROM ${table} WHERE ${where}`)[0]?.n)

test('archives that are killed again and again while they are unpacked share one allowance, and lose and double nothing', async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const random = randomFrom(seed)
  const server = new KillableServer(t, ['--archive-members', String(ALLOWED)])
  await server.start()
  await server.demandRuleset('marks', marks)
  const inner = Array.from({ length: ARCHIVES }, (_, n) => ({
    name: Buffer.from(`inner ${n}.zip`),
    bytes: storedZip(texts(n)),
  }))
  const hash = await server.take(storedZip(inner), 'outer.zip')
  const { data } = server
  let halfway = 0
  const isQueued = () => count(data, 'samples', "state = 'queued'") > 0
  for (let kills = 0, out = 0; kills < KILLS && isQueued(); kills++) {
    out += 100 + random.below(ALLOWED / 5)
    await until(
      () => count(data, 'members') >= out || !isQueued(),
      () => `${out} members are admitted`,
      120_000,
    )
    await server.kill()
    halfway += count(data, 'intake_states', 'place IS NOT NULL')
    await server.start()
  }
  await server.untilProcessed([hash], 180_000)
  await server.untilIdle(180_000)
  await server.stop()

  assert.ok(halfway > 0, 'no kill came in the middle of an archive')
  const path = `SELECT path, count(*) AS n FROM members GROUP BY parent_id, path HAVING n > 1`
  assert.deepEqual(rows(data, path), [], `seed ${seed}: a member came out twice`)
  assert.equal(count(data, 'members'), ALLOWED, `seed ${seed}: the allowance was not that of an undisturbed upload`)
  assert.equal(count(data, 'samples'), ALLOWED + 1)
  assert.equal(count(data, 'sightings'), ALLOWED + 1, 'an arrival was recorded twice')
  // The archives are not compressed, so the words are in them too.
  assert.equal(count(data, 'matches'), ALLOWED + 1)
  const archives = rows(
    data,
    "SELECT extracted_file_count AS members, note FROM samples WHERE name LIKE 'inner%' ORDER BY members DESC",
  )
  assert.equal(
    archives.reduce((sum, { members }) => sum + Number(members), 0),
    ALLOWED - ARCHIVES,
  )
  for (const { members, note } of archives) {
    if (members === MEMBERS) assert.equal(note, null)
    else assert.match(String(note), /more (?:than \d+ )?contained files|too much came out/)
  }
  for (const table of ['intake_states', 'intake_allowances']) assert.equal(count(data, table), 0, table)
  await demandConsistency(data)
})

// 7-Zip gives what a worker has read once more: that takes no place from the one that only 7-Zip reads.
test('an archive that needs 7-Zip behind the place of the kill is opened anew, and charged once', async (t) => {
  const folder = folderWith(t)
  mkdirSync(join(folder, 'files'))
  for (const { name, bytes } of texts(0)) writeFileSync(join(folder, 'files', String(name)), bytes)
  writeFileSync(join(folder, 'last'), Buffer.from('only 7-Zip reads the marked words here. '.repeat(100)))
  const archive = join(folder, 'archive.zip')
  const pack = (method: string, ...what: string[]) =>
    execFileSync(sevenZipBinary(), ['a', '-tzip', `-mm=${method}`, archive, ...what], { stdio: 'ignore' })
  pack('Copy', join(folder, 'files', '*'))
  pack('LZMA', join(folder, 'last'))
  const server = new KillableServer(t, ['--archive-members', String(MEMBERS + 1)])
  await server.start()
  await server.demandRuleset('marks', marks)
  const hash = await server.take(readFileSync(archive), 'archive.zip')
  await until(
    () => count(server.data, 'intake_states', 'place IS NOT NULL') > 0,
    () => 'a part is unpacked',
    120_000,
  )
  await server.kill()
  assert.equal(count(server.data, 'samples', "name = 'last'"), 0, 'the kill came too late')
  await server.start()
  await server.untilProcessed([hash], 120_000)
  await server.untilIdle()
  assert.deepEqual(rows(server.data, 'SELECT note FROM samples WHERE id = 1'), [{ note: null }])
  assert.equal(count(server.data, 'members'), MEMBERS + 1)
  assert.equal(await server.downloaded(sha256(textOf(0, MEMBERS - 1))), sha256(textOf(0, MEMBERS - 1)))
  assert.equal(count(server.data, 'sightings'), MEMBERS + 2)
  await server.stop()
  await demandConsistency(server.data)
})
