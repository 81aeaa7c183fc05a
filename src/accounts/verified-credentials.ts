import { createHmac, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** How long credentials are believed after they were verified. */
const BELIEVED_MS = 5 * 60_000
const CACHED = 10_000

/**
 * Credentials that were verified lately, for callers who send name and password with every request: verifying takes
 * tens of milliseconds each time, on purpose. Of the credentials only an HMAC is kept, under a key that this process
 * has made for itself. Requests that come while the first of them is being verified wait for that one.
 */
export class VerifiedCredentials<T> {
  readonly #key = randomBytes(32)
  readonly #believed: LRUCache<string, Promise<T>>

  /** `clock` is in milliseconds. */
  constructor(clock: () => number) {
    this.#believed = new LRUCache({ max: CACHED, ttl: BELIEVED_MS, ttlResolution: 0, perf: { now: clock } })
  }

  /** Whose these are. `verify` is asked when that is not known; what it rejects with is not remembered. */
  owner(name: string, password: string, verify: () => Promise<T>): Promise<T> {
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([name, password]))
      .digest('base64')
    const known = this.#believed.get(key)
    if (known) return known
    const owner = verify()
    this.#believed.set(key, owner)
    owner.catch(() => {
      if (this.#believed.peek(key) === owner) this.#believed.delete(key)
    })
    return owner
  }

  /** Everything is verified anew: a password changed, or a user was removed. */
  forget(): void {
    this.#believed.clear()
  }
}
