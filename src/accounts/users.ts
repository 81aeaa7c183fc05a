import { Failure } from '../errors/index.ts'
import { type Database, type Micros, now, type Transaction } from '../store/index.ts'
import { closeSessionsOf, endLogIns } from './log-ins.ts'
import { checkedPassword, hashPassword } from './password.ts'
import type { Account, Role } from './rights.ts'
import { passOverFullDisk } from './sessions.ts'

export interface UserEntry extends Account {
  readonly created: Micros
  /** Of a tenant: its appliances may add samples to the collection. */
  readonly contributes: boolean
  /** Its credentials are refused. */
  readonly disabled: boolean
  /** By name and password; null for never. */
  readonly lastLogIn: Micros | null
  /** The latest use of any credentials, to the minute; null for never. */
  readonly lastUsed: Micros | null
}

const FIRST_ADMINISTRATOR = 'admin'

/** Who there is: users, administrators and tenants. A name is free again when its user was removed. */
export class Users {
  readonly #database: Database
  /** Called after each change that tokens or credentials in memory may contradict. */
  readonly #onChange: () => void
  readonly #removals = new Set<(tenantId: number) => Promise<void>>()

  constructor(database: Database, onChange: () => void) {
    this.#database = database
    this.#onChange = onChange
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
      .select(['id', 'name', 'role', 'created', 'contributes', 'disabled', 'last_log_in as lastLogIn'])
      .select(({ selectFrom }) => [
        selectFrom('tokens')
          .select(({ fn }) => fn.max('last_used').as('used'))
          .whereRef('user_id', '=', 'users.id')
          .as('tokenUsed'),
        selectFrom('sessions')
          .select(({ fn }) => fn.max('last_used').as('used'))
          .whereRef('user_id', '=', 'users.id')
          .as('sessionUsed'),
      ])
      .where('removed', 'is', null)
      .orderBy('name')
      .limit(10_000)
      .execute()
    return rows.map(({ contributes, disabled, tokenUsed, sessionUsed, ...user }) => ({
      ...user,
      contributes: contributes === 1,
      disabled: disabled !== null,
      lastUsed: latest([user.lastLogIn, tokenUsed, sessionUsed]),
    }))
  }

  /** `user.not-found` where there is none of that name. */
  async find(name: string): Promise<Account> {
    const { id, role } = await this.existing(name)
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

  /** Calls the listener when a tenant was removed, before `remove` resolves; the returned function ends it. */
  onTenantRemoved(listener: (tenantId: number) => Promise<void>): () => void {
    this.#removals.add(listener)
    return () => this.#removals.delete(listener)
  }

  /**
   * Makes a user an administrator, or an administrator a user; their tokens and sessions go on with the new rights.
   * `user.not-found`, `user.last-administrator`, `user.role-invalid` for a tenant.
   */
  async setRole(name: string, role: Exclude<Role, 'tenant'>): Promise<Account> {
    const { id, role: before } = await this.existing(name)
    if (before === 'tenant') throw new Failure('user.role-invalid', 'A tenant has no other role.')
    await this.#database.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ role }).where('id', '=', id).execute()
      if (!(await firstAdministrator(trx))) throw new Failure('user.last-administrator')
    })
    this.#onChange()
    return { id, name, role }
  }

  /**
   * Refuses the credentials of a user from now on, or takes that back: tokens with a label work again then, log-ins have
   * ended. Rulesets go on running, and hunts come to their end.
   * `user.not-found`, `user.last-administrator`.
   */
  async setDisabled(name: string, disabled: boolean): Promise<Account> {
    const { id, role } = await this.existing(name)
    await this.#database.transaction().execute(async (trx) => {
      await trx
        .updateTable('users')
        .set({ disabled: disabled ? now() : null })
        .where('id', '=', id)
        .execute()
      if (!disabled) return
      await endLogIns(trx, id)
      if (!(await firstAdministrator(trx))) throw new Failure('user.last-administrator')
    })
    this.#onChange()
    return { id, name, role }
  }

  /** Name and password were accepted. */
  async recordLogIn(id: number): Promise<void> {
    const used = this.#database.updateTable('users').set({ last_log_in: now() }).where('id', '=', id)
    await used.execute().catch(passOverFullDisk)
  }

  /**
   * Removes a user with all their tokens and sessions; the name is free again. Their rulesets go to the first
   * administrator left; those of a tenant end with it.
   * `user.not-found`, `user.last-administrator`.
   */
  async remove(name: string): Promise<void> {
    const { id, role } = await this.existing(name)
    await this.#database.transaction().execute(async (trx) => {
      await trx.updateTable('users').set({ removed: now(), password_hash: '' }).where('id', '=', id).execute()
      await trx.deleteFrom('tokens').where('user_id', '=', id).execute()
      await closeSessionsOf(trx, id)
      const newOwner = await firstAdministrator(trx)
      if (!newOwner) throw new Failure('user.last-administrator')
      if (role === 'tenant') return
      await trx.updateTable('rulesets').set({ owner_id: newOwner.id }).where('owner_id', '=', id).execute()
    })
    this.#onChange()
    if (role === 'tenant') for (const listener of this.#removals) await listener(id)
  }

  /** The row of the user; `user.not-found` where there is none of that name. */
  async existing(name: string) {
    const user = await this.row(name)
    if (!user) throw new Failure('user.not-found')
    return user
  }

  row(name: string) {
    return this.#database
      .selectFrom('users')
      .selectAll()
      .where('name', '=', name)
      .where('removed', 'is', null)
      .executeTakeFirst()
  }
}

function latest(times: readonly (Micros | null)[]): Micros | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.max(...known)
}

/** The first that is not disabled. */
async function firstAdministrator(database: Database): Promise<Account | null> {
  const row = await database
    .selectFrom('users')
    .select(['id', 'name', 'role'])
    .where('role', '=', 'administrator')
    .where('removed', 'is', null)
    .where('disabled', 'is', null)
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
