import { createHash, randomBytes } from 'node:crypto'
import { Failure } from '../errors/index.ts'
import type { Micros, SessionEnd, Store } from '../store/index.ts'
import type { Account, Identified } from './rights.ts'

const HOUR: Micros = 3_600_000_000
/** A session ends when it is not used for this long, and in any case this long after its log-in. */
export const sessionLength = { unused: 24 * HOUR, whole: 30 * 24 * HOUR } as const

/** How exactly the last use is recorded, so that reading does not become writing. */
const LAST_USED_EVERY: Micros = 60_000_000

/** The log-ins of the web application. Of a session's secret only its SHA-256 is kept. */
export class Sessions {
  readonly #store: Store
  readonly #clock: () => Micros
  /** Called after a session was closed. */
  readonly #onEnd: () => void

  constructor(store: Store, clock: () => Micros, onEnd: () => void) {
    this.#store = store
    this.#clock = clock
    this.#onEnd = onEnd
  }

  /** The secret of a new session. Also deletes expired sessions. `providerSession` as in the store. */
  async open(userId: number, providerSession: string | null = null): Promise<string> {
    const secret = randomBytes(32).toString('base64url')
    const time = this.#clock()
    await this.#store.transaction('logIn', async ({ sessions }) => {
      await sessions.deleteEnded(endedBy(time))
      await sessions.add({ userId, hash: hashOf(secret), created: time, providerSession })
    })
    return secret
  }

  /** Whose session it is; null when there is none of that secret, or when it has ended. */
  async account(secret: string): Promise<Account | null> {
    return (await this.identify(secret))?.account ?? null
  }

  /** The same with its end. `isUse` false: only looked at, so it does not last longer for that. */
  async identify(secret: string, { isUse = true } = {}): Promise<Identified | null> {
    const time = this.#clock()
    const { sessions } = this.#store
    const session = await sessions.findByHash(hashOf(secret), endedBy(time))
    if (!session) return null
    const { sessionId, created, user } = session
    let { lastUsed } = session
    if (isUse && time - lastUsed >= LAST_USED_EVERY) {
      await sessions.recordUse(sessionId, time).catch(passOverFullDisk)
      lastUsed = time
    }
    return { account: user, ends: Math.min(lastUsed + sessionLength.unused, created + sessionLength.whole) }
  }

  /** Whether an identity provider vouched for it; false too for a session that has ended already. */
  async close(secret: string): Promise<boolean> {
    const { sessions } = this.#store
    const session = await sessions.findByHash(hashOf(secret), endedBy(this.#clock()))
    await sessions.delete(hashOf(secret))
    if (session) this.#onEnd()
    return session !== null && session.providerSession !== null
  }
}

function endedBy(time: Micros): SessionEnd {
  return { usedBefore: time - sessionLength.unused, createdBefore: time - sessionLength.whole }
}

/** Whoever wants to make room on a full disk must get in: that a use is not recorded is no reason to refuse it. */
export function passOverFullDisk(error: unknown): void {
  if (!(error instanceof Failure && error.code === 'storage.full')) throw error
}

// 256 random bits: there is nothing to guess that a slow hash would protect.
function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
