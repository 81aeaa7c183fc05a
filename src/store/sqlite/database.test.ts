import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import { openDatabase } from './database.ts'
import { describeSchema } from './describe-schema.fixture.ts'
import { migrate, readMigrations } from './migrate.ts'

const folder = mkdtempSync(join(tmpdir(), 'backtrail-database-'))
after(() => rmSync(folder, { recursive: true }))
const file = (name: string): string => join(folder, name)

test('the committed schema is what the migrations make', () => {
  const database = new DatabaseSync(':memory:')
  migrate(database, readMigrations())
  const schema = describeSchema(database)
  database.close()
  const committed = new URL('schema.sql', import.meta.url)
  if (process.env.BACKTRAIL_WRITE_SCHEMA === '1') writeFileSync(committed, schema)
  assert.equal(
    schema,
    readFileSync(committed, 'utf8'),
    'run this test with BACKTRAIL_WRITE_SCHEMA=1 and commit schema.sql',
  )
})

test('a database is synced at each commit, logs ahead and enforces its references', async () => {
  const database = await openDatabase(file('pragmas.db'))
  const pragma = async (name: string): Promise<unknown> =>
    Object.values((await sql<Record<string, unknown>>`PRAGMA ${sql.raw(name)}`.execute(database)).rows[0] ?? {})[0]
  assert.equal(await pragma('journal_mode'), 'wal')
  assert.equal(await pragma('synchronous'), 2)
  assert.equal(await pragma('foreign_keys'), 1)
  assert.equal(await pragma('busy_timeout'), 5000)
  await assert.rejects(
    database.insertInto('tags').values({ sample_id: 99, tag: 'lost' }).execute(),
    /FOREIGN KEY constraint failed/,
  )
  await database.destroy()
})

test('what was committed is there after opening again, what was rolled back is not', async () => {
  const path = file('again.db')
  const first = await openDatabase(path)
  await first.insertInto('settings').values({ key: 'kept', value: 'yes' }).execute()
  await assert.rejects(
    first.transaction().execute(async (trx) => {
      await trx.insertInto('settings').values({ key: 'lost', value: 'yes' }).execute()
      throw new Error('change of mind')
    }),
    /change of mind/,
  )
  await first.destroy()
  const second = await openDatabase(path)
  const rows = await second.selectFrom('settings').select('key').execute()
  await second.destroy()
  assert.deepEqual(
    rows.map((row) => row.key),
    ['kept'],
  )
})

test('a database that cannot grow says that the storage is full, and takes the whole transaction back', async () => {
  const database = await openDatabase(file('full.db'))
  const pages = await sql<{ page_count: number }>`PRAGMA page_count`.execute(database)
  await sql`PRAGMA max_page_count = ${sql.lit(pages.rows[0]?.page_count ?? 0)}`.execute(database)
  const write = database.transaction().execute(async (trx) => {
    await trx.insertInto('settings').values({ key: 'small', value: '' }).execute()
    await trx
      .insertInto('settings')
      .values({ key: 'large', value: 'x'.repeat(1_000_000) })
      .execute()
  })
  await assert.rejects(write, { code: 'storage.full', message: /free some space/ })
  await sql`PRAGMA max_page_count = 4294967294`.execute(database)
  assert.deepEqual(await database.selectFrom('settings').select('key').execute(), [])
  await database.transaction().execute((trx) => trx.insertInto('settings').values({ key: 'next', value: '' }).execute())
  await database.destroy()
})

test('transactions that are started at once run one after the other', async () => {
  const database = await openDatabase(file('serial.db'))
  await database.insertInto('settings').values({ key: 'n', value: '0' }).execute()
  const addOne = (): Promise<void> =>
    database.transaction().execute(async (trx) => {
      const { value } = await trx.selectFrom('settings').select('value').executeTakeFirstOrThrow()
      await trx
        .updateTable('settings')
        .set({ value: String(Number(value) + 1) })
        .execute()
    })
  await Promise.all(Array.from({ length: 50 }, addOne))
  const { value } = await database.selectFrom('settings').select('value').executeTakeFirstOrThrow()
  await database.destroy()
  assert.equal(value, '50')
})

