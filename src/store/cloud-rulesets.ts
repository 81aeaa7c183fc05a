import type { Micros } from './clock.ts'

export type RetroState = 'IDLE' | 'VALIDATING' | 'ERROR' | 'READY' | 'RUNNING' | 'COMPLETE' | 'CANCELLED' | 'CLEARED'

/**
 * What a cloud has of a ruleset, as far as this side knows. `absent`: nothing, or nothing yet; `validating`: the text,
 * and finds out whether it can run; `stored`: it runs; `refused`: the cloud does not run it, and `reason` says why;
 * `unfit`: it was not sent, being larger than clouds take. Not `wanted`: it was there, and is no longer to be.
 */
export interface CloudRuleset {
  readonly wanted: boolean
  readonly state: 'absent' | 'validating' | 'stored' | 'refused' | 'unfit'
  readonly reason: string | null
  /** The revision whose text it has; null for none. */
  readonly revisionId: number | null
  readonly retroState: RetroState
  readonly retroStarted: Micros | null
  readonly retroFinished: Micros | null
  readonly retroEstimated: Micros | null
  /** 0 to 1. */
  readonly retroProgress: number | null
  readonly retroReason: string | null
  /** The hunt stopped at the match limit. */
  readonly retroCapped: boolean
  /** Seconds by the cloud's clock: entries of the retro feed up to this one were cleared. */
  readonly clearedUntil: number
}

/** What may be written of it. */
export type CloudRulesetChange = Partial<CloudRuleset>

/** A ruleset whose state may change in the cloud. */
export interface ChangingRuleset {
  readonly id: number
  readonly name: string
  readonly state: CloudRuleset['state']
  readonly retroState: RetroState
}

/** A text that the cloud may mean by a name and a digest. */
export interface KnownText {
  readonly name: string
  readonly digest: string
  readonly rulesetId: number
  readonly revisionId: number
  readonly clearedUntil: number
}

/** What a cloud has of the rulesets of this appliance; a row for each that was ever to run there. */
export interface StoredCloudRulesets {
  find(rulesetId: number): Promise<CloudRuleset | null>
  /** Makes it, or changes what is given of it. Returns what it is now; null for a ruleset that is gone. */
  write(rulesetId: number, change: CloudRulesetChange): Promise<CloudRuleset | null>
  /** The rulesets that the cloud has. */
  listThere(): Promise<number[]>
  /** Of the ones that it has: those that are validated or hunted with, and the ones named, by id. */
  listChanging(alsoThese: readonly number[]): Promise<ChangingRuleset[]>
  /** Those of which the cloud has a text. */
  listWithText(): Promise<{ readonly id: number; readonly name: string; readonly revisionId: number }[]>
  /** Which revision the cloud means by a digest. */
  setDigest(rulesetId: number, digest: string, revisionId: number): Promise<void>
  /** The texts that were ever there under these names. */
  findTexts(names: readonly string[]): Promise<KnownText[]>
}
