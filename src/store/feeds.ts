import type { FeedKind, FeedRule } from '../tca/index.ts'
import type { Micros } from './clock.ts'

/** What a tenant's ruleset matches in one sample. */
export interface NewFeedEntry {
  readonly tenantId: number
  readonly rulesetId: number
  readonly rules: readonly FeedRule[]
}

/** A sample that one ruleset matches. */
export interface FeedEntry {
  /** When it was found, in Unix seconds. */
  readonly second: number
  readonly ruleset: string
  /** Of the ruleset's text. Hashes are lower-case hexadecimal digits. */
  readonly digest: string
  readonly sha1: string
  readonly sha256: string
  readonly fileType: string
  readonly fileSize: number
  readonly firstSeen: Micros
  readonly rules: readonly FeedRule[]
}

/** Entries of one tenant's feed from a second to another, both included. */
export interface FeedRange {
  readonly tenantId: number
  readonly feed: FeedKind
  readonly from: number
  readonly to: number
}

/** What the rulesets of tenants match: one entry for each sample and ruleset and feed, by seconds that never go back. */
export interface StoredFeeds {
  /**
   * Adding one again changes nothing; with rules that it did not have it gets those, and the later second. Returns how many are
   * new.
   */
  add(
    found: { readonly feed: FeedKind; readonly second: number; readonly sampleId: number },
    entries: readonly NewFeedEntry[],
  ): Promise<number>
  /** In the order in which they came. */
  list(range: FeedRange): Promise<FeedEntry[]>
  /** The second of the nth entry of a range, from 1; null where there are fewer. */
  secondOfNth(range: FeedRange, n: number): Promise<number | null>
  isEmpty(range: FeedRange): Promise<boolean>
  /** The second of a ruleset's latest entry; null for none. */
  lastSecond(rulesetId: number, feed: FeedKind): Promise<number | null>
  /** Deletes up to `most` entries of a ruleset. Returns whether there were any. */
  deleteSome(rulesetId: number, most: number): Promise<boolean>
  /** The same for the ones before a second, whoever's they are. */
  deleteSomeBefore(second: number, most: number): Promise<boolean>
  /** Everything in one feed of a ruleset. */
  deleteOfRuleset(rulesetId: number, feed: FeedKind): Promise<void>
}
