import type { Micros } from './clock.ts'
import type { RulesetState } from './rulesets.ts'
import type { SharedState } from './shared-log.ts'

/** What the manager has under a name, and what of it this appliance has taken. */
export interface SharedRuleset extends SharedState {
  readonly name: string
  readonly sequence: number
  readonly version: number
  readonly author: string
  readonly appliance: string
  readonly time: Micros
  /** The sequence that the ruleset here was made of; 0 for none. */
  readonly taken: number
  /** What that was. */
  readonly takenState: SharedState
  /** Why it could not be taken although nothing was changed here. */
  readonly problem: string | null
}

/** A shared ruleset beside the one of that name on this appliance. */
export interface SharedBesideOwn extends SharedRuleset {
  /** Null where there is none. */
  readonly own: {
    readonly enabled: boolean
    /** It is a core ruleset, which is never shared. */
    readonly core: boolean
    readonly state: RulesetState
    readonly reason: string | null
    /** Of its text in hexadecimal digits; null for one saved before digests were kept. */
    readonly digest: string | null
    readonly revisionId: number | null
  } | null
  /** Publications that have not reached the manager. */
  readonly waiting: number
}

/** On an appliance: the rulesets that it shares with others. */
export interface StoredSharedRulesets {
  find(name: string): Promise<SharedRuleset | null>
  /** By name. */
  list(): Promise<SharedBesideOwn[]>
  /** Of one name; null for none. */
  findBesideOwn(name: string): Promise<SharedBesideOwn | null>
  put(ruleset: SharedRuleset): Promise<void>
  delete(name: string): Promise<void>
  /** All of them: there is another manager. */
  clear(): Promise<void>
}

/** What has to reach the manager. */
export interface Publication extends SharedState {
  readonly id: number
  readonly name: string
  /** Made here: a publication that reaches the manager twice is one change. */
  readonly change: string
  readonly author: string
  readonly created: Micros
  /** From the first one on, the manager may have it. */
  readonly attempts: number
  readonly problem: string | null
}

/** On an appliance: what was published, until the manager has answered. */
export interface StoredPublications {
  /** Due at once. */
  add(publication: Pick<Publication, 'name' | 'change' | 'digest' | 'enabled' | 'author' | 'created'>): Promise<void>
  /** The first one of a name that waits; null for none. */
  first(name: string): Promise<Publication | null>
  /** The last one. */
  last(name: string): Promise<Publication | null>
  findByChange(change: string): Promise<Publication | null>
  /** Names of what is due at a time, longest due first. */
  findDue(at: Micros, most: number): Promise<string[]>
  /** When the next one is due; null for none. */
  nextDue(): Promise<Micros | null>
  /** Whatever is due later is due now. */
  makeDue(now: Micros): Promise<void>
  /** An attempt begins. */
  countAttempt(id: number): Promise<void>
  postpone(id: number, to: { readonly due: Micros; readonly problem: string }): Promise<void>
  /** Whether it was still there. */
  delete(id: number): Promise<boolean>
  /** Those of a name that were never sent. */
  deleteUnsent(name: string): Promise<void>
  /** Returns how many there were. */
  clear(): Promise<number>
}
