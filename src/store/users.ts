import type { Micros } from './clock.ts'

/**
 * A tenant uses this installation as its cloud, with name and password; the API of the appliance is closed to it.
 * src/accounts/rights.ts has what the others may do.
 */
export type Role = 'administrator' | 'publisher' | 'user' | 'read-only' | 'tenant'

export interface StoredUser {
  readonly id: number
  readonly name: string
  readonly role: Role
  /** A PHC string; empty for a user who cannot log in. */
  readonly passwordHash: string
  readonly contributes: boolean
  readonly disabled: boolean
}

export interface ListedUser extends Omit<StoredUser, 'passwordHash'> {
  readonly created: Micros
  /** By name and password; null for never. */
  readonly lastLogIn: Micros | null
  /** Of the tokens and of the sessions that there are; null for none. */
  readonly tokenUsed: Micros | null
  readonly sessionUsed: Micros | null
}

/** Who a user is for an identity provider, which never gives a subject to somebody else. */
export interface Identity {
  readonly issuer: string
  readonly subject: string
}

/** Who there is. A removed user stays as a row for whatever names it, and is found by none of these. */
export interface StoredUsers {
  findByName(name: string): Promise<StoredUser | null>
  findByIdentity(identity: Identity): Promise<StoredUser | null>
  addIdentity(userId: number, identity: Identity): Promise<void>
  /** By name. */
  list(most: number): Promise<ListedUser[]>
  /** The first that is not disabled. */
  findFirstAdministrator(): Promise<{ readonly id: number; readonly name: string; readonly role: Role } | null>
  hasAdministratorWithPassword(): Promise<boolean>
  /** Returns the id. Whether the name is free is the caller's to look up in the same unit of work. */
  add(user: {
    readonly name: string
    readonly passwordHash: string
    readonly role: Role
    readonly contributes: boolean
    readonly created: Micros
  }): Promise<number>
  setRole(id: number, role: Role): Promise<void>
  /** From when on its credentials are refused; null: they are accepted. */
  setDisabled(id: number, since: Micros | null): Promise<void>
  setPasswordHash(id: number, passwordHash: string): Promise<void>
  recordLogIn(id: number, at: Micros): Promise<void>
  /** The name and the identities are free again. Tokens, sessions and rulesets are the caller's to delete or pass on. */
  markRemoved(id: number, at: Micros): Promise<void>
}