test('more different statements than the cache holds all give their own answers', async () => {
  const database = await openDatabase(file('cache.db'))
  for (const round of [1, 2]) {
    for (let n = 0; n < 500; n += 1) {
      const { rows } = await sql<{ n: number }>`SELECT ${sql.raw(String(n))} AS n`.execute(database)
      assert.equal(rows[0]?.n, n, `round ${round}`)
    }
  }
  await database.destroy()
})

test('a database of a newer program is refused with its version named', async () => {
  const path = file('newer.db')
  await (await openDatabase(path)).destroy()
  const raw = new DatabaseSync(path)
  raw.exec('PRAGMA user_version = 4711')
  raw.close()
  await assert.rejects(openDatabase(path), { code: 'database.unusable', message: /newer Backtrail \(schema 4711/ })
})

test("another program's database is refused and left as it was", async () => {
  const path = file('foreign.db')
  const raw = new DatabaseSync(path)
  raw.exec('CREATE TABLE contacts (name TEXT)')
  raw.close()
  await assert.rejects(openDatabase(path), { code: 'database.unusable', message: /another program/ })
  const again = new DatabaseSync(path)
  assert.equal(describeSchema(again), 'CREATE TABLE contacts (name TEXT);\n')
  again.close()
})

test('a file that is no database is refused and left as it was', async () => {
  const path = file('letter.db')
  writeFileSync(path, 'Dear database, '.repeat(1000))
  await assert.rejects(openDatabase(path), { code: 'database.unusable', message: /letter\.db is damaged/ })
  assert.equal(readFileSync(path, 'utf8'), 'Dear database, '.repeat(1000))
})

test('a migration that fails half-way leaves the database as the program before it knew it', () => {
  const database = new DatabaseSync(':memory:')
  const before = [{ number: 1, name: '0001-before', sql: 'CREATE TABLE before (id INTEGER);' }]
  migrate(database, before)
  const good = { number: 2, name: '0002-good', sql: 'CREATE TABLE kept (id INTEGER);' }
  const bad = { number: 3, name: '0003-bad', sql: 'CREATE TABLE half (id INTEGER); CREATE TABLE kept (id INTEGER);' }
  assert.throws(
    () => migrate(database, [...before, good, bad]),
    /0003-bad failed, and what was done before it was taken back/,
  )
  assert.equal(describeSchema(database), 'CREATE TABLE before (id INTEGER);\n')
  assert.deepEqual({ ...database.prepare('PRAGMA user_version').get() }, { user_version: 1 })
  migrate(database, [...before, good, { ...bad, name: '0003-mended', sql: 'CREATE TABLE whole (id INTEGER);' }])
  assert.match(describeSchema(database), /CREATE TABLE kept .*CREATE TABLE whole/s)
  database.close()
})

test('a database of before names had folders gets them from the archives, and keeps its names without', () => {
  const database = new DatabaseSync(':memory:')
  const steps = readMigrations()
  migrate(database, steps.slice(0, 2))
  const sample = (id: number, name: string) =>
    database.exec(`INSERT INTO samples (id, sha1, size, stored, state, file_type, type_description, name, first_seen, last_seen)
      VALUES (${id}, x'0${id}', 1, 1, 'processed', '', '', '${name}', 1, 1)`)
  sample(1, 'a.zip')
  sample(2, 'x_%.vbs')
  database.exec(`
    INSERT INTO members (parent_id, child_id, path) VALUES (1, 2, 'in/deep/x_%.vbs'), (1, 2, 'other/xx.vbs');
    INSERT INTO sightings (sample_id, name, source, seen) VALUES
      (1, 'a.zip', 'upload', 1), (2, 'x_%.vbs', 'member', 1), (2, 'sent.vbs', 'upload', 2)`)
  migrate(database, steps)
  const rows = database.prepare('SELECT name, folder, owner FROM sightings ORDER BY id').all()
  assert.deepEqual(
    rows.map(({ name, folder, owner }) => [name, folder, owner]),
    [
      ['a.zip', null, null],
      ['x_%.vbs', 'in/deep', null],
      ['sent.vbs', null, null],
    ],
  )
  database.close()
})
