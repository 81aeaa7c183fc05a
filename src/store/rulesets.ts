import type { Diagnostic, LeftOut } from '../yara/index.ts'
import type { Micros } from './clock.ts'
import type { Page } from './page.ts'
import type { RuleSummary } from './rule-summary.ts'

/**
 * A ruleset's own condition: it compiles, it does not, or it compiles but was suspended because it could not be run.
 */
export type RulesetState = 'valid' | 'invalid' | 'error'

/**
 * What the API shows of a ruleset's condition. An enabled ruleset that runs is `active`, whether or not a cloud has
 * it; `pending` and `capped` are the cloud's: its validation is open, or its hunt stopped at the match limit.
 */
export type RulesetStatus = 'active' | 'disabled' | 'invalid' | 'error' | 'pending' | 'capped'

/** Set by the connection to a cloud: its validation is open, its hunt runs, or its hunt stopped at the match limit. */
export type CloudState = 'validating' | 'hunting' | 'capped'

export interface RulesetEntry {
  readonly id: number
  readonly name: string
  readonly owner: string
  readonly status: RulesetStatus
  /** Why it is invalid or was suspended, or on which sample it was stopped; null when all is well. */
  readonly reason: string | null
  readonly core: boolean
  readonly enabled: boolean
  readonly cloudSynced: boolean
  /** The number of the current revision, from 1. */
  readonly revision: number
  /** Matches by the classification of their sample. */
  readonly counts: {
    readonly unknown: number
    readonly goodware: number
    readonly suspicious: number
    readonly malicious: number
  }
  readonly created: Micros
  readonly modified: Micros
  /** When a sample last matched, whether or not it had matched before. */
  readonly lastMatched: Micros | null
  /** How many rules are disabled by themselves. */
  readonly disabledRules: number
  /** What users wrote down about it. */
  readonly notes: string
  /** When it is disabled by itself, or was; null for never. */
  readonly expires: Micros | null
  readonly tags: readonly string[]
}

export const rulesetOrders = [
  'name',
  'owner',
  'status',
  'malicious',
  'suspicious',
  'goodware',
  'unknown',
  'modified',
  'last_matched',
] as const
export type RulesetOrder = (typeof rulesetOrders)[number]

export interface RulesetQuery {
  /** `my`: of the one who asks; `user`: of all users; `system`: core rulesets. The first two leave core rulesets out. */
  readonly type: 'my' | 'user' | 'system' | 'all'
  readonly status: 'all' | RulesetStatus
  readonly source: 'all' | 'local' | 'cloud'
  /** Only those with this in their name or their owner's, whatever the case; everything by default. */
  readonly search?: string
  /** Only those that have this tag. */
  readonly tag?: string
  /** By name, ascending, by default; where it leaves two equal, the name decides. */
  readonly order?: { readonly by: RulesetOrder; readonly descending: boolean }
  /** Null for everything at once. */
  readonly page: Page | null
}

/** A ruleset as a change of it needs to know it. */
export interface StoredRuleset {
  readonly id: number
  readonly ownerId: number
  readonly core: boolean
  readonly enabled: boolean
  /** When it is disabled by itself, or was. */
  readonly expires: Micros | null
  readonly state: RulesetState
  readonly cloudState: CloudState | null
  readonly cloudSynced: boolean
  readonly revisionId: number | null
  /** Of the current revision; null for none. */
  readonly number: number | null
  /** Of its text, which is read only where it is needed: it may have many megabytes. Null for one saved long ago. */
  readonly digest: Uint8Array | null
  readonly diagnostics: readonly Diagnostic[]
  readonly leftOut: readonly LeftOut[]
}

/** A ruleset that a tenant runs here. Its text never changes: a tenant deletes it and creates another. */
export interface TenantRuleset {
  readonly id: number
  readonly name: string
  /** Lower-case hexadecimal SHA-1 of the text. */
  readonly digest: string
  readonly revisionId: number
  readonly rules: number
  /** False for one that wants samples that cannot be downloaded only, of which there are none: nothing matches it. */
  readonly wantsSamples: boolean
  /** False when it was suspended because it could not be run; `reason` tells. */
  readonly runs: boolean
  /** On which sample it was stopped; null when all is well. */
  readonly reason: string | null
}

/** A ruleset that runs, in its current revision. */
export interface LiveMember {
  readonly rulesetId: number
  readonly revisionId: number
  /** It is a tenant's, where this is a cloud. */
  readonly isTenants: boolean
}

