/**
 * That one server at a time works on a database, while others stand by: a lock of a session, which
 * PostgreSQL gives up when the connection ends, however it ends. The session is one of its own, open while the server is.
 */
import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { Failure, messageOf } from '../../errors/index.ts'
import { APPLICATION, demandTerm } from './fence.ts'
import { demandSessions, isAlive, session } from './session.ts'

export interface ServerLock {
  /** Of this server alone; see `fence.ts`. */
  readonly term: string
  /** Rejects with `database.locked` when another server has got the database, after this one lost its session. */
  readonly lost: Promise<never>
  release(): Promise<void>
}

/** Any two numbers that others do not take for their locks in the same database. */
export const LOCK = [0x42_6b_54_72, 1] as const
export interface LockTimes {
  /** How often the session is asked whether it is still there. */
  readonly lookMs: number
  /** How long a lost session may take to come back; what is written meanwhile is fenced (`fence.ts`). */
  readonly backWithinMs: number
}

const TIMES: LockTimes = { lookMs: 1_000, backWithinMs: 60_000 }
const AGAIN_MS = 500

/**
 * Takes the database at `postgres://…`. Throws `database.locked` while another server has it, and `database.unusable` where
 * it cannot be reached, or where a proxy hands its connections out transaction by transaction: there, neither this lock nor
 * anything else of a session holds.
 */
export async function lockServer(url: string, times: LockTimes = TIMES): Promise<ServerLock> {
  try {
    await demandSessions(url)
    return await KeptLock.take(url, times)
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('database.unusable', `PostgreSQL cannot be used: ${messageOf(error)}.`)
  }
}

/** Servers that wait for the database; each asks by a session of its own, which holds the lock once it is got. */
export interface ServerQueue {
  /** Null while another one has the database. A lost session is opened anew; rejects where that fails. */
  take(): Promise<ServerLock | null>
  /**
   * Ends the session of the server with a term, if it has the database: for one that has given no sign of life for long. What
   * it writes later is refused (`fence.ts`). One that has got the database from it meanwhile keeps it.
   */
  endHolder(term: string): Promise<void>
  /** A lock that was got stays. */
  close(): Promise<void>
}

/** Fails as `lockServer` does, except that another server may have the database. */
export async function queueForServer(url: string, times: LockTimes = TIMES): Promise<ServerQueue> {
  try {
    await demandSessions(url)
    const queue = new Queue(url, times)
    await queue.open()
    return queue
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure('database.unusable', `PostgreSQL cannot be used: ${messageOf(error)}.`)
  }
}

class Queue implements ServerQueue {
  readonly #url: string
  readonly #times: LockTimes
  /** Of the next lock that is got. */
  #term = randomUUID()
  #client: pg.Client | null = null

  constructor(url: string, times: LockTimes) {
    this.#url = url
    this.#times = times
  }

  async take(): Promise<ServerLock | null> {
    const client = await this.open()
    try {
      if (!(await tryLock(client))) return null
      const lock = new KeptLock(this.#url, this.#times, client, this.#term)
      this.#term = randomUUID()
      this.#client = null
      return lock
    } catch (error) {
      await this.close()
      throw error
    }
  }

  async endHolder(term: string): Promise<void> {
    const client = await this.open()
    // A proxy may have added something to the name.
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
       WHERE locktype = 'advisory' AND granted AND classid = $1 AND objid = $2 AND objsubid = 2
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND starts_with(application_name, $3)`,
      [...LOCK, `${APPLICATION} ${nameOf(term)}`],
    )
  }

  async close(): Promise<void> {
    const client = this.#client
    this.#client = null
    await client?.end().catch(() => {})
  }

  async open(): Promise<pg.Client> {
    this.#client ??= await session(this.#url, nameOf(this.#term))
    return this.#client
  }
}

/** The name of a session that waits for the lock or holds it. Others can read it, so it has a digest of the term only. */
function nameOf(term: string): string {
  return `lock ${createHash('sha256').update(term).digest('hex').slice(0, 16)}`
}

class KeptLock implements ServerLock {
  readonly term: string
  readonly lost: Promise<never>
  readonly #url: string
  readonly #times: LockTimes
  readonly #stopping = new AbortController()
  #client: pg.Client
  #keeping: Promise<void> = Promise.resolve()
  #lose: (error: Error) => void = () => {}

  constructor(url: string, times: LockTimes, client: pg.Client, term: string) {
    this.#url = url
    this.#times = times
    this.#client = client
    this.term = term
    this.lost = new Promise<never>((_, reject) => {
      this.#lose = reject
    })
    // Nobody may be waiting for it yet.
    this.lost.catch(() => {})
    this.#keeping = this.#keep()
  }

  static async take(url: string, times: LockTimes): Promise<KeptLock> {
    const term = randomUUID()
    const client = await lockedSession(url, term)
    if (client === null) throw lockedByAnother()
    return new KeptLock(url, times, client, term)
  }

  async release(): Promise<void> {
    this.#stopping.abort()
    await this.#keeping
    // The lock goes with the session.
    await this.#client.end().catch(() => {})
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await delay(this.#times.lookMs, undefined, { signal, ref: false }).catch(() => {})
      if (signal.aborted || (await isAlive(this.#client))) continue
      await this.#client.end().catch(() => {})
      if (!(await this.#takeAgain(signal))) return
    }
  }

  /** False where it was not to be had, or is not wanted any more. */
  async #takeAgain(signal: AbortSignal): Promise<boolean> {
    const since = performance.now()
    let problem = 'it does not answer'
    while (!signal.aborted && performance.now() - since < this.#times.backWithinMs) {
      let client: pg.Client | null = null
      try {
        client = await session(this.#url, nameOf(this.term))
        const isTaken = await tryLock(client)
        const isOver = await hasOtherTerm(client, this.term)
        if (isTaken && !isOver) {
          this.#client = client
          return true
        }
        // Else the session that was lost may not have ended on the other side yet.
        problem = isOver ? 'another server has worked on it meanwhile' : 'another server works on it'
        if (isOver) break
      } catch (error) {
        problem = messageOf(error)
      } finally {
        if (client !== this.#client) await client?.end().catch(() => {})
      }
      await delay(AGAIN_MS, undefined, { signal, ref: false }).catch(() => {})
    }
    if (signal.aborted) return false
    const message = `The lock of the database was lost and could not be taken again (${problem}); this server ends, so that no two work on it.`
    this.#lose(new Failure('database.locked', message))
    return false
  }
}

/** A session with the lock; null while another one has it. */
async function lockedSession(url: string, term: string): Promise<pg.Client | null> {
  const client = await session(url, nameOf(term))
  try {
    if (await tryLock(client)) return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
  await client.end().catch(() => {})
  return null
}

async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [...LOCK])
  return rows[0]?.taken === true
}

/** Another server had the lock meanwhile, and may have changed what this one knows. */
async function hasOtherTerm(client: pg.Client, term: string): Promise<boolean> {
  return demandTerm(client, term).then(
    () => false,
    (error: unknown) => error instanceof Failure,
  )
}

function lockedByAnother(): Failure {
  return new Failure(
    'database.locked',
    'Another Backtrail server works on this database: stop it first, or work through it with --server.',
  )
}
