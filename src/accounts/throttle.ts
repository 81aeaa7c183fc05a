import { LRUCache } from 'lru-cache'

const LONGEST_PAUSE = 60_000
const FORGOTTEN_AFTER = 15 * 60_000
/** Keys kept at most, so that invented names and addresses cannot fill the memory. */
const TRACKED = 50_000

/**
 * Slows down those who guess. A key (a user name, an address) may fail a few times freely; from then on each further
 * failure doubles the pause before the next attempt is looked at, up to a minute, so that nobody is locked out for
 * long by someone else's guessing. A success forgets the failures, as does a quarter of an hour without any.
 *
 * It lives in memory: user names are throttled whether or not there is such a user, so that the answer does not tell
 * which; and what a restart forgets is worth little to a guesser.
 */
export class Throttle {
  readonly #free: number
  readonly #now: () => number
  /** Null before the first attempt: it takes its room, and time, at once. */
  #entries: LRUCache<string, { failures: number; until: number; last: number }> | null = null

  /** `free` failures cost nothing; `now` is in milliseconds. */
  constructor(free: number, now: () => number) {
    this.#free = free
    this.#now = now
  }

  /** Milliseconds until the next attempt of this key is looked at; 0 for at once. */
  pause(key: string): number {
    return Math.max(0, (this.#entries?.peek(key)?.until ?? 0) - this.#now())
  }

  /**
   * Counts an attempt as failed until `succeeded` says otherwise. It is called before the password is verified:
   * otherwise a thousand attempts sent at once would all be looked at.
   */
  attempt(key: string): void {
    const now = this.#now()
    this.#entries ??= new LRUCache({ max: TRACKED })
    const known = this.#entries.peek(key)
    const failures = known && now - known.last < FORGOTTEN_AFTER ? known.failures + 1 : 1
    const pause = failures <= this.#free ? 0 : Math.min(LONGEST_PAUSE, 1000 * 2 ** (failures - this.#free - 1))
    this.#entries.set(key, { failures, until: now + pause, last: now })
  }

  succeeded(key: string): void {
    this.#entries?.delete(key)
  }
}
