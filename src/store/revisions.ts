import type { Diagnostic, LeftOut } from '../yara/index.ts'
import type { Micros } from './clock.ts'
import type { RuleSummary } from './rule-summary.ts'

/** What a text is, and what was found out about it. */
interface RevisionText {
  readonly content: string
  readonly valid: boolean
  readonly diagnostics: readonly Diagnostic[]
  /** What does not run although the rest does. */
  readonly leftOut: readonly LeftOut[]
  /** Those that run; empty for a text that does not compile. */
  readonly rules: readonly RuleSummary[]
}

/** A file of a rule source, as of one version of that. */
export interface RevisionOrigin {
  /** The name that the source had then, and its address. */
  readonly source: string
  readonly url: string
  /** From the root of the source. */
  readonly path: string
  /** A commit, or `sha256:` and the digest of an archive. */
  readonly version: string
}

export interface NewOrigin extends RevisionOrigin {
  readonly sourceId: number
}

export interface NewRevision extends RevisionText {
  readonly rulesetId: number
  /** From 1. */
  readonly number: number
  readonly authorId: number
  readonly created: Micros
  /** SHA-256 of the text in UTF-16, for a ruleset's own text; a tenant's text never changes. */
  readonly digest?: Uint8Array
  /** As text; null for a text that does not compile. */
  readonly plan: string | null
  /** Left out for a text that somebody wrote or sent. */
  readonly origin?: NewOrigin | undefined
}

export interface ListedRevision {
  readonly number: number
  readonly author: string
  readonly created: Micros
  readonly valid: boolean
  /** Where it was fetched from; null for a text that somebody wrote or sent. */
  readonly origin: RevisionOrigin | null
}

export interface RevisionDetails extends ListedRevision, RevisionText {}

/** A text that compiles, as it is to be run. */
export interface RunnableRevision {
  readonly id: number
  /** Of its ruleset. */
  readonly name: string
  readonly isTenants: boolean
  readonly content: string
  readonly leftOut: readonly LeftOut[]
  readonly plan: string | null
}

/** The current text of a ruleset, without the text. */
export interface CurrentRevision {
  readonly id: number
  readonly rulesetId: number
  /** Of the ruleset. */
  readonly name: string
  /** How long the text is, in UTF-8. */
  readonly bytes: number
}

/** The texts of rulesets, each as it was saved, with the rules in it. */
export interface StoredRevisions {
  /** Returns the id. */
  add(revision: NewRevision): Promise<number>
  /** Of a ruleset, newest first. */
  list(rulesetId: number, most: number): Promise<ListedRevision[]>
  find(rulesetId: number, number: number): Promise<RevisionDetails | null>
  /** Of the rulesets of this installation itself, tenants' left out, by the ids of rulesets, behind one of them. */
  listCurrent(afterRuleset: number, limit: number): Promise<CurrentRevision[]>
  /** The texts of revisions with the names of their rules, in no particular order; those that are gone are missing. */
  textsOf(
    ids: readonly number[],
  ): Promise<{ readonly id: number; readonly content: string; readonly rules: readonly string[] }[]>
  contentOf(id: number): Promise<string | null>
  /** The id of the newest text of a ruleset that compiles; null for none. */
  findNewestValid(name: string): Promise<number | null>
  /** The valid ones among these, in no particular order. */
  findRunnable(ids: readonly number[]): Promise<RunnableRevision[]>
  /** The ids of the newest valid revision of each ruleset, where its plan does not begin with this. */
  listPlannedOtherwise(header: string): Promise<number[]>
  /** Null: the rules stay as they are. */
  setPlan(id: number, plan: string, rules: readonly RuleSummary[] | null): Promise<void>

  /** By revision; those that are gone are missing. */
  rulesOf(ids: readonly number[]): Promise<ReadonlyMap<number, readonly RuleSummary[]>>
  /** Of the ruleset's last revision that compiled; empty where none did. */
  rulesOfLastValid(rulesetId: number): Promise<readonly RuleSummary[]>
  /** The rules of each revision, beside the ones of its ruleset's last revision that compiled. */
  rulesThenAndNow(ids: readonly number[]): Promise<
    {
      readonly id: number
      readonly rules: readonly RuleSummary[]
      readonly currentRules: readonly RuleSummary[]
    }[]
  >
  /** The enabled rulesets of this installation itself that the revisions are of; `current`: the ruleset's revision now. */
  findEnabled(
    ids: readonly number[],
  ): Promise<{ readonly id: number; readonly rulesetId: number; readonly current: number | null }[]>
}
