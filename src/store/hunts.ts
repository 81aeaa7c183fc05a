import type { Micros } from './clock.ts'
import type { RulesetState } from './rulesets.ts'

/** `retro`: of a tenant's ruleset. */
export type HuntKind = 'local-retro' | 'ad-hoc' | 'retro'
/** `capped`: ended with as many matches as a hunt may have. */
export type HuntState = 'queued' | 'starting' | 'running' | 'completed' | 'stopped' | 'failed' | 'capped'

export const unfinishedStates = ['queued', 'starting', 'running'] as const satisfies readonly HuntState[]

export interface NewHunt {
  readonly kind: HuntKind
  readonly state: 'queued' | 'starting'
  readonly startedBy: number
  readonly created: Micros
  readonly started?: Micros
  /** How many samples it covers, where that is known. */
  readonly samples?: number
  /** Samples with an id above this came after the start. */
  readonly lastSampleId: number
  /** Local Retro and retro: the revisions that it takes. */
  readonly rulesets?: readonly { readonly rulesetId: number; readonly revisionId: number }[]
  /** Ad-hoc: texts and selection are kept as the service has written them. */
  readonly adHoc?: {
    readonly title: string | null
    readonly texts: Uint8Array
    readonly selection: string
    readonly useIndex: boolean
    /** The hunt that it asks again. */
    readonly repeats?: number
  }
  /** Retro: whose latest hunt it is, with which it is removed; samples that were analysed before are not covered. */
  readonly retro?: { readonly rulesetId: number; readonly analysedSince: Micros }
}

/** A hunt in the hand of whoever claimed it last. What is written under an earlier fence changes nothing. */
export interface ClaimedHunt {
  readonly id: number
  /** Grows whenever the hunt changes hands. */
  readonly fence: number
}

/** What the work on a hunt has to know. */
export interface HuntToRun {
  readonly startedBy: number
  /** Every covered sample with an id up to this one is decided, and its matches are stored. */
  readonly cursor: number
  readonly lastSampleId: number
  readonly useIndex: boolean
  readonly texts: Uint8Array | null
  readonly selection: string | null
  readonly analysedSince: Micros | null
}

/** How far a hunt is, and what it took. */
export interface HuntCounts {
  readonly state: HuntState
  readonly started: Micros | null
  /** How many samples it covers, and how many are decided. */
  readonly samples: number
  readonly processed: number
  readonly candidates: number
  readonly scannedBytes: number
  /** Samples above the size limit or given up after repeated failures. */
  readonly skipped: number
  /** Ad-hoc: its hits; Local Retro: matches that are new; retro: entries of the feed. */
  readonly matches: number
}

export interface ListedHunt extends HuntCounts {
  readonly id: number
  readonly title: string | null
  readonly userId: number
  /** Null for a user who is gone. */
  readonly user: string | null
  readonly useIndex: boolean
  /** The hunt that it asks again, while that is there. */
  readonly repeats: number | null
  readonly failure: string | null
  readonly created: Micros
  readonly stopped: Micros | null
}

export interface ListedRun extends HuntCounts {
  readonly id: number
  readonly stopped: Micros | null
  readonly failure: string | null
  readonly startedBy: string | null
  readonly stoppedBy: string | null
}

export interface HuntOfRuleset {
  readonly id: number
  readonly state: HuntState
  readonly created: Micros
  readonly started: Micros | null
  readonly stopped: Micros | null
  readonly samples: number
  readonly processed: number
  readonly failure: string | null
}

/** What one more checkpoint adds. */
export interface HuntAdvance {
  readonly cursor: number
  readonly processed: number
  readonly candidates: number
  readonly scannedBytes: number
  readonly skipped: number
  readonly matches: number
}

/**
 * Hunts of all kinds. A state is only changed while the hunt has not ended. Who works on one has claimed it: of two that
 * believe to hold a hunt only the later one changes its row, so results that are stored in one unit of work with
 * `findRunning` and `advance` are stored by that one alone.
 */
export interface StoredHunts {
  /** Returns the id. */
  add(hunt: NewHunt): Promise<number>
  /** Queues again what of a kind was left unfinished, in order of ids. Nobody holds these hunts any more. */
  requeue(kind: HuntKind): Promise<{ readonly id: number; readonly startedBy: number }[]>
  /** What of a kind waits or runs, in order of ids. */
  unfinished(kind: HuntKind): Promise<{ readonly id: number; readonly startedBy: number }[]>
  findToRun(id: number): Promise<HuntToRun>
  revisionsOf(id: number): Promise<number[]>
  /** A hunt runs, in the hand of the caller. Keeps the time of the first start. Null when it has ended or is gone. */
  claim(id: number, at: Micros): Promise<ClaimedHunt | null>
  /**
   * Lets the work on a hunt change its state. `running` keeps the time of the first start, `completed` counts samples
   * that were deleted meanwhile as decided. False, and nothing is changed, when the hunt has ended, is gone, or is in
   * another hand.
   */
  enter(
    hunt: ClaimedHunt,
    state: Exclude<HuntState, 'starting' | 'stopped'>,
    at: Micros,
    failure?: string | null,
  ): Promise<boolean>
  /** Somebody stops it. False when it has ended. */
  stop(id: number, by: number, at: Micros): Promise<boolean>
  /** The same for whatever hunt of a kind is under way. */
  stopKind(kind: HuntKind, by: number, at: Micros): Promise<boolean>
  /** Null for a hunt that does not run, or is in another hand. */
  findRunning(hunt: ClaimedHunt): Promise<{
    readonly cursor: number
    readonly samples: number
    readonly processed: number
    readonly matches: number
  } | null>
  /** These three change nothing of a hunt in another hand. */
  advance(hunt: ClaimedHunt, by: HuntAdvance): Promise<void>
  setFailure(hunt: ClaimedHunt, failure: string | null): Promise<void>
  setSamples(hunt: ClaimedHunt, samples: number): Promise<void>
  setTitle(id: number, title: string | null): Promise<void>
  /** With its results. */
  delete(id: number): Promise<void>

  /** The state of a hunt of a kind that is under way; null for none. */
  unfinishedState(kind: HuntKind): Promise<HuntState | null>
  /** Newest first. */
  listRuns(kind: HuntKind, most: number): Promise<ListedRun[]>
  /** How many rulesets each has. */
  countRulesets(ids: readonly number[]): Promise<ReadonlyMap<number, number>>

  /** Ad-hoc hunts alone, without their texts and selections, which may be large. */
  findAdHoc(id: number): Promise<ListedHunt | null>
  /** Newest first; of one user, or all with null. */
  listAdHoc(
    userId: number | null,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly count: number; readonly hunts: ListedHunt[] }>
  /** Ad-hoc ones with this in their title, whatever the case, newest first: among the newest 10,000. */
  findTitled(part: string, most: number): Promise<ListedHunt[]>
  /** What an ad-hoc hunt hunts with, and in what. */
  textsOf(id: number): Promise<{ readonly texts: Uint8Array; readonly selection: string } | null>

  findOfRuleset(rulesetId: number): Promise<HuntOfRuleset | null>
  deleteOfRuleset(rulesetId: number): Promise<void>
  /** The condition of the ruleset that a retro hunt is of. */
  rulesetOf(id: number): Promise<{ readonly state: RulesetState; readonly reason: string | null } | null>
  /** Those of the hunts that are there. */
  findExisting(ids: readonly number[]): Promise<Set<number>>
}
