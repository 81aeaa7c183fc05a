import { randomBytes } from 'node:crypto'
import { Failure } from '../errors/index.ts'
import type { Store, StoredUser } from '../store/index.ts'
import { endLogIns } from './log-ins.ts'
import { checkedPassword, hashPassword, verifyPassword } from './password.ts'
import type { Account, Role } from './rights.ts'
import type { Sessions } from './sessions.ts'
import type { SignOn, Vouched } from './sign-on.ts'
import { Throttle } from './throttle.ts'
import type { Tokens } from './tokens.ts'
import type { Users } from './users.ts'
import { VerifiedCredentials } from './verified-credentials.ts'

/** Who uses this installation as a cloud. */
export interface Tenant {
  readonly id: number
  readonly name: string
  /** Its appliances may add samples to the collection. */
  readonly contributes: boolean
}

/** Knows names and passwords that this installation does not. */
export interface PasswordDirectory {
  /** Null where it is not the name's password. */
  verify(name: string, password: string): Promise<Vouched | null>
}

const FREE_FAILURES_PER_USER = 5
/** More than for a user, since an address can be a whole office. */
const FREE_FAILURES_PER_ADDRESS = 20

export interface CredentialsParts {
  readonly store: Store
  readonly users: Users
  readonly tokens: Tokens
  readonly sessions: Sessions
  readonly signOn: SignOn
  /** In milliseconds. */
  readonly clock: () => number
  /** Called after a password was changed. */
  readonly onChange: () => void
}

/** Names and passwords, and what somebody gets for them: a token, a session, or a tenant's place. */
export class Credentials {
  readonly #parts: CredentialsParts
  readonly #byName: Throttle
  readonly #byAddress: Throttle
  readonly #tenants: VerifiedCredentials<Tenant>
  #directory: PasswordDirectory | null = null
  /** A hash that fits no password, verified where there is no such user, so that both take the same time. */
  readonly #dummyHash = hashPassword(randomBytes(32).toString('hex'))

  constructor(parts: CredentialsParts) {
    this.#parts = parts
    this.#byName = new Throttle(FREE_FAILURES_PER_USER, parts.clock)
    this.#byAddress = new Throttle(FREE_FAILURES_PER_ADDRESS, parts.clock)
    this.#tenants = new VerifiedCredentials(parts.clock)
  }

  /** From now on, names without a password here are held against it. */
  askDirectory(directory: PasswordDirectory): void {
    this.#directory = directory
  }

  /**
   * A fresh token for the right name and password. `login.refused` when they are not right, `login.throttled` after
   * too many failures for the name or from the address; that refusal comes before the password is looked at.
   */
  async logIn(name: string, password: string, address: string): Promise<{ token: string; account: Account }> {
    const account = await this.#verifiedUser(name, password, address)
    return { token: await this.#parts.tokens.createForLogIn(account.id), account }
  }

  /** As `logIn`, with the secret of a session of the web application instead of a token. */
  async logInSession(name: string, password: string, address: string): Promise<{ secret: string; account: Account }> {
    const account = await this.#verifiedUser(name, password, address)
    return { secret: await this.#parts.sessions.open(account.id), account }
  }

  /**
   * The tenant that these credentials are of. They are believed for some minutes once they were verified.
   * `login.refused` when they are nobody's or a user's, `login.throttled` as for `logIn`.
   */
  tenant(name: string, password: string, address: string): Promise<Tenant> {
    return this.#tenants.owner(name, password, async () => {
      const user = await this.#verified(name, password, address, (role) => role === 'tenant')
      await this.#parts.users.recordLogIn(user.id)
      return { id: user.id, name: user.name, contributes: user.contributes }
    })
  }

  /** Tokens and sessions that earlier log-ins made end with the password that made them. */
  async setPassword(name: string, password: string): Promise<void> {
    const passwordHash = await hashPassword(checkedPassword(password))
    const { id } = await this.#parts.users.existing(name)
    await this.#parts.store.transaction('changePassword', async (tx) => {
      await tx.users.setPasswordHash(id, passwordHash)
      await endLogIns(tx, id)
    })
    this.#parts.onChange()
  }

  /**
   * As `setPassword`, for whoever knows the password that is replaced: a session that was left open, or a token that was
   * found, does not take an account over. `user.password-wrong`, and `login.throttled` as for `logIn`.
   */
  async changePassword(name: string, current: string, password: string, address: string): Promise<void> {
    checkedPassword(password)
    await this.#verified(name, current, address, () => true).catch((error) => {
      throw error instanceof Failure && error.code === 'login.refused' ? new Failure('user.password-wrong') : error
    })
    await this.setPassword(name, password)
  }

  /** Credentials of tenants are verified anew. */
  clearCache(): void {
    this.#tenants.forget()
  }

  async #verifiedUser(name: string, password: string, address: string): Promise<Account> {
    const user = await this.#verified(name, password, address, (role) => role !== 'tenant', this.#directory)
    if ('issuer' in user) return this.#parts.signOn.admit(user)
    const { id, role } = user
    await this.#parts.users.recordLogIn(id)
    return { id, name, role }
  }

  async #verified(
    name: string,
    password: string,
    address: string,
    isWelcome: (role: Role) => boolean,
  ): Promise<StoredUser>
  async #verified(
    name: string,
    password: string,
    address: string,
    isWelcome: (role: Role) => boolean,
    directory: PasswordDirectory | null,
  ): Promise<StoredUser | Vouched>
  async #verified(
    name: string,
    password: string,
    address: string,
    isWelcome: (role: Role) => boolean,
    directory: PasswordDirectory | null = null,
  ): Promise<StoredUser | Vouched> {
    // Directories do not tell capital letters from small ones.
    const key = name.toLowerCase()
    const pause = Math.max(this.#byName.pause(key), this.#byAddress.pause(address))
    if (pause > 0) {
      const seconds = Math.ceil(pause / 1000)
      throw new Failure('login.throttled', `Too many failed log-ins; try again in ${seconds} s.`, { seconds })
    }
    this.#byName.attempt(key)
    this.#byAddress.attempt(address)
    const user = await this.#parts.store.users.findByName(name)
    const right = await verifyPassword(password, user?.passwordHash || (await this.#dummyHash))
    // Whoever has a password here is not looked for elsewhere: a namesake in the directory is somebody else.
    const vouched = !user?.passwordHash && directory ? await directory.verify(name, password) : null
    if (!vouched && (!user || !right || user.disabled || !isWelcome(user.role))) throw new Failure('login.refused')
    this.#byName.succeeded(key)
    this.#byAddress.succeeded(address)
    return vouched ?? (user as StoredUser)
  }
}
