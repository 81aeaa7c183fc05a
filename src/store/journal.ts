import type { Micros } from './clock.ts'

/** Something that went on by itself and that an operator or a ruleset's owner should know. */
export interface JournalEntry {
  readonly id: number
  readonly created: Micros
  /** Such as `ruleset-suspended` or `segment-damaged`. */
  readonly kind: string
  readonly message: string
  /** What it is about, where that still is there. */
  readonly ruleset: string | null
  readonly sha1: string | null
}

export interface StoredJournal {
  add(entry: {
    readonly kind: string
    readonly message: string
    readonly created: Micros
    readonly rulesetId?: number
    readonly sampleId?: number
  }): Promise<void>
  /**
   * The latest entries, newest first, with long messages cut off. What is about tenants' rulesets is left out: users of
   * the appliance read this.
   */
  list(most: number): Promise<JournalEntry[]>
  /** The latest message of a kind; null for none. */
  latestMessage(kind: string): Promise<string | null>
}
