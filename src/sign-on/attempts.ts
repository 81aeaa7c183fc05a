import { randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'

/** How long somebody may take at the identity provider. */
const ATTEMPT_MS = 15 * 60_000
/** Attempts kept at most, so that many that are begun and left cannot fill the memory. */
const ATTEMPTS = 10_000

/** A log-in that was begun here and is under way at the identity provider. */
export interface Attempt {
  readonly state: string
  readonly nonce: string
  /** Of PKCE: only who has begun the log-in can end it. */
  readonly verifier: string
  /** Where the provider sends the browser back to, as it was told. */
  readonly redirectUri: string
  /** The page of the application that was asked for before. */
  readonly page: string
}

/**
 * Log-ins under way, each known by a secret in the browser's cookie and good for one answer; and why one was refused, for
 * the log-in page. They live in memory: after a restart they are begun anew.
 */
export class Attempts {
  readonly #entries = new LRUCache<string, Attempt | { readonly refused: string }>({ max: ATTEMPTS, ttl: ATTEMPT_MS })

  /** The secret of the attempt. */
  begin(attempt: Attempt): string {
    return this.#put(attempt)
  }

  /** The attempt, for the first answer to it; null afterwards, and for one that was not begun or took too long. */
  take(secret: string): Attempt | null {
    const entry = this.#entries.get(secret)
    if (!entry || 'refused' in entry) return null
    this.#entries.delete(secret)
    return entry
  }

  /** The secret under which `whyRefused` gives the sentence. */
  refuse(sentence: string): string {
    return this.#put({ refused: sentence })
  }

  whyRefused(secret: string): string | null {
    const entry = this.#entries.get(secret)
    return entry && 'refused' in entry ? entry.refused : null
  }

  #put(entry: Attempt | { readonly refused: string }): string {
    const secret = randomBytes(32).toString('base64url')
    this.#entries.set(secret, entry)
    return secret
  }
}
