import type { Generated } from 'kysely'
import type { Micros } from './clock.ts'
import type { HuntKind, HuntState } from './hunts.ts'

/** Hunts of all kinds, and what they found. */
export interface HuntTables {
  hunts: HuntsTable
  hunt_texts: HuntTextsTable
  hunt_rulesets: HuntRulesetsTable
  hunt_hits: HuntHitsTable
  retro_matches: RetroMatchesTable
}

/** What the last runs of Local Retro found. */
interface RetroMatchesTable {
  hunt_id: number
  match_id: number
}

export interface HuntsTable {
  id: Generated<number>
  kind: HuntKind
  state: HuntState
  started_by: number
  stopped_by: number | null
  created: Micros
  started: Micros | null
  stopped: Micros | null
  /** How many samples the hunt covers, and how many are decided. */
  samples: Generated<number>
  processed: Generated<number>
  candidates: Generated<number>
  scanned_bytes: Generated<number>
  /** Ad-hoc: rows of hunt_hits; Local Retro: match rows that are new; retro: entries of the feed. */
  matches: Generated<number>
  /** Samples above the size limit or given up after repeated failures. */
  skipped: Generated<number>
  /** Samples with an id above this came after the start. */
  last_sample_id: Generated<number>
  /** Every covered sample with an id up to this one is decided, and its matches are stored. */
  cursor: Generated<number>
  /** Grows whenever the hunt changes hands: what is written under another one changes nothing. */
  fence: Generated<number>
  /** Ad-hoc: what the user calls it, and whether the index is used. */
  title: string | null
  use_index: Generated<0 | 1>
  /** Ad-hoc: the hunt that it asks again; null where that is gone. */
  repeats: Generated<number | null>
  failure: string | null
  /** Retro: whose hunt it is, the latest of the ruleset; it is removed with it. */
  ruleset_id: number | null
  /** Retro: samples that were analysed before this are not covered. */
  analysed_since: Micros | null
}

/** The texts of an ad-hoc hunt, packed, and the part of the corpus, JSON. */
export interface HuntTextsTable {
  hunt_id: number
  texts: Uint8Array
  selection: string
}

/** The revisions that a Local Retro or a tenant's retro hunt took at its start. */
export interface HuntRulesetsTable {
  hunt_id: number
  ruleset_id: number
  revision_id: number
}

/** Ad-hoc results: one row per (sample, ruleset, rule); `strings` is JSON. */
export interface HuntHitsTable {
  id: Generated<number>
  hunt_id: number
  sample_id: number
  ruleset: string
  rule: string
  tags: string
  strings: string
  /** As in `MatchesTable`. */
  name: Generated<string | null>
}
