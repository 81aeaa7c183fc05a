/**
 * That one server at a time works on a database, for as long as several cannot share it: a lock of a session, which
 * PostgreSQL gives up when the connection ends, however it ends. The session is one of its own, open while the server is.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type pg from 'pg'
import { Failure, messageOf } from '../../errors/index.ts'
import { demandTerm } from './fence.ts'
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

const TIMES: LockTimes = { lookMs: 5_000, backWithinMs: 60_000 }
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

class KeptLock implements ServerLock {
  readonly term = randomUUID()
  readonly lost: Promise<never>
  readonly #url: string
  readonly #times: LockTimes
  readonly #stopping = new AbortController()
  #client: pg.Client
  #keeping: Promise<void> = Promise.resolve()
  #lose: (error: Error) => void = () => {}

  private constructor(url: string, times: LockTimes, client: pg.Client) {
    this.#url = url
    this.#times = times
    this.#client = client
    this.lost = new Promise<never>((_, reject) => {
      this.#lose = reject
    })
    // Nobody may be waiting for it yet.
    this.lost.catch(() => {})
    this.#keeping = this.#keep()
  }

  static async take(url: string, times: LockTimes): Promise<KeptLock> {
    const client = await lockedSession(url)
    if (client === null) throw lockedByAnother()
    return new KeptLock(url, times, client)
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
      try {
        const client = await lockedSession(this.#url)
        if (client !== null && (await hasOtherTerm(client, this.term))) {
          await client.end().catch(() => {})
          problem = 'another server has worked on it meanwhile'
          break
        }
        if (client !== null) {
          this.#client = client
          return true
        }
        // The session that was lost may not have ended on the other side yet.
        problem = 'another server works on it'
      } catch (error) {
        problem = messageOf(error)
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
async function lockedSession(url: string): Promise<pg.Client | null> {
  const client = await session(url, 'lock')
  try {
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [...LOCK])
    if (rows[0]?.taken === true) return client
  } catch (error) {
    await client.end().catch(() => {})
    throw error
  }
  await client.end().catch(() => {})
  return null
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
    'Another Backtrail server works on this database; stop it first. Several servers on one database are not supported yet.',
  )
}
