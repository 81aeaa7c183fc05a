import { createHash, randomBytes } from 'node:crypto'
import { Failure } from '../errors/index.ts'
import { type Database, type Micros, now, type Transaction } from '../store/index.ts'
import { hashPassword, verifyPassword } from './password.ts'
import type { Account, Role } from './rights.ts'
import { closeSessionsOf, passOverFullDisk, Sessions } from './sessions.ts'
import { Throttle } from './throttle.ts'
import { VerifiedCredentials } from './verified-credentials.ts'

export interface UserEntry extends Account {
  readonly created: Micros
  /** Of a tenant: its appliances may add samples to the collection. */
  readonly contributes: boolean
}

/** Who uses this installation as a cloud. */
export interface Tenant {
  readonly id: number
  readonly name: string
  /** Its appliances may add samples to the collection. */
  readonly contributes: boolean
}

export interface TokenEntry {
  readonly id: number
  readonly label: string
  readonly created: Micros
  /** To the minute; null for a token that was never used. */
  readonly lastUsed: Micros | null
}

/** The secrets of a first run. Nothing but hashes is kept of them. */
export interface FirstAdministrator {
  readonly name: string
  readonly password: string
  readonly token: string
}

const FIRST_ADMINISTRATOR = 'admin'
const LOG_IN_LABEL = 'log-in'
const SET_UP_LABEL = 'set-up'
/** Tokens that log-ins have made: those beyond this number go, the longest unused first. */
const LOG_IN_TOKENS_KEPT = 100
const FREE_FAILURES_PER_USER = 5
/** More than for a user, since an address can be a whole office. */
const FREE_FAILURES_PER_ADDRESS = 20
/** How exactly the last use of a token is recorded, so that reading does not become writing. */
const LAST_USED_EVERY: Micros = 60_000_000
const CACHED_TOKENS = 10_000

/**
 * Users, their passwords and their tokens.
 *
 * A user has any number of tokens, each with a label and revocable by itself; of a token only its SHA-256 is kept.
 * Every log-in makes a token of its own: the same one cannot be returned twice.
 */
export class Accounts {
  /** Log-ins of the web application, made by `logInSession`. */
  readonly sessions: Sessions
  readonly #database: Database
  readonly #byName: Throttle
  readonly #byAddress: Throttle
  /** By token hash. All changes of users and tokens pass through this object, which forgets what they touch. */
  readonly #tokenCache = new Map<string, { tokenId: number; account: Account; lastUsed: Micros | null }>()
  readonly #tenants: VerifiedCredentials<Tenant>
  readonly #removals = new Set<(tenantId: number) => Promise<void>>()
  /** Grows with each forgetting, so that what was read before one is not remembered after it. */
  #cacheEpoch = 0
  /** A hash that fits no password, verified where there is no such user, so that both take the same time. */
  readonly #dummyHash = hashPassword(randomBytes(32).toString('hex'))

  constructor(database: Database, clock: () => number = Date.now) {
    this.#database = database
    this.sessions = new Sessions(database, () => clock() * 1000)
    this.#byName = new Throttle(FREE_FAILURES_PER_USER, clock)
    this.#byAddress = new Throttle(FREE_FAILURES_PER_ADDRESS, clock)
    this.#tenants = new VerifiedCredentials(clock)
  }

