import type { Micros } from './clock.ts'

/** What a shared ruleset became: a text that is enabled or not, or nothing. */
export interface SharedState {
  /** SHA-256 of the text in hexadecimal digits; null: deleted. */
  readonly digest: string | null
  readonly enabled: boolean
}

/** A change of a shared ruleset. */
export interface SharedEntry extends SharedState {
  /** Of the manager's log, from 1; a later change has a larger one. */
  readonly sequence: number
  readonly name: string
  /** Of the ruleset, from 1. */
  readonly version: number
  /** The user and the appliance that published it, by name. */
  readonly author: string
  readonly appliance: string
  readonly change: string
  /** By the manager's clock. */
  readonly time: Micros
  readonly chain: string
}

export interface LogPosition {
  readonly sequence: number
  readonly chain: string
}

/** A manager's log of shared rulesets. */
export interface StoredSharedLog {
  /** The sequence is the caller's to count, in the same unit of work. */
  add(entry: SharedEntry): Promise<void>
  /** Of a name; null for none. */
  newest(name: string): Promise<SharedEntry | null>
  findByChange(appliance: string, change: string): Promise<SharedEntry | null>
  /** The end of the log; null for an empty one. */
  end(): Promise<LogPosition | null>
  chainAt(sequence: number): Promise<string | null>
  /** By sequence. */
  listAfter(sequence: number, most: number): Promise<SharedEntry[]>
  /** The newest entry of each name that is not deleted, by name, behind a name. */
  listCurrent(afterName: string, most: number): Promise<SharedEntry[]>
  /**
   * Deletes entries from before a time that a later one of their name has replaced, and deletions. The last entry from
   * before that time stays: whoever has followed until then stands there. Returns the largest sequence that went, 0 for
   * none.
   */
  prune(before: Micros): Promise<number>
}

/** Texts of shared rulesets by their digest, as `packText` of src/rulesets packs them. */
export interface StoredSharedTexts {
  /** One that is there stays. */
  add(digest: string, packed: Uint8Array): Promise<void>
  find(digest: string): Promise<Uint8Array | null>
  /** Whether it is there. */
  has(digest: string): Promise<boolean>
  /** Deletes what no entry, no shared ruleset and no publication names any more. Returns how many. */
  deleteUnreferenced(): Promise<number>
}
