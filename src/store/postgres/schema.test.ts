import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { type TestContext, test } from 'node:test'
import pg from 'pg'
import { DatabaseHealth } from '../database-health.ts'
import { migrate as migrateSqlite, newestSchema, readMigrations as readOfSqlite } from '../sqlite/migrate.ts'
import { readMigrations } from './migrate.ts'
import { newDatabase, noServer } from './server.fixture.ts'
import { openPostgresStore } from './store.ts'

const types: Readonly<Record<string, string>> = {
  bigint: 'INTEGER',
  smallint: 'INTEGER',
  text: 'TEXT',
  bytea: 'BLOB',
  'double precision': 'REAL',
}

/** `table.column type [not null]`, of every column that queries may name. */
function columnsOfSqlite(): string[] {
  const database = new DatabaseSync(':memory:')
  migrateSqlite(database, readOfSqlite())
  const rows = database
    .prepare(
      `SELECT tables.name AS "table", columns.name, columns.type, columns."notnull" OR columns.pk > 0 AS required
       FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
       WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'`,
    )
    .all()
  database.close()
  return rows.map((row) => `${row.table}.${row.name} ${row.type}${row.required ? ' required' : ''}`)
}

async function columnsOfPostgres(t: TestContext): Promise<string[]> {
  const address = await newDatabase()
  await (await openPostgresStore(address, new DatabaseHealth())).close()
  const client = new pg.Client(address)
  await client.connect()
  t.after(() => client.end())
  const { rows } = await client.query<{ table: string; name: string; type: string; required: string; order: string }>(
    `SELECT table_name AS table, column_name AS name, data_type AS type, is_nullable AS required, collation_name AS order
     FROM information_schema.columns WHERE table_schema = 'backtrail' AND table_name <> 'schema_steps'`,
  )
  for (const { table, name, type, order } of rows)
    if (type === 'text') assert.equal(order, 'C', `${table}.${name} is ordered as in SQLite`)
  return rows.map(({ table, name, type, required }) => {
    return `${table}.${name} ${types[type] ?? type}${required === 'NO' ? ' required' : ''}`
  })
}

test('both databases have the same tables and columns', { skip: noServer }, async (t) => {
  // No query names it: it is what earlier versions wrote.
  const earlier = ['samples.intake TEXT']
  const ofSqlite = columnsOfSqlite().filter((column) => !earlier.includes(column))
  assert.ok(ofSqlite.length > 200, `only ${ofSqlite.length} columns`)
  assert.deepEqual((await columnsOfPostgres(t)).sort(), ofSqlite.sort())
})

test('a change of the schema is made for both databases, under one number', () => {
  assert.equal(
    readMigrations().at(-1)?.number,
    newestSchema(),
    'src/store/postgres/migrations/ and src/store/sqlite/migrations/ end with the same number',
  )
})