  /** The account behind a token; null for one that is unknown or was revoked. */
  async authenticate(token: string): Promise<Account | null> {
    const hash = hashToken(token)
    const key = hash.toString('hex')
    let entry = this.#tokenCache.get(key)
    if (!entry) {
      const cacheEpoch = this.#cacheEpoch
      const row = await this.#database
        .selectFrom('tokens')
        .innerJoin('users', 'users.id', 'tokens.user_id')
        .select(['tokens.id as tokenId', 'tokens.last_used as lastUsed', 'users.id', 'users.name', 'users.role'])
        .where('tokens.hash', '=', hash)
        .where('users.removed', 'is', null)
        .executeTakeFirst()
      if (!row) return null
      const { tokenId, lastUsed, id, name, role } = row
      entry = { tokenId, lastUsed, account: { id, name, role } }
      if (this.#tokenCache.size >= CACHED_TOKENS) this.#tokenCache.clear()
      if (cacheEpoch === this.#cacheEpoch) this.#tokenCache.set(key, entry)
    }
    const time = now()
    if (entry.lastUsed === null || time - entry.lastUsed >= LAST_USED_EVERY) {
      entry.lastUsed = time
      const used = this.#database.updateTable('tokens').set({ last_used: time }).where('id', '=', entry.tokenId)
      await used.execute().catch(passOverFullDisk)
    }
    return entry.account
  }

  /**
   * A fresh token for the right name and password. `login.refused` when they are not right, `login.throttled` after
   * too many failures for the name or from the address; that refusal comes before the password is looked at.
   */
  async logIn(name: string, password: string, address: string): Promise<{ token: string; account: Account }> {
    const account = await this.#verifiedUser(name, password, address)
    const token = randomToken()
    await this.#database.transaction().execute(async (trx) => {
      await insertToken(trx, account.id, token, LOG_IN_LABEL)
      await this.#dropOldLogIns(trx, account.id)
    })
    return { token, account }
  }

  /** As `logIn`, with the secret of a session of the web application instead of a token. */
  async logInSession(name: string, password: string, address: string): Promise<{ secret: string; account: Account }> {
    const account = await this.#verifiedUser(name, password, address)
    return { secret: await this.sessions.open(account.id), account }
  }

  /**
   * On the first run, while no administrator has a password yet: makes the administrator `admin`, with the given token
   * or one of its own, and returns the secrets, which are never returned again. On later runs null; a given token is
   * then made to work for the first administrator in place of the one given before, so that scripted set-ups can change
   * it. `token.invalid` for a token that is empty, too long or not printable ASCII.
   */
  async ensureFirstAdministrator({ token }: { readonly token?: string }): Promise<FirstAdministrator | null> {
    if (token !== undefined && !/^[\x21-\x7e]{1,256}$/.test(token)) throw new Failure('token.invalid')
    const equipped = await this.#database
      .selectFrom('users')
      .select('id')
      .where('role', '=', 'administrator')
      .where('removed', 'is', null)
      .where('password_hash', '!=', '')
      .executeTakeFirst()
    if (equipped) {
      if (token !== undefined) await this.#setUpToken(token)
      return null
    }
    const { name, id } = await this.operator()
    const password = randomBytes(15).toString('base64url')
    const passwordHash = await hashPassword(password)
    const secret = token ?? randomToken()
    await this.#setUpToken(secret)
    await this.#database.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', id).execute()
    return { name, password, token: secret }
  }

