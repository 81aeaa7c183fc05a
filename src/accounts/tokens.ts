import { createHash, randomBytes } from 'node:crypto'
import type { Insertable } from 'kysely'
import { LRUCache } from 'lru-cache'
import { Failure } from '../errors/index.ts'
import { type Database, type Micros, now, type TokensTable, type Transaction } from '../store/index.ts'
import { LOG_IN_LABEL } from './log-ins.ts'
import type { Account } from './rights.ts'
import { passOverFullDisk } from './sessions.ts'
import type { Users } from './users.ts'

export interface TokenEntry {
  readonly id: number
  readonly label: string
  readonly created: Micros
  /** To the minute; null for a token that was never used. */
  readonly lastUsed: Micros | null
  /** It is refused from then on; null: it never ends by itself. */
  readonly expires: Micros | null
  /** As in `Account`; null: whatever its user may do. */
  readonly scope: readonly string[] | null
  /** Who made it; null for one of a log-in or of the set-up, and where the user is gone. */
  readonly creator: string | null
}

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
  readonly #database: Database
  readonly #users: Users
  /** Called after tokens were taken back; calls `clearCache`. */
  readonly #onChange: () => void
  /** By token hash. `clearCache` is called with each change of users and tokens. */
  readonly #tokenCache = new LRUCache<string, CachedToken>({ max: CACHED_TOKENS })
  /** Grows with each clearing, so that what was read before one is not cached after it. */
  #cacheEpoch = 0

  constructor(database: Database, users: Users, onChange: () => void) {
    this.#database = database
    this.#users = users
    this.#onChange = onChange
  }

  /** The account behind a token; null for one that is unknown, was revoked, has ended, or is of a disabled user. */
  async authenticate(token: string): Promise<Account | null> {
    const hash = hashToken(token)
    const key = hash.toString('hex')
    let entry = this.#tokenCache.get(key)
    if (!entry) {
      const cacheEpoch = this.#cacheEpoch
      const row = await this.#database
        .selectFrom('tokens')
        .innerJoin('users', 'users.id', 'tokens.user_id')
        .select(['tokens.id as tokenId', 'tokens.last_used as lastUsed', 'tokens.expires', 'tokens.scope'])
        .select(['users.id', 'users.name', 'users.role'])
        .where('tokens.hash', '=', hash)
        .where('users.removed', 'is', null)
        .where('users.disabled', 'is', null)
        .executeTakeFirst()
      if (!row) return null
      const { tokenId, lastUsed, expires, scope, id, name, role } = row
      entry = { tokenId, lastUsed, expires, account: { id, name, role, ...(scope && { scope: JSON.parse(scope) }) } }
      if (cacheEpoch === this.#cacheEpoch) this.#tokenCache.set(key, entry)
    }
    const time = now()
    if (entry.expires !== null && entry.expires <= time) return null
    if (entry.lastUsed === null || time - entry.lastUsed >= LAST_USED_EVERY) {
      entry.lastUsed = time
      const used = this.#database.updateTable('tokens').set({ last_used: time }).where('id', '=', entry.tokenId)
      await used.execute().catch(passOverFullDisk)
    }
    return entry.account
  }

  /** Newest first, at most 1,000. */
  async list(name: string): Promise<TokenEntry[]> {
    const { id } = await this.#users.existing(name)
    const rows = await this.#database
      .selectFrom('tokens')
      .leftJoin('users as creator', 'creator.id', 'tokens.creator_id')
      .select(['tokens.id', 'label', 'tokens.created', 'tokens.last_used as lastUsed', 'expires', 'scope'])
      .select('creator.name as creator')
      .where('user_id', '=', id)
      .orderBy('tokens.id', 'desc')
      .limit(1_000)
      .execute()
    return rows.map(({ scope, ...row }) => ({ ...row, scope: scope === null ? null : JSON.parse(scope) }))
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
    const stored = { expires, scope: scope && JSON.stringify(scope), creator_id: by?.id ?? null }
    return { id: await insertToken(this.#database, user.id, token, label, stored), token }
  }

  /** `token.not-found` where the user has no token of that id. */
  async revoke(name: string, id: number): Promise<void> {
    const user = await this.#users.existing(name)
    const { numDeletedRows } = await this.#database
      .deleteFrom('tokens')
      .where('id', '=', id)
      .where('user_id', '=', user.id)
      .executeTakeFirst()
    if (numDeletedRows === 0n) throw new Failure('token.not-found')
    this.#onChange()
  }

  /** Every log-in makes a token of its own: the same one cannot be returned twice. */
  async createForLogIn(userId: number): Promise<string> {
    const token = randomToken()
    await this.#database.transaction().execute(async (trx) => {
      await insertToken(trx, userId, token, LOG_IN_LABEL)
      await this.#dropOldLogIns(trx, userId)
    })
    return token
  }

  /** Makes the token work for the first administrator, in place of the one that was set up before. */
  async setUp(token: string): Promise<void> {
    const hash = hashToken(token)
    const { id } = await this.#users.operator()
    await this.#database.transaction().execute(async (trx) => {
      const same = await trx.selectFrom('tokens').select('user_id').where('hash', '=', hash).executeTakeFirst()
      if (same?.user_id === id) return
      await trx
        .deleteFrom('tokens')
        .where((eb) => eb('hash', '=', hash).or(eb('user_id', '=', id).and('label', '=', SET_UP_LABEL)))
        .execute()
      await insertToken(trx, id, token, SET_UP_LABEL)
    })
    this.#onChange()
  }

  /** What is in the database counts again: a user or a token was changed. */
  clearCache(): void {
    this.#cacheEpoch += 1
    this.#tokenCache.clear()
  }

  async #dropOldLogIns(trx: Transaction, userId: number): Promise<void> {
    const logIns = trx.selectFrom('tokens').where('user_id', '=', userId).where('label', '=', LOG_IN_LABEL)
    const { numDeletedRows } = await trx
      .deleteFrom('tokens')
      .where(
        'id',
        'in',
        logIns
          .select('id')
          .orderBy((eb) => eb.fn.coalesce('last_used', 'created'), 'desc')
          .orderBy('id', 'desc')
          .limit(-1)
          .offset(LOG_IN_TOKENS_KEPT),
      )
      .executeTakeFirst()
    if (numDeletedRows > 0n) this.clearCache()
  }
}

async function insertToken(
  database: Database,
  userId: number,
  token: string,
  label: string,
  bounds: Pick<Insertable<TokensTable>, 'expires' | 'scope' | 'creator_id'> = {},
): Promise<number> {
  const { id } = await database
    .insertInto('tokens')
    .values({ user_id: userId, hash: hashToken(token), label, created: now(), last_used: null, ...bounds })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

export function randomToken(): string {
  return randomBytes(20).toString('hex')
}

// A token has 160 random bits: there is nothing to guess that a slow hash would protect.
function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
