import { DatabaseSync } from 'node:sqlite'
import { Kysely, type Transaction as KyselyTransaction } from 'kysely'
import { Failure } from '../../errors/index.ts'
import type { Schema } from '../schema.ts'
import { nodeSqliteDialect } from './dialect.ts'
import { migrate, readMigrations } from './migrate.ts'

/** `destroy()` closes it. A `Transaction` is a `Database` too. */
export type Database = Kysely<Schema>
export type Transaction = KyselyTransaction<Schema>

/**
 * Opens the database file, making it or bringing it up to date first. `database.unusable` for a file that a newer
 * program has written, that is not Backtrail's, or that is damaged.
 *
 * What a transaction has committed survives a power cut: the log is synced at each commit. Readers and the writer of
 * another process, such as a backup, do not block each other.
 */
export async function openDatabase(path: string): Promise<Database> {
  const connection = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true })
  try {
    // First, so that a file which is refused is left as it was.
    migrate(connection, readMigrations())
    connection.exec('PRAGMA journal_mode = WAL')
    connection.exec('PRAGMA synchronous = FULL')
    // 64 MB of pages: the inner nodes of every index at ten million matches.
    connection.exec('PRAGMA cache_size = -65536')
    connection.exec('PRAGMA temp_store = MEMORY')
  } catch (error) {
    connection.close()
    if (isNoDatabase(error)) {
      throw new Failure('database.unusable', `${path} is damaged or no database at all. ${wayOut}`)
    }
    throw error
  }
  return new Kysely<Schema>({ dialect: nodeSqliteDialect(connection) })
}

/** What to do where the database is lost; the contents of the samples are not. */
export const wayOut =
  'Put a backup of it back; or move the data folder away, start with a fresh one, and ingest the folder "blobs" of the old one.'

function isNoDatabase(error: unknown): boolean {
  const [SQLITE_CORRUPT, SQLITE_NOTADB] = [11, 26]
  return error instanceof Error && 'errcode' in error && [SQLITE_CORRUPT, SQLITE_NOTADB].includes(Number(error.errcode))
}
