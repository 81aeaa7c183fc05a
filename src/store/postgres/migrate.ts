import { readdirSync, readFileSync } from 'node:fs'
import { type Kysely, sql, type Transaction } from 'kysely'
import { Failure } from '../../errors/index.ts'
import { SCHEMA } from './connection.ts'

/** One step of the schema's history. It has the number of the migration of SQLite that leads to the same tables. */
interface Migration {
  readonly number: number
  readonly sql: string
}

/** PostgreSQL 15 is the oldest that is tested. */
const OLDEST = 150_000

/** Any number that others do not take for their locks in the same database. */
const LOCK = 0x426b5472

/** The steps in `migrations/`, by their numbers: the first makes all tables. */
export function readMigrations(): Migration[] {
  const folder = new URL('migrations/', import.meta.url)
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => ({ number: Number.parseInt(file, 10), sql: readFileSync(new URL(file, folder), 'utf8') }))
}

/**
 * Brings a database up to the newest schema, as a whole or not at all. Where several programs start at once, one does it
 * and the others wait. `database.unusable` for a database that a newer program has written, that holds something else in
 * our place, or that is of a kind that Backtrail does not work with.
 */
export async function migrate(database: Kysely<unknown>): Promise<void> {
  await database.transaction().execute(async (trx) => {
    await sql`SELECT pg_advisory_xact_lock(${LOCK})`.execute(trx)
    await demandFitness(trx)
    await sql`CREATE SCHEMA IF NOT EXISTS ${sql.id(SCHEMA)}`.execute(trx)
    const version = await versionOf(trx)
    const migrations = readMigrations()
    const newest = migrations.at(-1)?.number ?? 0
    if (version > newest) {
      throw new Failure(
        'database.unusable',
        `The database was written by a newer Backtrail (schema ${version}; this program knows ${newest}). Start that version, or restore a backup made before the update.`,
      )
    }
    for (const { number, sql: text } of migrations.filter(({ number }) => number > version)) {
      await sql.raw(text).execute(trx)
      await sql`INSERT INTO schema_steps (number) VALUES (${number})`.execute(trx)
    }
  })
}

/** Whether these are tables of Backtrail that this program may bring up to date; false where there are none yet. */
export async function isOlderOrSame(database: Kysely<unknown>): Promise<boolean> {
  const { rows: found } = await sql<{ found: boolean }>`
    SELECT to_regclass(${`${SCHEMA}.schema_steps`}) IS NOT NULL
      AND to_regclass(${`${SCHEMA}.settings`}) IS NOT NULL AS found`.execute(database)
  if (found[0]?.found !== true) return false
  const { rows } = await sql<{ version: number }>`
    SELECT coalesce(max(number), 0) AS version FROM schema_steps`.execute(database)
  return (rows[0]?.version ?? 0) <= (readMigrations().at(-1)?.number ?? 0)
}

/** For programs that change no tables. `database.unusable` where a server of this version was not there first. */
export async function demandNewestSchema(database: Kysely<unknown>): Promise<void> {
  const newest = readMigrations().at(-1)?.number ?? 0
  const { rows } = await sql<{ version: number }>`
    SELECT coalesce(max(number), 0) AS version FROM schema_steps`
    .execute(database)
    .catch((error: unknown) => {
      const isMissing = error instanceof Error && 'code' in error && error.code === '42P01'
      if (!isMissing) throw error
      return { rows: [] }
    })
  const { version = 0 } = rows[0] ?? {}
  if (version === newest) return
  throw new Failure(
    'database.unusable',
    version === 0
      ? 'There is no Backtrail in this database yet: start a server with it first.'
      : `The database has schema ${version}, and this program works with ${newest}: nodes are of the same version as the server, which is started first.`,
  )
}

async function demandFitness(trx: Transaction<unknown>): Promise<void> {
  const { rows } = await sql<{ version: number; encoding: string }>`
    SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding`.execute(
    trx,
  )
  const { version = 0, encoding = '' } = rows[0] ?? {}
  if (version < OLDEST)
    throw new Failure('database.unusable', `PostgreSQL 15 is the oldest that Backtrail works with; this is ${version}.`)
  if (encoding !== 'UTF8')
    throw new Failure('database.unusable', `The database must have the encoding UTF8; this one has ${encoding}.`)
}

/** 0 where nothing is there yet. */
async function versionOf(trx: Transaction<unknown>): Promise<number> {
  const { rows: tables } = await sql<{ name: string }>`
    SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ${SCHEMA}`.execute(trx)
  if (tables.length === 0) {
    await sql`CREATE TABLE schema_steps (number bigint PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())`.execute(
      trx,
    )
    return 0
  }
  if (!tables.some(({ name }) => name === 'schema_steps'))
    throw new Failure(
      'database.unusable',
      `The schema "${SCHEMA}" of the database was made by another program, not by Backtrail.`,
    )
  const { rows } = await sql<{ version: number }>`
    SELECT coalesce(max(number), 0) AS version FROM schema_steps`.execute(trx)
  return rows[0]?.version ?? 0
}
