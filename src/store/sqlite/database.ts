import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { Failure } from '../../errors/index.ts'
import { DatabaseHealth } from '../database-health.ts'
import type { Schema } from '../schema.ts'
import type { Database } from '../sql/database.ts'
import { isDamage, nodeSqliteDialect } from './dialect.ts'
import { damageOfLog } from './log-damage.ts'
import { migrate, readMigrations } from './migrate.ts'
import { type CheckDepth, problemsOf } from './soundness.ts'

/** Up to this size a start waits for a whole check; up to the second, for a quick one (80 MB a second, with luck). */
const CHECKED_WHOLLY = 8 * 1024 * 1024
const CHECKED_QUICKLY = 64 * 1024 * 1024

/** What a start has looked for; the rest is for `checkDatabase`, while the database is in use. */
export type CheckedAtStart = CheckDepth | 'nothing'

/**
 * Opens the database file, making it or bringing it up to date first. `database.unusable` for a file that a newer
 * program has written, that is not Backtrail's, or that is damaged.
 *
 * What a transaction has committed survives a power cut: the log is synced at each commit. Readers and the writer of
 * another process, such as a backup, do not block each other.
 */
export async function openDatabase(path: string, health = new DatabaseHealth()): Promise<Database> {
  const { database } = await openChecked(path, health, 0)
  return database
}

/** The same, and looks for damage first, as far as that takes a moment: `database.unusable` where there is any. */
export async function openSoundDatabase(
  path: string,
  health: DatabaseHealth,
): Promise<{ readonly database: Database; readonly checked: CheckedAtStart }> {
  return openChecked(path, health, CHECKED_QUICKLY)
}

async function openChecked(
  path: string,
  health: DatabaseHealth,
  most: number,
): Promise<{ readonly database: Database; readonly checked: CheckedAtStart }> {
  let connection: DatabaseSync | null = null
  try {
    // Before SQLite takes what it can read of the log into the database and removes the rest.
    const lost = most === 0 ? null : damageOfLog(path)
    if (lost !== null) throw damagedDatabase(path, [lost])
    connection = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true })
    // First, so that a file which is refused is left as it was.
    migrate(connection, readMigrations())
    const bytes = statSync(path).size
    const checked = bytes > most ? 'nothing' : bytes <= CHECKED_WHOLLY ? 'full' : 'quick'
    const problems = checked === 'nothing' ? [] : problemsOf(connection, checked)
    if (problems.length > 0) throw damagedDatabase(path, problems)
    connection.exec('PRAGMA journal_mode = WAL')
    connection.exec('PRAGMA synchronous = FULL')
    // 64 MB of pages: the inner nodes of every index at ten million matches.
    connection.exec('PRAGMA cache_size = -65536')
    connection.exec('PRAGMA temp_store = MEMORY')
    return { database: new Kysely<Schema>({ dialect: nodeSqliteDialect(connection, health) }), checked }
  } catch (error) {
    connection?.close()
    throw explained(path, error)
  }
}

/** What to do where the database is lost; the contents of the samples are not. */
export const wayOut =
  'Put a backup of it back; or move the data folder away, start with a fresh one, and ingest the folder "blobs" of the old one.'

/** The refusal to work with a damaged database. */
export function damagedDatabase(path: string, problems: readonly string[]): Failure {
  const folder = dirname(path)
  return new Failure(
    'database.unusable',
    `${path} is damaged: ${problems[0]}. "backtrail check --data ${folder}" lists what is; where only indices or the log are, "backtrail check --rebuild" makes a sound one of the rest. ${wayOut}`,
    { problems },
  )
}

function explained(path: string, error: unknown): unknown {
  // A migration that failed carries why.
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = inner instanceof Error && 'errcode' in inner ? Number(inner.errcode) : 0
  if ((code & 0xff) === NOTADB)
    return new Failure('database.unusable', `${path} is damaged or no database at all. ${wayOut}`)
  if (isDamage(code)) return damagedDatabase(path, [(inner as Error).message])
  if (code === FULL || code === SHM_FULL) return new Failure('storage.full', undefined, { path })
  if ((code & 0xff) === CANTOPEN || (code & 0xff) === READONLY)
    return new Failure(
      'data-folder.unusable',
      `${path} cannot be opened for reading and writing (${(inner as Error).message}): it must be a file, and belong to the user that runs Backtrail, like all of the data folder.`,
    )
  return error
}

const [READONLY, FULL, CANTOPEN, NOTADB, SHM_FULL] = [8, 13, 14, 26, 4874]
