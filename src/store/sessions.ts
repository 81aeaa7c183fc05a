import type { Micros } from './clock.ts'
import type { Role } from './users.ts'

/** A session with the user whose it is. */
export interface SessionOfUser {
  readonly sessionId: number
  readonly created: Micros
  readonly lastUsed: Micros
  /** As in the schema. */
  readonly providerSession: string | null
  readonly user: { readonly id: number; readonly name: string; readonly role: Role }
}

/** A session that was used and made before these times has ended. */
export interface SessionEnd {
  readonly usedBefore: Micros
  readonly createdBefore: Micros
}

/** The log-ins of the web application, known by the hash of their secret. */
export interface StoredSessions {
  /** Null for one that is unknown or has ended, or whose user is disabled. */
  findByHash(hash: Uint8Array, end: SessionEnd): Promise<SessionOfUser | null>
  add(session: {
    readonly userId: number
    readonly hash: Uint8Array
    readonly created: Micros
    readonly providerSession: string | null
  }): Promise<void>
  recordUse(id: number, at: Micros): Promise<void>
  delete(hash: Uint8Array): Promise<void>
  deleteAll(userId: number): Promise<void>
  /** Those of an identity provider's user, or of one of the provider's sessions; and how many there were. */
  deleteOfProvider(issuer: string, of: { readonly subject: string } | { readonly session: string }): Promise<number>
  deleteEnded(end: SessionEnd): Promise<void>
}