  /**
   * The account in whose name the command line works on a data folder itself: the first administrator. In a folder
   * that no server has run on yet it is made, without a password or a token: those come with the first run.
   */
  async operator(): Promise<Account> {
    return this.#database.transaction().execute(async (trx) => {
      const known = await firstAdministrator(trx)
      if (known) return known
      const id = await insertUser(trx, FIRST_ADMINISTRATOR, '', 'administrator')
      return { id, name: FIRST_ADMINISTRATOR, role: 'administrator' }
    })
  }

  /** By name, at most 10,000. */
  async list(): Promise<UserEntry[]> {
    const rows = await this.#database
      .selectFrom('users')
      .select(['id', 'name', 'role', 'created', 'contributes'])
      .where('removed', 'is', null)
      .orderBy('name')
      .limit(10_000)
      .execute()
    return rows.map(({ contributes, ...user }) => ({ ...user, contributes: contributes === 1 }))
  }

  /** `user.not-found` where there is none of that name. */
  async find(name: string): Promise<Account> {
    const { id, role } = await this.#existing(name)
    return { id, name, role }
  }

  /** Only tenants contribute: `user.role-invalid`. `user.exists`, `user.name-invalid`, `user.password-invalid`. */
  async add(user: {
    readonly name: string
    readonly password: string
    readonly role: Role
    readonly contributes?: boolean
  }): Promise<Account> {
    if (!/^[A-Za-z0-9._@-]{1,64}$/.test(user.name)) throw new Failure('user.name-invalid')
    if (user.contributes && user.role !== 'tenant') throw new Failure('user.role-invalid')
    const passwordHash = await hashPassword(checkedPassword(user.password))
    return this.#database.transaction().execute(async (trx) => {
      const taken = await trx
        .selectFrom('users')
        .select('id')
        .where('name', '=', user.name)
        .where('removed', 'is', null)
        .executeTakeFirst()
      if (taken) throw new Failure('user.exists')
      const id = await insertUser(trx, user.name, passwordHash, user.role, user.contributes)
      return { id, name: user.name, role: user.role }
    })
  }

  /**
   * The tenant that these credentials are of. They are believed for some minutes once they were verified.
   * `login.refused` when they are nobody's or a user's, `login.throttled` as for `logIn`.
   */
  tenant(name: string, password: string, address: string): Promise<Tenant> {
    return this.#tenants.owner(name, password, async () => {
      const row = await this.#verified(name, password, address, (role) => role === 'tenant')
      return { id: row.id, name: row.name, contributes: row.contributes === 1 }
    })
  }

  /** Calls the listener when a tenant was removed, before `remove` resolves; the returned function ends it. */
  onTenantRemoved(listener: (tenantId: number) => Promise<void>): () => void {
    this.#removals.add(listener)
    return () => this.#removals.delete(listener)
  }

  /** Tokens and sessions that earlier log-ins made end with the password that made them. */
  async setPassword(name: string, password: string): Promise<void> {
    const passwordHash = await hashPassword(checkedPassword(password))
    const { id } = await this.#existing(name)
    await this.#database.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ password_hash: passwordHash }).where('id', '=', id).execute()
      await trx.deleteFrom('tokens').where('user_id', '=', id).where('label', '=', LOG_IN_LABEL).execute()
      await closeSessionsOf(trx, id)
    })
    this.#clearTokenCache()
  }

  /**
   * Makes a user an administrator, or an administrator a user; their tokens and sessions go on with the new rights.
   * `user.not-found`, `user.last-administrator`, `user.role-invalid` for a tenant.
   */
  async setRole(name: string, role: Exclude<Role, 'tenant'>): Promise<Account> {
    const { id, role: before } = await this.#existing(name)
    if (before === 'tenant') throw new Failure('user.role-invalid', 'A tenant has no other role.')
    await this.#database.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ role }).where('id', '=', id).execute()
      if (!(await firstAdministrator(trx))) throw new Failure('user.last-administrator')
    })
    this.#clearTokenCache()
    return { id, name, role }
  }

  /**
   * Removes a user with all their tokens and sessions; the name is free again. Their rulesets go to the first
   * administrator left; those of a tenant end with it.
   * `user.not-found`, `user.last-administrator`.
   */
  async remove(name: string): Promise<void> {
    const { id, role } = await this.#existing(name)
    await this.#database.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ removed: now(), password_hash: '' }).where('id', '=', id).execute()
      await trx.deleteFrom('tokens').where('user_id', '=', id).execute()
      await closeSessionsOf(trx, id)
      const newOwner = await firstAdministrator(trx)
      if (!newOwner) throw new Failure('user.last-administrator')
      if (role === 'tenant') return
      await trx.updateTable('rulesets').set({ owner_id: newOwner.id }).where('owner_id', '=', id).execute()
    })
    this.#clearTokenCache()
    if (role === 'tenant') for (const listener of this.#removals) await listener(id)
  }

  /** Newest first, at most 1,000. */
  async tokens(name: string): Promise<TokenEntry[]> {
    const { id } = await this.#existing(name)
    const rows = await this.#database
      .selectFrom('tokens')
      .select(['id', 'label', 'created', 'last_used as lastUsed'])
      .where('user_id', '=', id)
      .orderBy('id', 'desc')
      .limit(1_000)
      .execute()
    return rows.map(({ id, label, created, lastUsed }) => ({ id, label, created, lastUsed }))
  }

  /** 40 hexadecimal digits, returned once. `token.for-tenant`. */
  async createToken(name: string, label: string): Promise<{ id: number; token: string }> {
    const user = await this.#existing(name)
    if (user.role === 'tenant') throw new Failure('token.for-tenant')
    const token = randomToken()
    return { id: await insertToken(this.#database, user.id, token, label), token }
  }

  /** `token.not-found` where the user has no token of that id. */
  async revokeToken(name: string, id: number): Promise<void> {
    const user = await this.#existing(name)
    const { numDeletedRows } = await this.#database
      .deleteFrom('tokens')
      .where('id', '=', id)
      .where('user_id', '=', user.id)
      .executeTakeFirst()
    if (numDeletedRows === 0n) throw new Failure('token.not-found')
    this.#clearTokenCache()
  }

  async #verifiedUser(name: string, password: string, address: string): Promise<Account> {
    const { id, role } = await this.#verified(name, password, address, (role) => role !== 'tenant')
    return { id, name, role }
  }

  async #verified(name: string, password: string, address: string, isWelcome: (role: Role) => boolean) {
    const pause = Math.max(this.#byName.pause(name), this.#byAddress.pause(address))
    if (pause > 0) {
      const seconds = Math.ceil(pause / 1000)
      throw new Failure('login.throttled', `Too many failed log-ins; try again in ${seconds} s.`, { seconds })
    }
    this.#byName.attempt(name)
    this.#byAddress.attempt(address)
    const user = await this.#user(name)
    const right = await verifyPassword(password, user?.password_hash || (await this.#dummyHash))
    if (!user || !right || !isWelcome(user.role)) throw new Failure('login.refused')
    this.#byName.succeeded(name)
    this.#byAddress.succeeded(address)
    return user
  }

  #clearTokenCache(): void {
    this.#cacheEpoch += 1
    this.#tokenCache.clear()
    this.#tenants.forget()
  }

  #user(name: string) {
    return this.#database
      .selectFrom('users')
      .selectAll()
      .where('name', '=', name)
      .where('removed', 'is', null)
      .executeTakeFirst()
  }

  async #existing(name: string) {
    const user = await this.#user(name)
    if (!user) throw new Failure('user.not-found')
    return user
  }

  /** Makes the token work for the first administrator, in place of the one that was set up before. */
  async #setUpToken(token: string): Promise<void> {
    const hash = hashToken(token)
    const { id } = await this.operator()
    await this.#database.transaction().execute(async (trx) => {
      const same = await trx.selectFrom('tokens').select('user_id').where('hash', '=', hash).executeTakeFirst()
      if (same?.user_id === id) return
      await trx
        .deleteFrom('tokens')
        .where((eb) => eb('hash', '=', hash).or(eb('user_id', '=', id).and('label', '=', SET_UP_LABEL)))
        .execute()
      await insertToken(trx, id, token, SET_UP_LABEL)
    })
    this.#clearTokenCache()
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
    if (numDeletedRows > 0n) this.#clearTokenCache()
  }
}

