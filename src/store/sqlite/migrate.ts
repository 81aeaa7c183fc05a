import { readdirSync, readFileSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { Failure } from '../../errors/index.ts'

/** One step of the schema's history: `0001-appliance.sql` is number 1. Steps are never edited once they have shipped. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
}

/** Marks the file as ours ("BkTr"), so that some other program's database is not taken for an empty one. */
const APPLICATION_ID = 0x426b5472

/** The steps in `migrations/`, numbered from 1 without a gap. */
export function readMigrations(folder = new URL('migrations/', import.meta.url)): Migration[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
  return files.map((file, index) => {
    const number = Number.parseInt(file, 10)
    if (number !== index + 1) throw new Error(`Migration ${file} should have number ${index + 1}.`)
    return { number, name: file.replace(/\.sql$/, ''), sql: readFileSync(new URL(file, folder), 'utf8') }
  })
}

/** The number of the newest schema that this program knows. */
export function newestSchema(): number {
  return readMigrations().length
}

/**
 * Brings a database up to the newest schema in one transaction, so that a step that fails leaves nothing behind, and a
 * new database is synced once and not at every step.
 * A database that a newer program has written is refused with `database.unusable`, as is one that is not Backtrail's.
 */
export function migrate(database: DatabaseSync, migrations: readonly Migration[]): void {
  const version = pragma(database, 'user_version')
  const application = pragma(database, 'application_id')
  const newest = migrations.length
  if (application !== APPLICATION_ID && (application !== 0 || !isEmpty(database))) {
    throw new Failure('database.unusable', 'The database was made by another program, not by Backtrail.')
  }
  if (version > newest) {
    throw new Failure(
      'database.unusable',
      `The database was written by a newer Backtrail (schema ${version}; this program knows ${newest}). Start that version, or restore a backup made before the update.`,
    )
  }
  const missing = migrations.slice(version)
  if (missing.length === 0) return
  // A step that makes a table anew drops the old one, which must not take along the rows that refer to it.
  const isEnforced = pragma(database, 'foreign_keys')
  database.exec('PRAGMA foreign_keys = OFF')
  try {
    database.exec('BEGIN IMMEDIATE')
    try {
      for (const migration of missing) apply(database, migration)
      database.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
      database.exec(`PRAGMA user_version = ${newest}`)
      database.exec('COMMIT')
    } catch (error) {
      database.exec('ROLLBACK')
      throw error
    }
  } finally {
    database.exec(`PRAGMA foreign_keys = ${isEnforced}`)
  }
}

function apply(database: DatabaseSync, migration: Migration): void {
  try {
    database.exec(migration.sql)
    const [dangling] = database.prepare('PRAGMA foreign_key_check').all()
    if (dangling) throw new Error(`A row of ${dangling.table} refers to a row of ${dangling.parent} that is not there.`)
  } catch (error) {
    throw new Error(`Migration ${migration.name} failed, and what was done before it was taken back.`, { cause: error })
  }
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id' | 'foreign_keys'): number {
  return database.prepare(`PRAGMA ${name}`).get()?.[name] as number
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0
}
