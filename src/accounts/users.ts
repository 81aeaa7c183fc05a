import { Failure } from '../errors/index.ts'
import { type Micros, now, type Store, type StoredUser } from '../store/index.ts'
import { endLogIns } from './log-ins.ts'
import { checkedPassword, hashPassword } from './password.ts'
import type { Account, Role, WorkingRole } from './rights.ts'
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

/** Who there is: people with their roles, and tenants. A name is free again when its user was removed. */
export class Users {
  readonly #store: Store
  /** Called after each change that tokens or credentials in memory may contradict. */
  readonly #onChange: () => void
  readonly #removals = new Set<(tenantId: number) => Promise<void>>()

  constructor(store: Store, onChange: () => void) {
    this.#store = store
    this.#onChange = onChange
  }

  /**
   * The account in whose name the command line works on a data folder itself: the first administrator. In a folder
   * that no server has run on yet it is made, without a password or a token: those come with the first run.
   */
  async operator(): Promise<Account> {
    return this.#store.transaction('findOperator', async ({ users }) => {
      const known = await users.findFirstAdministrator()
      if (known) return known
      const operator = { name: FIRST_ADMINISTRATOR, role: 'administrator' } as const
      const id = await users.add({ ...operator, passwordHash: '', contributes: false, created: now() })
      return { id, ...operator }
    })
  }

  /** By name, at most 10,000. */
  async list(): Promise<UserEntry[]> {
    const users = await this.#store.users.list(10_000)
    return users.map(({ tokenUsed, sessionUsed, ...user }) => ({
      ...user,
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
    if (!isUserName(user.name)) throw new Failure('user.name-invalid')
    if (user.contributes && user.role !== 'tenant') throw new Failure('user.role-invalid')
    const passwordHash = await hashPassword(checkedPassword(user.password))
    return this.#store.transaction('addUser', async ({ users }) => {
      if (await users.findByName(user.name)) throw new Failure('user.exists')
      const { name, role, contributes = false } = user
      const id = await users.add({ name, passwordHash, role, contributes, created: now() })
      return { id, name, role }
    })
  }

  /** Calls the listener when a tenant was removed, before `remove` resolves; the returned function ends it. */
  onTenantRemoved(listener: (tenantId: number) => Promise<void>): () => void {
    this.#removals.add(listener)
    return () => this.#removals.delete(listener)
  }

  /**
   * Gives a user another role; their tokens and sessions go on with the new rights.
   * `user.not-found`, `user.last-administrator`, `user.role-invalid` for a tenant.
   */
  async setRole(name: string, role: WorkingRole): Promise<Account> {
    const { id, role: before } = await this.existing(name)
    if (before === 'tenant') throw new Failure('user.role-invalid', 'A tenant has no other role.')
    await this.#store.transaction('changeUser', async ({ users }) => {
      await users.setRole(id, role)
      if (!(await users.findFirstAdministrator())) throw new Failure('user.last-administrator')
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
    await this.#store.transaction('changeUser', async (tx) => {
      await tx.users.setDisabled(id, disabled ? now() : null)
      if (!disabled) return
      await endLogIns(tx, id)
      if (!(await tx.users.findFirstAdministrator())) throw new Failure('user.last-administrator')
    })
    this.#onChange()
    return { id, name, role }
  }

  /** Name and password were accepted. */
  async recordLogIn(id: number): Promise<void> {
    await this.#store.users.recordLogIn(id, now()).catch(passOverFullDisk)
  }

  /**
   * Removes a user with all their tokens, sessions and notifications; the name is free again. Their rulesets go to the first
   * administrator left; those of a tenant end with it.
   * `user.not-found`, `user.last-administrator`.
   */
  async remove(name: string): Promise<void> {
    const { id, role } = await this.existing(name)
    await this.#store.transaction('removeUser', async (tx) => {
      const { users, tokens, sessions, rulesets, ruleSources } = tx
      await users.markRemoved(id, now())
      await tx.notifications.deleteOf(id)
      await tokens.deleteAll(id)
      await sessions.deleteAll(id)
      const newOwner = await users.findFirstAdministrator()
      if (!newOwner) throw new Failure('user.last-administrator')
      if (role !== 'tenant') {
        await rulesets.changeOwner(id, newOwner.id)
        await ruleSources.changeOwner(id, newOwner.id)
      }
    })
    this.#onChange()
    if (role === 'tenant') for (const listener of this.#removals) await listener(id)
  }

  /** `user.not-found` where there is none of that name. */
  async existing(name: string): Promise<StoredUser> {
    const user = await this.#store.users.findByName(name)
    if (!user) throw new Failure('user.not-found')
    return user
  }
}

export function isUserName(text: string): boolean {
  return /^[A-Za-z0-9._@-]{1,64}$/.test(text)
}

function latest(times: readonly (Micros | null)[]): Micros | null {
  const known = times.filter((time) => time !== null)
  return known.length === 0 ? null : Math.max(...known)
}
