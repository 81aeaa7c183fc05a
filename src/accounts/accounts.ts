import { randomBytes } from 'node:crypto'
import { Failure } from '../errors/index.ts'
import type { Store } from '../store/index.ts'
import { Credentials } from './credentials.ts'
import { DeviceLogIns } from './device-log-ins.ts'
import { hashPassword } from './password.ts'
import { Sessions } from './sessions.ts'
import { SignOn } from './sign-on.ts'
import { randomToken, Tokens } from './tokens.ts'
import { Users } from './users.ts'

/** The secrets of a first run. Nothing but hashes is kept of them. */
export interface FirstAdministrator {
  readonly name: string
  readonly password: string
  readonly token: string
}

/** Who may ask: users, what they prove it with, and what they get for it. Each part has a file of its own. */
export class Accounts {
  readonly users: Users
  readonly tokens: Tokens
  readonly credentials: Credentials
  /** Log-ins of the web application, made by `credentials.logInSession` and `signOn.logIn`. */
  readonly sessions: Sessions
  readonly signOn: SignOn
  /** Log-ins of programs, approved in a browser. */
  readonly deviceLogIns: DeviceLogIns
  readonly #store: Store
  readonly #listeners = new Set<() => void>()

  /** `clock` is in milliseconds. */
  constructor(store: Store, clock: () => number = Date.now) {
    this.#store = store
    // All changes of users, passwords and tokens pass through these parts: what they keep in memory ends with each.
    const onChange = () => {
      this.tokens.clearCache()
      this.credentials.clearCache()
      onEnd()
    }
    const onEnd = () => {
      for (const listener of this.#listeners) listener()
    }
    this.sessions = new Sessions(store, () => clock() * 1000, onEnd)
    this.users = new Users(store, onChange)
    this.signOn = new SignOn({ store, sessions: this.sessions, onChange })
    this.tokens = new Tokens(store, this.users, { change: onChange, end: onEnd })
    this.deviceLogIns = new DeviceLogIns({ users: this.users, tokens: this.tokens, clock })
    this.credentials = new Credentials({
      store,
      users: this.users,
      tokens: this.tokens,
      sessions: this.sessions,
      signOn: this.signOn,
      clock,
      onChange,
    })
  }

  /** Calls the listener after each change that may end somebody's credentials; the returned function ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * On the first run, while no administrator has a password yet: makes the administrator `admin`, with the given token
   * or one of its own, and returns the secrets, which are never returned again. On later runs null; a given token is
   * then made to work for the first administrator in place of the one given before, so that scripted set-ups can change
   * it. `token.invalid` for a token that is empty, too long or not printable ASCII.
   */
  async ensureFirstAdministrator({ token }: { readonly token?: string }): Promise<FirstAdministrator | null> {
    if (token !== undefined && !/^[\x21-\x7e]{1,256}$/.test(token)) throw new Failure('token.invalid')
    if (await this.#store.users.hasAdministratorWithPassword()) {
      if (token !== undefined) await this.tokens.setUp(token)
      return null
    }
    const { name, id } = await this.users.operator()
    const password = randomBytes(15).toString('base64url')
    const passwordHash = await hashPassword(password)
    const secret = token ?? randomToken()
    await this.tokens.setUp(secret)
    await this.#store.users.setPasswordHash(id, passwordHash)
    return { name, password, token: secret }
  }
}
