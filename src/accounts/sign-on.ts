import { Failure } from '../errors/index.ts'
import { type Identity, now, type Store, type UnitOfWork } from '../store/index.ts'
import type { Account, WorkingRole } from './rights.ts'
import type { Sessions } from './sessions.ts'
import { isUserName } from './users.ts'

/** What an identity provider vouches for. */
export interface Vouched extends Identity {
  /** The name that a user gets who logs in for the first time. */
  readonly name: string
  readonly role: WorkingRole
  /** The provider's name for its session; empty where it has not said one. */
  readonly session: string
}

export interface SignOnParts {
  readonly store: Store
  readonly sessions: Sessions
  /** Called after a role was changed or sessions were ended. */
  readonly onChange: () => void
}

/**
 * Users whom an identity provider vouches for. They are known by issuer and subject: a name of the provider that a user here
 * has already is somebody else's, and never opens that account.
 */
export class SignOn {
  readonly #parts: SignOnParts

  constructor(parts: SignOnParts) {
    this.#parts = parts
  }

  /**
   * A session for the user, who is added at the first log-in and gets the provider's word on the role at each.
   * `sign-on.name` where a first log-in needs a name that cannot be given, `sign-on.disabled`, `user.last-administrator`.
   */
  async logIn(vouched: Vouched): Promise<{ secret: string; account: Account }> {
    const account = await this.admit(vouched)
    return { secret: await this.#parts.sessions.open(account.id, vouched.session), account }
  }

  /** The same without a session. */
  async admit(vouched: Vouched): Promise<Account> {
    const { store, onChange } = this.#parts
    const { account, isChanged } = await store.transaction('signOn', async (tx) => {
      const known = await tx.users.findByIdentity(vouched)
      if (known?.disabled) throw new Failure('sign-on.disabled')
      const id = known ? known.id : await addUser(tx, vouched)
      const isChanged = known !== null && known.role !== vouched.role
      if (isChanged) {
        await tx.users.setRole(id, vouched.role)
        if (!(await tx.users.findFirstAdministrator())) throw new Failure('user.last-administrator')
      }
      await tx.users.recordLogIn(id, now())
      return { account: { id, name: known?.name ?? vouched.name, role: vouched.role }, isChanged }
    })
    if (isChanged) onChange()
    return account
  }

  /** Ends the sessions that the provider no longer vouches for. Tokens stay: they are no log-ins. */
  async end(issuer: string, of: { readonly subject: string } | { readonly session: string }): Promise<void> {
    if (await this.#parts.store.sessions.deleteOfProvider(issuer, of)) this.#parts.onChange()
  }
}

async function addUser({ users }: UnitOfWork, vouched: Vouched): Promise<number> {
  const { name, role } = vouched
  if (!isUserName(name)) {
    throw new Failure('sign-on.name', 'The identity provider gave no name that a user here can have.')
  }
  if (await users.findByName(name)) throw new Failure('sign-on.name')
  const id = await users.add({ name, passwordHash: '', role, contributes: false, created: now() })
  await users.addIdentity(id, vouched)
  return id
}
