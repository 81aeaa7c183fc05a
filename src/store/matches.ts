import type { Condition } from '../query/index.ts'
import type { Classification } from './classifications.ts'
import type { Micros } from './clock.ts'
import type { Counted } from './counted.ts'

/** One row: a rule of a ruleset holds on a sample, locally or in the cloud. */
export interface MatchRow {
  readonly id: number
  readonly sampleId: number
  readonly ruleset: string
  readonly rule: string
  readonly cloud: boolean
  /** When the match was recorded. */
  readonly created: Micros
  readonly classification: Classification
  /** 0 to 10; null where the classification has none. */
  readonly riskScore: number | null
  readonly threatName: string | null
  /** Hashes as lower-case hexadecimal digits; only the SHA-1 is known of every sample in the cloud. */
  readonly sha1: string
  readonly md5: string | null
  readonly sha256: string | null
  /** Null for a sample that only the cloud has. */
  readonly extractedFileCount: number | null
  readonly fileType: string
  readonly fileSize: number
  /** The name that the rule held for, where it asks for names; else the sample's. */
  readonly filename: string
  /** The content is here. */
  readonly downloadable: boolean
}

/** All given conditions hold. */
export interface MatchConditions {
  /** The sample matches every one of the chosen rulesets, not just one of them. */
  readonly together?: boolean
  /** In place of `together`: the sample matches each of these rulesets, by id, whichever are looked at. */
  readonly ofAll?: readonly number[]
  /** First found with the revision of this number. */
  readonly revision?: number
  /** A part of the rule's name (ASCII case does not matter). */
  readonly rule?: string
  /** Of rules that are not disabled. */
  readonly enabledRules?: boolean
  readonly cloud?: boolean
  readonly classifications?: readonly Classification[]
  readonly fileTypes?: readonly string[]
  readonly tag?: string
  /** Of the sample, in bytes, inclusive. */
  readonly minSize?: number
  readonly maxSize?: number
  /** When the match was recorded, inclusive. */
  readonly from?: Micros
  readonly to?: Micros
  /** The whole name of the rule. */
  readonly exactRule?: string
  /** What a query demands of the sample. */
  readonly sample?: Condition
  /** Found by this run of Local Retro, whether known before or not; lists are kept of the last runs. */
  readonly run?: number
  /** With `run`: recorded since the run before had ended. */
  readonly newInRun?: boolean
}

export interface MatchWalk {
  readonly limit: number
  /** Only matches with a smaller id; with a greater one where the walk begins with the oldest. */
  readonly after?: number
  readonly oldestFirst?: boolean
}

export const matchSortKeys = ['rule', 'ruleset', 'name', 'classification', 'threat', 'type', 'size'] as const
export type MatchSortKey = (typeof matchSortKeys)[number]
/** Orders whose values an index has. */
export const matchValueKeys = ['rule', 'ruleset', 'classification', 'type'] as const satisfies readonly MatchSortKey[]
export type MatchValueKey = (typeof matchValueKeys)[number]

/** Orders by a value of the sample that an index has of all samples. */
export const matchWalkKeys = ['name', 'threat', 'size'] as const satisfies readonly MatchSortKey[]
export type MatchWalkKey = (typeof matchWalkKeys)[number]

/** Where a match is in such an order. Of texts the first 200 characters count. */
export interface MatchPlace {
  /** Null: among those without a value, which come last; of the rest only `id` counts then. */
  readonly value: string | number | null
  readonly sampleId: number
  readonly id: number
}

export interface MatchOrder {
  readonly by: MatchWalkKey
  readonly descending: boolean
  readonly limit: number
  /** Only what comes behind; null for the beginning. */
  readonly after: MatchPlace | null
}

export interface MatchesInOrder {
  readonly results: readonly MatchRow[]
  /** To give as `after`; null when nothing is left. */
  readonly next: MatchPlace | null
}

export interface MatchValuesAsked {
  readonly by: MatchValueKey
  /** The first that is wanted; null for the very first. */
  readonly from: string | null
  /** What comes behind `from`, and not that itself. */
  readonly isBehind: boolean
  readonly descending: boolean
  readonly most: number
}

/** A value that matches may have; a classification as the digits of its number, a rule as `rule/ruleset`. */
export interface MatchValue {
  readonly value: string
  /** Of the rulesets asked about, those whose matches have it; none where it may be any of all. */
  readonly rulesetIds: readonly number[]
}

/** The matches of one sample, or those of one rule. */
export interface MatchGroup {
  /** The newest of them that fulfils the filter. */
  readonly newest: MatchRow
  /** How many fulfil the conditions on matches; exact up to 10,000. */
  readonly matches: Counted
}

export interface MatchGroupsFound {
  readonly results: readonly MatchGroup[]
  readonly next: number | null
}

export interface MatchesFound {
  readonly results: readonly MatchRow[]
  /** The id to give as `after`; null when nothing is left. */
  readonly next: number | null
}

/** A match that a scan here found. */
export interface FoundMatch {
  readonly rulesetId: number
  readonly revisionId: number
  readonly rule: string
  /** The file name that the rule held for; null where it asks for none. */
  readonly name: string | null
  /** Further ones of the sample that it held for. */
  readonly otherNames?: readonly string[]
}

/** A match that was not known before. */
export interface NewMatch {
  readonly rulesetId: number
  readonly rule: string
}

