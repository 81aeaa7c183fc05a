import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { CompiledQuery, sql } from 'kysely'
import type { Database } from '../store/sql/database.ts'
import { openDatabase } from '../store/sqlite/database.ts'
import { storeOf } from '../store/sqlite/store.ts'
import { Corpus } from './corpus.ts'

let folder: string
let database: Database
let corpus: Corpus

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-corpus-'))
  database = await openDatabase(join(folder, 'backtrail.db'))
  corpus = new Corpus(storeOf(database))
})
afterEach(async () => {
  await database.destroy()
  rmSync(folder, { recursive: true })
})

/** Samples with these ids, each as large as its id says. */
async function add(from: number, to: number, stored: 0 | 1 = 1): Promise<void> {
  await sql`WITH RECURSIVE numbers (n) AS (SELECT ${from} UNION ALL SELECT n + 1 FROM numbers WHERE n < ${to})
    INSERT INTO samples (id, sha256, sha1, size, stored, state, file_type, type_description, name, first_seen, last_seen)
    SELECT n, iif(${stored}, randomblob(32), NULL), randomblob(20), 10 * n, ${stored}, 'processed', 'PE/Exe', '', n, 1, 1 FROM numbers`.execute(
    database,
  )
}

test('sizes are those of the samples that are there, also after others came or went', async () => {
  await add(2, 4)
  assert.deepEqual([...(await corpus.sizes(4))], [-1, -1, 20, 30, 40])
  await add(6, 7)
  assert.deepEqual([...(await corpus.sizes(7))], [-1, -1, 20, 30, 40, -1, 60, 70])
  await database.deleteFrom('samples').where('id', 'in', [3, 7]).execute()
  assert.deepEqual([...(await corpus.sizes(7))], [-1, -1, 20, -1, 40, -1, 60, -1])
})

test('an archive that is unpacked again is hunted over like all others, and one that is new is not', async () => {
  await add(1, 4)
  const set = (id: number, processed: number | null) =>
    sql`UPDATE samples SET state = 'queued', processed_at = ${processed} WHERE id = ${id}`.execute(database)
  await set(2, 7)
  await set(3, null)
  assert.deepEqual([...(await corpus.processedIds(0, 4))], [1, 2, 4])
  assert.deepEqual([...(await corpus.scannable([1, 2, 3, 4], false)).keys()], [1, 2, 4])
  const { corpus: stored } = storeOf(database)
  assert.deepEqual(
    (await stored.select({ minSize: 20 }, 1, 4)).map(({ id }) => id),
    [2, 4],
  )
  assert.deepEqual(
    (await stored.findNames([1, 2, 3])).map(({ id }) => id),
    [1, 2],
  )
  await set(4, 7)
  assert.equal(await stored.lastId(), 4)
  // None has a segment yet.
  assert.deepEqual([...(await storeOf(database).segments.unindexedIds())], [1, 2, 4])
})

test('an archive stays what it was for hunts while it waits for what comes out of it anew', async () => {
  await add(1, 2)
  const { intake } = storeOf(database)
  const found = {
    fileType: 'Archive/Zip',
    typeDescription: '',
    note: null,
    keepsNote: false,
    isArchive: true,
    segment: 8,
  }
  await sql`UPDATE samples SET state = 'queued', processed_at = iif(id = 1, 7, NULL), segment_id = iif(id = 1, 5, NULL)`.execute(
    database,
  )
  await intake.complete([1, 2].map((id) => ({ ...found, id, processedAt: null })))
  const rows = await database.selectFrom('samples').select(['id', 'state', 'processed_at', 'segment_id']).execute()
  assert.deepEqual(
    rows.map(({ state, processed_at, segment_id }) => [state, processed_at, segment_id]),
    [
      ['queued', 7, 5],
      ['queued', null, 8],
    ],
  )
  assert.deepEqual([...(await corpus.scannable([1, 2], false)).keys()], [1])
})

test('samples that only a cloud has have no size here, and cost no second reading', async () => {
  await add(1, 1)
  await add(2, 2, 0)
  await add(3, 3)
  const sizes = await corpus.sizes(3)
  assert.deepEqual([...sizes], [-1, 10, -1, 30])
  assert.equal(await corpus.sizes(3), sizes)
})

