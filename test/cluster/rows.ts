import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

/** For what a busy machine takes its time with. */
export const SOON_MS = 180_000

/** For a database whose commits are to survive a back end that is killed: the fixture's do not wait for the log. */
export async function commitDurably(database: string): Promise<void> {
  const client = new pg.Client(database)
  await client.connect()
  await client.query(`ALTER DATABASE ${client.database} SET synchronous_commit = on`)
  await client.end()
}

/** What stands in the database, read past the program, also while PostgreSQL starts anew. */
export class Rows {
  readonly #address: string
  #client: Promise<pg.Client> | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(address: string) {
    this.#address = address
  }

  async end(): Promise<void> {
    await this.#client?.then((client) => client.end()).catch(() => {})
  }

  /** One after the other, as the client wants it. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const found = this.#turn.then(() => this.#rows(sql))
    this.#turn = found.catch(() => {})
    return found
  }

  async #rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    for (const begin = performance.now(); ; await delay(20)) {
      this.#client ??= this.#connect()
      const client = this.#client
      try {
        return (await (await client).query(sql)).rows
      } catch (error) {
        if (this.#client === client) this.#client = null
        const isDefect = error instanceof pg.DatabaseError && !/^(57|08)/.test(error.code ?? '')
        if (isDefect || performance.now() - begin > SOON_MS) throw error
      }
    }
  }

  /** A query for a truth, `holds`. */
  async until(sql: string, what: string): Promise<void> {
    for (const begin = performance.now(); (await this.rows(sql))[0]?.holds !== true; await delay(20))
      assert.ok(performance.now() - begin < SOON_MS, `waited in vain until ${what}`)
  }

  /** The stored samples that are processed, by their SHA-256. */
  async processed(): Promise<ReadonlySet<string>> {
    const rows = await this.rows(
      "SELECT encode(sha256, 'hex') AS hash FROM samples WHERE stored = 1 AND state = 'processed'",
    )
    return new Set(rows.map(({ hash }) => String(hash)))
  }

  async activeUrl(): Promise<string> {
    const [row] = await this.rows(
      "SELECT url FROM servers WHERE term = (SELECT value FROM settings WHERE key = 'server-term')",
    )
    return String(row?.url)
  }

  /** The processes that serve the program. */
  async backEnds(): Promise<number[]> {
    const rows = await this.rows(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, 'backtrail')",
    )
    return rows.map(({ pid }) => Number(pid))
  }

  /** Resolves when a hunt has come further than it is at the first look; whether one was under way then. */
  async nextCommit(): Promise<boolean> {
    const look = async () => {
      const [row] = await this.rows(
        `SELECT sum(processed) AS processed, count(*) FILTER (WHERE state = 'completed') AS ended,
           count(*) FILTER (WHERE state = 'running') AS running FROM hunts`,
      )
      return { steps: Number(row?.processed) + Number(row?.ended), isRunning: Number(row?.running) > 0 }
    }
    const first = await look()
    for (const begin = performance.now(); (await look()).steps <= first.steps; await delay(10))
      assert.ok(performance.now() - begin < SOON_MS, 'waited in vain until a hunt goes on')
    return first.isRunning
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.#address, options: '-c search_path=backtrail' })
    client.on('error', () => {})
    await client.connect()
    return client
  }
}