/** That a rule, as it was in a revision, holds on a sample of the cloud. */
export interface CloudFinding {
  readonly rulesetId: number
  readonly revisionId: number
  readonly rule: string
  readonly sampleId: number
  /** When the cloud found it. */
  readonly at: Micros
}

/**
 * Which rule of which ruleset holds on which sample. A match of a cloud remembers which of its feeds reported it. Whatever
 * changes matches has the samples' classification to bring up to date, in the same unit of work.
 */
export interface StoredMatches {
  /** Adding one again changes nothing. Returns those that are new. */
  add(sampleId: number, found: readonly FoundMatch[], at: Micros): Promise<NewMatch[]>
  /** Remembers that a run of Local Retro found them, as far as they are stored. Adding one again changes nothing. */
  addToRun(huntId: number, sampleId: number, found: readonly Pick<FoundMatch, 'rulesetId' | 'rule'>[]): Promise<void>
  /**
   * Deletes the lists of all runs but the last ones, with other queries in between. Resolves early once the signal is
   * given; the next call goes on.
   */
  deleteOfRuns(kept: number, signal?: AbortSignal): Promise<void>
  /** The same as `add` for what a cloud reports. Returns the sample of each match that is new, or new in this feed. */
  addFromCloud(feed: 'live' | 'retro', findings: readonly CloudFinding[]): Promise<number[]>
  /** Deletes what only the cloud's retro feed reported of a ruleset. Returns the sample of each deleted match. */
  clearRetro(rulesetId: number): Promise<number[]>
  /** Lets another row stand for the same sample. What `to` has already stays behind. */
  moveFromCloud(samples: { readonly from: number; readonly to: number }): Promise<void>
  /** Deletes a ruleset's matches of some rules, or all of them, with other queries in between. */
  deleteOfRules(rulesetId: number, rules: readonly string[] | 'all'): Promise<void>
  /** The samples that any of these rules matches. */
  samplesOfRules(rulesetId: number, rules: readonly string[]): Promise<number[]>

  /** The rulesets of this installation that have one of the names, with how many matches each has, fewest first. */
  countByName(
    names: readonly string[],
  ): Promise<{ readonly id: number; readonly name: string; readonly matches: number }[]>
  /** Without looking at them; of all rulesets with null. */
  count(rulesetIds: readonly number[] | null): Promise<number>
  /** Recorded in a time, its start included and its end not. */
  countRecorded(from: Micros, to: Micros): Promise<number>
  /** A ruleset's matches by the revision that they were first found with, and by rule. */
  countByRevision(
    rulesetId: number,
  ): Promise<{ readonly number: number; readonly rule: string; readonly count: number }[]>
  /** A ruleset's matches by rule. */
  countByRule(rulesetId: number): Promise<{ readonly rule: string; readonly count: number }[]>
  /** The ids of a ruleset's matches, newest first. `count` is how many it has. */
  listIds(
    rulesetId: number,
    part: { readonly offset: number; readonly limit: number; readonly count: number },
  ): Promise<number[]>
  /** The ids of the matches of the samples that match all the rulesets, newest first. Best with the rarest first. */
  listCommonIds(rulesetIds: readonly number[]): Promise<number[]>
  /** In the order of the ids; the ones that are gone are left out. */
  findByIds(ids: readonly number[]): Promise<MatchRow[]>
  /** By ruleset and rule, local before cloud. */
  findOfSample(sampleId: number): Promise<MatchRow[]>
  /**
   * Those recorded last first; of all rulesets where none is named. The page may be short or empty although more is left:
   * `next` tells, and goes on.
   */
  search(rulesetIds: readonly number[], conditions: MatchConditions, walk: MatchWalk): Promise<MatchesFound>
  /** The ids of what `search` finds. */
  searchIds(
    rulesetIds: readonly number[],
    conditions: MatchConditions,
    walk: MatchWalk,
  ): Promise<{ readonly ids: readonly number[]; readonly next: number | null }>
  /**
   * One group for each sample, or for each rule, of what `search` finds; the one with the newest match first. `next` as
   * there.
   */
  searchGroups(
    rulesetIds: readonly number[],
    conditions: MatchConditions,
    by: 'sample' | 'rule',
    walk: Omit<MatchWalk, 'oldestFirst'>,
  ): Promise<MatchGroupsFound>
  /**
   * These matches in another order; those without a value come last, the newest of equal ones first. Rules of one name
   * are ordered by their rulesets. In the orders of `searchInOrder`, equal ones are ordered as there.
   */
  sort(ids: readonly number[], by: MatchSortKey, descending: boolean): Promise<number[]>
  /**
   * What `search` finds, in the order of a value of the samples, then of the samples' ids, then of their own, all in the
   * same direction. Without a value, the newest first. The page may be short or empty although more is left, as there.
   */
  searchInOrder(rulesetIds: readonly number[], conditions: MatchConditions, order: MatchOrder): Promise<MatchesInOrder>
  /** The values in the order of a key, as texts are compared by their bytes; of all rulesets where none is named. */
  values(rulesetIds: readonly number[], asked: MatchValuesAsked): Promise<MatchValue[]>
  /** How many `search` finds, as far as they can be counted in a moment. */
  countFound(rulesetIds: readonly number[], conditions: MatchConditions): Promise<Counted>
}
