import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { type Dialect, SqliteAdapter, SqliteDialect } from 'kysely'

/**
 * Kysely's SQLite dialect over the SQLite that is built into Node.
 *
 * Preparing a statement costs about as much as running a small one, so prepared statements are kept. Statements whose
 * text depends on the length of a list would fill the cache, hence the bound: the least recently used one goes.
 */
export function nodeSqliteDialect(database: DatabaseSync): Dialect {
  const statements = new Map<string, Statement>()
  const prepare = (sql: string): Statement => {
    const known = statements.get(sql)
    const statement = known ?? new Statement(database.prepare(sql))
    if (known) statements.delete(sql)
    statements.set(sql, statement)
    if (statements.size > CACHED_STATEMENTS) {
      for (const oldest of statements.keys()) {
        statements.delete(oldest)
        break
      }
    }
    return statement
  }
  return new TransactionalDdlDialect({ database: { prepare, close: () => database.close() } })
}

const CACHED_STATEMENTS = 400

class Statement {
  readonly #statement: StatementSync
  /** Whether it gives rows: a SELECT, a PRAGMA, or anything with RETURNING. */
  readonly reader: boolean

  constructor(statement: StatementSync) {
    this.#statement = statement
    this.reader = statement.columns().length > 0
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.#statement.all(...(parameters as SQLInputValue[]))
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#statement.run(...(parameters as SQLInputValue[]))
  }

  iterate(): never {
    // A statement that is being stepped through would be reset by the next use of its text.
    throw new Error('Streaming is not offered: read in pages.')
  }
}

class TransactionalDdlDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalDdlAdapter()
  }
}

class TransactionalDdlAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}
