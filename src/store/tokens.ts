import type { Micros } from './clock.ts'
import type { Role } from './users.ts'

/** A token with the user that it works for. */
export interface TokenOfUser {
  readonly tokenId: number
  readonly lastUsed: Micros | null
  readonly expires: Micros | null
  /** A list of operations; null: whatever the user may do. */
  readonly scope: readonly string[] | null
  readonly user: { readonly id: number; readonly name: string; readonly role: Role }
}

export interface ListedToken {
  readonly id: number
  readonly label: string
  readonly created: Micros
  readonly lastUsed: Micros | null
  readonly expires: Micros | null
  readonly scope: readonly string[] | null
  /** The name of whoever made it; null where it is not known. */
  readonly creator: string | null
}

/** The tokens of the API, known by their hash. */
export interface StoredTokens {
  /** Null for one that is unknown, or whose user is disabled. Whether it has expired is the caller's to compare. */
  findByHash(hash: Uint8Array): Promise<TokenOfUser | null>
  /** Newest first. */
  list(userId: number, most: number): Promise<ListedToken[]>
  /** Returns the id. */
  add(token: {
    readonly userId: number
    readonly hash: Uint8Array
    readonly label: string
    readonly created: Micros
    readonly expires?: Micros | null
    readonly scope?: readonly string[] | null
    readonly creatorId?: number | null
  }): Promise<number>
  recordUse(id: number, at: Micros): Promise<void>
  /** Whether the user had that token. */
  delete(userId: number, id: number): Promise<boolean>
  deleteAll(userId: number): Promise<void>
  deleteLabelled(userId: number, label: string): Promise<void>
  /** Of the user's tokens with the label the ones used last are kept. Returns whether any was deleted. */
  keepLatest(userId: number, label: string, kept: number): Promise<boolean>
  /**
   * Makes room for a token of the user that stands alone under its label: deletes the ones with the label, and whoever's
   * has the hash. Returns whether there is anything to add: false where the user has this very token.
   */
  makeRoomFor(userId: number, label: string, hash: Uint8Array): Promise<boolean>
}