async function firstAdministrator(database: Database): Promise<Account | null> {
  const row = await database
    .selectFrom('users')
    .select(['id', 'name', 'role'])
    .where('role', '=', 'administrator')
    .where('removed', 'is', null)
    .orderBy('id')
    .executeTakeFirst()
  return row ? { id: row.id, name: row.name, role: row.role } : null
}

async function insertUser(
  trx: Transaction,
  name: string,
  passwordHash: string,
  role: Role,
  contributes = false,
): Promise<number> {
  const { id } = await trx
    .insertInto('users')
    .values({
      name,
      password_hash: passwordHash,
      role,
      contributes: contributes ? 1 : 0,
      created: now(),
      removed: null,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

async function insertToken(database: Database, userId: number, token: string, label: string): Promise<number> {
  const { id } = await database
    .insertInto('tokens')
    .values({ user_id: userId, hash: hashToken(token), label, created: now(), last_used: null })
    .returning('id')
    .executeTakeFirstOrThrow()
  return id
}

function checkedPassword(password: string): string {
  if (password.length < 8 || password.length > 1024) throw new Failure('user.password-invalid')
  return password
}

function randomToken(): string {
  return randomBytes(20).toString('hex')
}

// A token has 160 random bits: there is nothing to guess that a slow hash would protect.
function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
