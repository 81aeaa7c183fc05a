/** All tables, filled by the stories of the store's own tests, from one database into another. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import { DatabaseHealth, openSoundStore, openSqliteTables, type SqliteTables, type Tables } from '../store/index.ts'
import { newDatabase, noServer } from '../store/postgres/server.fixture.ts'
import { openPostgresTables } from '../store/postgres/store.ts'
import { accounts } from '../store/stories/accounts.fixture.ts'
import { hunting } from '../store/stories/hunts.fixture.ts'
import { matching } from '../store/stories/matches.fixture.ts'
import { notifying } from '../store/stories/notifications.fixture.ts'
import { rules } from '../store/stories/rules.fixture.ts'
import { arriving, finding } from '../store/stories/samples.fixture.ts'
import type { Stage } from './move.ts'
import { compareRows, copyRows } from './rows.ts'

const options = { partial: false, signal: new AbortController().signal, onProgress() {} }
const start: Stage = { move: 'm', stage: 'rows', dropped: [], table: null, after: null }

async function sqlite(t: TestContext, isFilled = false): Promise<SqliteTables & { readonly file: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-rows-'))
  const file = join(folder, 'backtrail.db')
  const { store } = await openSoundStore(file, new DatabaseHealth())
  if (isFilled) {
    const tell = () => {}
    for (const story of [accounts, rules, arriving, finding, matching, hunting, notifying]) await story(store, tell)
    await store.settings.set('cluster-id', 'of one database alone')
  }
  await store.close()
  const tables = openSqliteTables(file, { readOnly: false })
  t.after(() => {
    tables.close()
    rmSync(folder, { recursive: true })
  })
  return { ...tables, file }
}

const copying = (from: Tables, to: Tables, { shapes }: SqliteTables) => ({
  ...{ shapes, from, to, options },
  change: (_table: unknown, row: readonly (null | number | string | Uint8Array)[]) => row,
})

/** Copies in transactions of which every n-th is the last one of a process: it is committed, or it is not. */
async function copyWithEnds(from: Tables, to: Tables, of: SqliteTables, every: number): Promise<number> {
  let transactions = 0
  const failing: Tables = {
    ...to,
    async add(...given) {
      transactions++
      if (transactions % every === 0) throw new Error('ended before')
      await to.add(...given)
      if (transactions % every === 1) throw new Error('ended after')
    },
  }
  for (let ends = 0; ; ends++) {
    const known = await to.progress()
    const stage = known === null ? start : (JSON.parse(known) as Stage)
    try {
      await copyRows(copying(from, failing, of), stage)
      return ends
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('ended'))) throw error
    }
  }
}

test('rows are the same in another database, however often the copy ended, before a commit or after it', async (t) => {
  const source = await sqlite(t, true)
  const target = await sqlite(t)
  const ends = await copyWithEnds(source, target, source, 3)
  assert.ok(ends > 10, `only ${ends} ends`)
  let rows = 0
  for (const shape of source.shapes) rows += await source.count(shape)
  assert.ok(rows > 60, `only ${rows} rows`)
  await compareRows(copying(source, target, source), rows)
  await target.end()
  assert.equal(await target.progress(), null)
  const database = new DatabaseSync(target.file)
  assert.equal(database.prepare("SELECT count(*) AS n FROM settings WHERE key = 'cluster-id'").get()?.n, 0)
  database.close()
})

const changes: Readonly<Record<string, string>> = {
  'a value that is another': "UPDATE samples SET note = 'x' WHERE id = (SELECT max(id) FROM samples)",
  'a row that is missing': 'DELETE FROM sightings WHERE id = (SELECT max(id) FROM sightings)',
  'a row too many': "INSERT INTO settings (key, value) VALUES ('more', '1')",
  'a null in place of an empty text': "UPDATE rulesets SET reason = '' WHERE reason IS NULL",
  'a count that is another': 'UPDATE sample_counts SET samples = samples + 1',
}
for (const [what, change] of Object.entries(changes)) {
  test(`${what} is found in the end`, async (t) => {
    const source = await sqlite(t, true)
    const target = await sqlite(t)
    const rows = await copyRows(copying(source, target, source), start)
    await compareRows(copying(source, target, source), rows)
    const database = new DatabaseSync(target.file)
    assert.ok(Number(database.prepare(change).run().changes) > 0)
    database.close()
    await assert.rejects(compareRows(copying(source, target, source), rows), { code: 'move.incomplete' })
  })
}

test('rows come back from PostgreSQL as they went, and ids that were given are not given again', {
  skip: noServer,
}, async (t) => {
  const source = await sqlite(t, true)
  const { store, tables } = await openPostgresTables(await newDatabase(), new DatabaseHealth())
  t.after(() => store.close())
  await copyWithEnds(source, tables, source, 4)
  await compareRows(copying(source, tables, source), 1)
  const back = await sqlite(t)
  await copyWithEnds(tables, back, source, 5)
  await compareRows(copying(source, back, source), 1)
  const counted = source.shapes.filter(({ counts }) => counts)
  assert.ok(counted.length > 10)
  const ids = await source.lastIds(counted)
  for (const other of [tables, back]) assert.deepEqual(await other.lastIds(counted), ids)
})
