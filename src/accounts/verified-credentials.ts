import { createHmac, randomBytes } from 'node:crypto'

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
  readonly #clock: () => number
  readonly #believed = new Map<string, { readonly owner: Promise<T>; readonly until: number }>()

  /** `clock` is in milliseconds. */
  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Whose these are. `verify` is asked when that is not known; what it rejects with is not remembered. */
  owner(name: string, password: string, verify: () => Promise<T>): Promise<T> {
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([name, password]))
      .digest('base64')
    const known = this.#believed.get(key)
    if (known && this.#clock() < known.until) return known.owner
    const entry = { owner: verify(), until: this.#clock() + BELIEVED_MS }
    if (this.#believed.size >= CACHED) this.#believed.clear()
    this.#believed.set(key, entry)
    entry.owner.catch(() => {
      if (this.#believed.get(key) === entry) this.#believed.delete(key)
    })
    return entry.owner
  }

  /** Everything is verified anew: a password changed, or a user was removed. */
  forget(): void {
    this.#believed.clear()
  }
}
