import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import {
  type DatabaseConnection,
  type Dialect,
  SqliteAdapter,
  SqliteDialect,
  type SqliteDialectConfig,
  SqliteDriver,
} from 'kysely'
import { LRUCache } from 'lru-cache'
import { Failure } from '../../errors/index.ts'
import { checkFirst, type DatabaseHealth } from '../database-health.ts'

/**
 * Kysely's SQLite dialect over the SQLite that is built into Node.
 *
 * Preparing a statement costs about as much as running a small one, so prepared statements are kept. Statements whose
 * text depends on the length of a list would fill the cache, hence the bound.
 */
export function nodeSqliteDialect(database: DatabaseSync, health: DatabaseHealth): Dialect {
  const statements = new LRUCache<string, Statement>({ max: CACHED_STATEMENTS })
  const prepare = (sql: string): Statement => {
    const known = statements.get(sql)
    const statement =
      known ??
      new Statement(
        understood(() => database.prepare(sql), health),
        health,
      )
    if (!known) statements.set(sql, statement)
    return statement
  }
  return new BuiltInDialect(database, { database: { prepare, close: () => database.close() } })
}

const CACHED_STATEMENTS = 400

class Statement {
  readonly #statement: StatementSync
  readonly #health: DatabaseHealth
  /** Whether it gives rows: a SELECT, a PRAGMA, or anything with RETURNING. */
  readonly reader: boolean

  constructor(statement: StatementSync, health: DatabaseHealth) {
    this.#statement = statement
    this.#health = health
    this.reader = statement.columns().length > 0
  }

  all(parameters: readonly unknown[]): unknown[] {
    return understood(() => this.#statement.all(...(parameters as SQLInputValue[])), this.#health)
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return understood(() => this.#statement.run(...(parameters as SQLInputValue[])), this.#health)
  }

  iterate(): never {
    // A statement that is being stepped through would be reset by the next use of its text.
    throw new Error('Streaming is not offered: read in pages.')
  }
}

/**
 * Throws `storage.full` where the database could not grow, and `database.damaged` where it cannot be read; the
 * statement's transaction has then done nothing.
 */
function understood<T>(run: () => T, health: DatabaseHealth): T {
  try {
    return run()
  } catch (error) {
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) : 0
    if (DISK_IS_FULL.includes(code))
      throw new Failure('storage.full', 'The storage is full; free some space and try again.')
    if (!isDamage(code)) throw error
    health.report((error as Error).message)
    throw new Failure('database.damaged', `The database is damaged (${(error as Error).message}). ${checkFirst}`)
  }
}

/** SQLITE_FULL, and SQLITE_IOERR_SHMSIZE where it is the index of the log that could not grow. */
const DISK_IS_FULL = [13, 4874]

/** SQLITE_CORRUPT, SQLITE_NOTADB, and SQLITE_IOERR, with their extended codes: the file is not what it was, or not readable. */
export function isDamage(code: number): boolean {
  return [10, 11, 26].includes(code & 0xff) && !DISK_IS_FULL.includes(code)
}

class BuiltInDialect extends SqliteDialect {
  readonly #database: DatabaseSync
  readonly #config: SqliteDialectConfig

  constructor(database: DatabaseSync, config: SqliteDialectConfig) {
    super(config)
    this.#database = database
    this.#config = config
  }

  override createDriver(): SqliteDriver {
    return new BuiltInDriver(this.#database, this.#config)
  }

  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter()
  }
}

class BuiltInDriver extends SqliteDriver {
  readonly #database: DatabaseSync

  constructor(database: DatabaseSync, config: SqliteDialectConfig) {
    super(config)
    this.#database = database
  }

  /** SQLite rolls back by itself when the disk is full; asked once more, it would only hide why. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await super.rollbackTransaction(connection)
  }
}

class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}
