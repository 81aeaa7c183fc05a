import { createHash, randomBytes } from 'node:crypto'
import { Failure } from '../errors/index.ts'
import type { Database, Micros } from '../store/index.ts'
import type { Account } from './rights.ts'

const HOUR: Micros = 3_600_000_000
/** A session ends when it is not used for this long, and in any case this long after its log-in. */
export const sessionLength = { unused: 24 * HOUR, whole: 30 * 24 * HOUR } as const

/** How exactly the last use is recorded, so that reading does not become writing. */
const LAST_USED_EVERY: Micros = 60_000_000

/** The log-ins of the web application. Of a session's secret only its SHA-256 is kept. */
export class Sessions {
  readonly #database: Database
  readonly #clock: () => Micros

  constructor(database: Database, clock: () => Micros) {
    this.#database = database
    this.#clock = clock
  }

  /** The secret of a new session. Also deletes expired sessions. */
  async open(userId: number): Promise<string> {
    const secret = randomBytes(32).toString('base64url')
    const time = this.#clock()
    await this.#database.transaction().execute(async (trx) => {
      await trx
        .deleteFrom('sessions')
        .where((eb) => eb('last_used', '<', time - sessionLength.unused).or('created', '<', time - sessionLength.whole))
        .execute()
      await trx
        .insertInto('sessions')
        .values({ user_id: userId, hash: hashOf(secret), created: time, last_used: time })
        .execute()
    })
    return secret
  }

  /** Whose session it is; null when there is none of that secret, or when it has ended. */
  async account(secret: string): Promise<Account | null> {
    const time = this.#clock()
    const row = await this.#database
      .selectFrom('sessions')
      .innerJoin('users', 'users.id', 'sessions.user_id')
      .select(['sessions.id as sessionId', 'sessions.last_used as lastUsed', 'users.id', 'users.name', 'users.role'])
      .where('sessions.hash', '=', hashOf(secret))
      .where('sessions.last_used', '>=', time - sessionLength.unused)
      .where('sessions.created', '>=', time - sessionLength.whole)
      .where('users.removed', 'is', null)
      .where('users.disabled', 'is', null)
      .executeTakeFirst()
    if (!row) return null
    const { sessionId, lastUsed, ...account } = row
    if (time - lastUsed >= LAST_USED_EVERY) {
      const used = this.#database.updateTable('sessions').set({ last_used: time }).where('id', '=', sessionId)
      await used.execute().catch(passOverFullDisk)
    }
    return account
  }

  /** Does nothing for a session that has ended already. */
  async close(secret: string): Promise<void> {
    await this.#database.deleteFrom('sessions').where('hash', '=', hashOf(secret)).execute()
  }
}

/** Whoever wants to make room on a full disk must get in: that a use is not recorded is no reason to refuse it. */
export function passOverFullDisk(error: unknown): void {
  if (!(error instanceof Failure && error.code === 'storage.full')) throw error
}

// 256 random bits: there is nothing to guess that a slow hash would protect.
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
