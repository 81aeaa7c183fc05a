import type { Micros } from './clock.ts'

/** What the cloud shall have under a name in the end. */
export interface Delivery {
  readonly id: number
  readonly name: string
  /** Null when the ruleset is gone here. */
  readonly rulesetId: number | null
  /** Whose text; null for none. */
  readonly revisionId: number | null
  readonly attempts: number
  /** Why the last attempt did not succeed. */
  readonly problem: string | null
}

/** What has to reach the cloud: at most one delivery for each name. */
export interface StoredOutbox {
  find(name: string): Promise<Delivery | null>
  /** Due at once. Does nothing where something waits under the name already. */
  add(delivery: {
    readonly name: string
    readonly rulesetId: number | null
    readonly revisionId: number | null
    readonly at: Micros
  }): Promise<void>
  /** Whether it was still there. */
  delete(id: number): Promise<boolean>
  deleteByName(name: string): Promise<void>
  /** The ones that take a text out of the cloud. */
  deleteRemovals(): Promise<void>
  /** Names of what is due at a time, longest due first. */
  findDue(at: Micros, most: number): Promise<string[]>
  /** When the next one is due; null for none. */
  nextDue(): Promise<Micros | null>
  /** Whatever is due later is due now. */
  makeDue(now: Micros): Promise<void>
  postpone(id: number, to: { readonly attempts: number; readonly due: Micros; readonly problem: string }): Promise<void>
  /** How many wait, and since when the oldest does; null for none. */
  backlog(): Promise<{ readonly waiting: number; readonly oldest: Micros | null }>
}