export interface RulesetCondition {
  readonly id: number
  readonly name: string
  readonly enabled: boolean
  readonly state: RulesetState
  /** Why it does not run here. */
  readonly reason: string | null
}

export interface RulesetText {
  readonly name: string
  readonly enabled: boolean
  readonly state: RulesetState
  readonly revisionId: number | null
  readonly content: string
  readonly rules: readonly RuleSummary[]
  /** Of its text; null for one saved long ago. */
  readonly digest: Uint8Array | null
}

/** What users, core rules and tenants have the engine look for. A name is unique among the rulesets of each tenant. */
export interface StoredRulesets {
  /** Of this installation itself, as all that go by a name alone. */
  findByName(name: string): Promise<StoredRuleset | null>
  findEntry(name: string): Promise<RulesetEntry | null>
  /** The ruleset of any owner whose current revision this is; null for none. */
  findByCurrentRevision(revisionId: number): Promise<{ readonly id: number; readonly state: RulesetState } | null>
  exists(id: number): Promise<boolean>
  /** Whether it runs here, by name. */
  findCondition(name: string): Promise<RulesetCondition | null>
  /** With its current text; without one the text is empty. */
  findText(id: number): Promise<RulesetText>
  /** In a unit of work, so that the count is that of the list. `page.beyond-end` for a page past the last one. */
  list(ownerId: number, query: RulesetQuery): Promise<{ count: number; results: RulesetEntry[] }>
  /** The ones that run, tenants' too, by id. */
  listLive(): Promise<LiveMember[]>

  /** Enabled and without a revision. Returns the id. */
  add(ruleset: {
    readonly name: string
    readonly ownerId: number
    readonly core: boolean
    readonly created: Micros
  }): Promise<number>
  /** A tenant's, in a state that runs. `digest` is the SHA-1 of its text. Returns the id. */
  addOfTenant(ruleset: {
    readonly name: string
    readonly tenantId: number
    readonly digest: Uint8Array
    readonly enabled: boolean
    readonly created: Micros
  }): Promise<number>
  setRevision(
    id: number,
    revisionId: number,
    condition?: { readonly state: RulesetState; readonly reason: string | null; readonly modified: Micros },
  ): Promise<void>
  /** A reason that is left out stays as it is. */
  setEnabled(
    id: number,
    change: { readonly enabled: boolean; readonly state: RulesetState; readonly reason?: string | null },
  ): Promise<void>
  /** What users write down about it; what is left out stays. */
  setNotes(id: number, change: { readonly notes?: string; readonly expires?: Micros | null }): Promise<void>
  /** Enabled ones whose date has come, tenants' left out, the earliest first. */
  findExpired(at: Micros, limit: number): Promise<{ readonly id: number; readonly name: string }[]>
  /** When the next enabled one expires; null for never. */
  nextExpiry(): Promise<Micros | null>
  /** Why it was stopped; `suspend`: it does not run any more. */
  setStopped(id: number, reason: string, suspend: boolean): Promise<void>
  /** What of the cloud's part the rest of the program sees. */
  setCloudState(id: number, seen: { readonly synced: boolean; readonly state: CloudState | null }): Promise<void>
  /** Nothing is validated or hunted with in a cloud any more. */
  clearCloudStates(): Promise<void>
  /** All rulesets of one user become another one's. */
  changeOwner(from: number, to: number): Promise<void>
  /** A sample matched them at this time; a later one stays. */
  recordMatch(ids: readonly number[], at: Micros): Promise<void>
  /** Without a match left, nothing was ever matched. */
  forgetLastMatched(id: number): Promise<void>
  /** With its revisions, and with what is left that it found. */
  delete(id: number): Promise<void>

  findOfTenant(tenantId: number, name: string): Promise<TenantRuleset | null>
  /** By name. */
  listOfTenant(tenantId: number): Promise<TenantRuleset[]>
  /** The tenants' rulesets that have one of these as their current revision, by id. */
  listTenants(
    revisionIds: readonly number[],
  ): Promise<{ readonly id: number; readonly tenantId: number; readonly revisionId: number }[]>
  /** How many a tenant has, and whether the name is among them. */
  countOfTenant(tenantId: number, name: string): Promise<{ readonly count: number; readonly hasName: boolean }>
  /** Returns whether there were any. */
  deleteOfRemovedTenants(): Promise<boolean>
}
