import { createHash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { Failure } from '../errors/index.ts'
import { type ListedToken, type Micros, now, type Store } from '../store/index.ts'
import { LOG_IN_LABEL } from './log-ins.ts'
import type { Account, Identified } from './rights.ts'
import { passOverFullDisk } from './sessions.ts'
import type { Users } from './users.ts'

/**
 * `lastUsed` to the minute; null for a token that was never used. It is refused from `expires` on; null: it never ends by
 * itself. `scope` as in `Account`. `creator` is null for one of a log-in or of the set-up, and where the user is gone.
 */
export type TokenEntry = ListedToken

export interface TokenBounds {
  readonly expires?: Micros | null
  readonly scope?: readonly string[] | null
  readonly by?: Account
}

interface CachedToken {
  readonly tokenId: number
  readonly account: Account
  readonly expires: Micros | null
  lastUsed: Micros | null
}

const SET_UP_LABEL = 'set-up'
/** Tokens that log-ins have made: those beyond this number go, the longest unused first. */
const LOG_IN_TOKENS_KEPT = 100
/** How exactly the last use of a token is recorded, so that reading does not become writing. */
const LAST_USED_EVERY: Micros = 60_000_000
const CACHED_TOKENS = 10_000

/**
 * The tokens of the API. A user has any number of them, each with a label and revocable by itself; of a token only its
 * SHA-256 is kept.
 */
export class Tokens {
  readonly #store: Store
  readonly #users: Users
  /** Called after tokens were taken back; calls `clearCache`. */
  readonly #onChange: () => void
  /** Called after log-ins have pushed out tokens of earlier ones. */
  readonly #onEnd: () => void
  /** By token hash. `clearCache` is called with each change of users and tokens. */
  readonly #tokenCache = new LRUCache<string, CachedToken>({ max: CACHED_TOKENS })
  /** Grows with each clearing, so that what was read before one is not cached after it. */
  #cacheEpoch = 0

  constructor(store: Store, users: Users, on: { readonly change: () => void; readonly end: () => void }) {
    this.#store = store
    this.#users = users
    this.#onChange = on.change
    this.#onEnd = on.end
  }

  /** The account behind a token; null for one that is unknown, was revoked, has ended, or is of a disabled user. */
  async authenticate(token: string): Promise<Account | null> {
    return (await this.identify(token))?.account ?? null
  }

  /** The same with its end. `isUse` false: only looked at. */
  async identify(token: string, { isUse = true } = {}): Promise<Identified | null> {
    const hash = hashToken(token)
    const key = hash.toString('hex')
    let entry = this.#tokenCache.get(key)
    if (!entry) {
      const cacheEpoch = this.#cacheEpoch
      const found = await this.#store.tokens.findByHash(hash)
      if (!found) return null
      const { tokenId, lastUsed, expires, scope, user } = found
      entry = { tokenId, lastUsed, expires, account: { ...user, ...(scope && { scope }) } }
      if (cacheEpoch === this.#cacheEpoch) this.#tokenCache.set(key, entry)
    }
    const time = now()
    if (entry.expires !== null && entry.expires <= time) return null
    if (isUse && (entry.lastUsed === null || time - entry.lastUsed >= LAST_USED_EVERY)) {
      entry.lastUsed = time
      await this.#store.tokens.recordUse(entry.tokenId, time).catch(passOverFullDisk)
    }
    return { account: entry.account, ends: entry.expires }
  }

  /** Newest first, at most 1,000. */
  async list(name: string): Promise<TokenEntry[]> {
    const { id } = await this.#users.existing(name)
    return this.#store.tokens.list(id, 1_000)
  }

  /** 40 hexadecimal digits, returned once. `token.for-tenant`; `parameter.out-of-range` for an end that is past. */
  async create(name: string, label: string, bounds: TokenBounds = {}): Promise<{ id: number; token: string }> {
    const user = await this.#users.existing(name)
    if (user.role === 'tenant') throw new Failure('token.for-tenant')
    const { expires = null, scope = null, by } = bounds
    if (expires !== null && expires <= now()) {
      throw new Failure('parameter.out-of-range', 'Parameter not in expected range: expires is in the past.')
    }
    const token = randomToken()
    const creatorId = by?.id ?? null
    return {
      id: await this.#store.tokens.add({ ...newToken(user.id, token, label), expires, scope, creatorId }),
      token,
    }
  }

  /** `token.not-found` where the user has no token of that id. */
  async revoke(name: string, id: number): Promise<void> {
    const user = await this.#users.existing(name)
    if (!(await this.#store.tokens.delete(user.id, id))) throw new Failure('token.not-found')
    this.#onChange()
  }

  /** Revokes the token that the text is; nothing happens for one that is none. Returns whose it was. */
  async revokeItself(token: string): Promise<string | null> {
    const found = await this.#store.tokens.findByHash(hashToken(token))
    if (!found || !(await this.#store.tokens.delete(found.user.id, found.tokenId))) return null
    this.#onChange()
    return found.user.name
  }

  /** Every log-in makes a token of its own: the same one cannot be returned twice. */
  async createForLogIn(userId: number): Promise<string> {
    const token = randomToken()
    const hasRemoved = await this.#store.transaction('logIn', async ({ tokens }) => {
      await tokens.add(newToken(userId, token, LOG_IN_LABEL))
      return tokens.keepLatest(userId, LOG_IN_LABEL, LOG_IN_TOKENS_KEPT)
    })
    // After the commit: before it, the tokens that go could be found once more, and would be kept in the cache.
    if (hasRemoved) {
      this.clearCache()
      this.#onEnd()
    }
    return token
  }

  /** Makes the token work for the first administrator, in place of the one that was set up before. */
  async setUp(token: string): Promise<void> {
    const { id } = await this.#users.operator()
    await this.#store.transaction('setUpToken', async ({ tokens }) => {
      if (await tokens.makeRoomFor(id, SET_UP_LABEL, hashToken(token))) {
        await tokens.add(newToken(id, token, SET_UP_LABEL))
      }
    })
    this.#onChange()
  }

  /** What is in the database counts again: a user or a token was changed. */
  clearCache(): void {
    this.#cacheEpoch += 1
    this.#tokenCache.clear()
  }
}

function newToken(userId: number, token: string, label: string) {
  return { userId, hash: hashToken(token), label, created: now() }
}

export function randomToken(): string {
  return randomBytes(20).toString('hex')
}

// A token has 160 random bits: there is nothing to guess that a slow hash would protect.
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