test('more sizes than are read at once are all read, whoever else asks meanwhile', async () => {
  await add(1, 45_000)
  const [few, all] = await Promise.all([corpus.sizes(10), corpus.sizes(45_000)])
  assert.equal(few[10], 100)
  // Not compared as a whole: telling how two arrays of this length differ takes minutes.
  assert.equal(all.length, 45_001)
  assert.equal(
    all.findIndex((size, id) => size !== (id === 0 ? -1 : 10 * id)),
    -1,
  )
  assert.deepEqual(await corpus.whole(), { samples: 45_000, bytes: (10 * 45_000 * 45_001) / 2 })
})

test('a selection over more samples than are looked at at once has each of them once, in their order', async () => {
  await add(1, 45_000)
  await add(45_001, 45_002, 0)
  await database.updateTable('samples').set({ name: 'odd' }).where(sql<boolean>`id % 2 = 1`).execute()
  const ids = await corpus.select({ namePattern: 'o*' }, 45_002)
  assert.equal(ids?.length, 22_500)
  assert.equal(
    ids.findIndex((id, i) => id !== 2 * i + 1),
    -1,
  )
  assert.deepEqual(await corpus.measure({ namePattern: 'o*' }), { samples: 22_500, bytes: 10 * 22_500 * 22_500 })
  assert.deepEqual(await corpus.measure({}), await corpus.whole())
  assert.deepEqual(await corpus.measure({ namePattern: 'none' }), { samples: 0, bytes: 0 })
})

test('the type PE has programs of 32 and of 64 bits; PE32 and PE32+ tell them apart', async () => {
  await add(1, 6)
  for (const [id, type] of [
    [1, 'PE+/Exe'],
    [2, 'PE+/Dll'],
    [3, 'PE/Dll'],
    [4, 'Text'],
    [5, 'PEM/Key'],
  ] as const)
    await database.updateTable('samples').set({ file_type: type }).where('id', '=', id).execute()
  const of = async (...fileTypes: string[]) => [...((await corpus.select({ fileTypes }, 6)) ?? [])]
  assert.deepEqual(await of('PE'), [1, 2, 3, 6])
  assert.deepEqual(await of('PE32'), [3, 6])
  assert.deepEqual(await of('PE32+'), [1, 2])
  assert.deepEqual(await of('PE+/Dll', 'Text'), [2, 4])
})

test('samples of a range are counted exactly, whichever way is shorter', async () => {
  await add(1, 40)
  await add(41, 45, 0)
  await add(46, 300)
  await database.deleteFrom('samples').where('id', 'in', [7, 120, 121, 300]).execute()
  await database.updateTable('samples').set({ state: 'queued' }).where('id', 'in', [3, 50, 299]).execute()
  const rows = await database.selectFrom('samples').select(['id', 'stored', 'state']).execute()
  const counted = rows.filter(({ stored, state }) => stored === 1 && state === 'processed').map(({ id }) => id)
  for (let after = 0; after <= 310; after += 31) {
    for (let upTo = after; upTo <= 310; upTo += 10) {
      const expected = counted.filter((id) => id > after && id <= upTo).length
      assert.equal(await storeOf(database).corpus.count(after, upTo), expected, `${after} to ${upTo}`)
    }
  }
  assert.equal((await corpus.whole()).samples, counted.length)
})

test('counting what a hunt covers reads an index, not the rows', async () => {
  const count = 'SELECT count(*) FROM samples WHERE stored = ? AND state = ? AND id > ? AND id <= ?'
  const explained = CompiledQuery.raw(`EXPLAIN QUERY PLAN ${count}`, [1, 'processed', 0, 10])
  const { rows } = await database.executeQuery<{ detail: string }>(explained)
  assert.match(rows.map(({ detail }) => detail).join(), /COVERING INDEX samples_processed/)
})

test('a selection by names takes letters as they are, ASCII ones whatever their case, and only * and ? for others', async () => {
  await add(1, 4)
  const names = ['ÉTÉ_2026.EXE', 'été_2026.exe', 'x[1]%.bin', 'xa1b.bin']
  for (const [at, name] of names.entries())
    await database
      .updateTable('samples')
      .set({ name })
      .where('id', '=', at + 1)
      .execute()
  for (const [namePattern, found] of Object.entries({
    'ÉTÉ*.exe': [1],
    'été_2026.EXE': [2],
    '?t?_2026.exe': [1, 2],
    'x[1]%.BIN': [3],
    'X???.bin': [4],
    'x_1b.bin': [],
    '': [],
    '*': [1, 2, 3, 4],
  }))
    assert.deepEqual([...((await corpus.select({ namePattern }, 4)) ?? [])], found, namePattern)
})
