import type { ListedRevision, NewOrigin, RevisionDetails, RulesetState } from '../store/index.ts'
import type { Diagnostic, LeftOut } from '../yara/index.ts'

export interface SaveOutcome {
  readonly name: string
  /** False for an update. */
  readonly created: boolean
  /** The number of the revision that is current now. */
  readonly revision: number
  readonly cloudSynced: boolean
  /** Saved whatever it is; only a `valid` one can run. */
  readonly state: RulesetState
  readonly diagnostics: readonly Diagnostic[]
  /** What does not run of a valid one. */
  readonly leftOut: readonly LeftOut[]
  /** Of the engine that runs it, with its version; left out where it does not run, or no worker can say it now. */
  readonly engine?: string
}

/** A text to be saved. */
export interface NewText {
  readonly name: string
  readonly content: string
  /** Where some rules do not compile, the others run; otherwise none does. */
  readonly partial?: boolean
  /** The number of the revision that it was made of, 0 for none: it is refused when another is current by now. */
  readonly replaces?: number | undefined
  /** Where it was fetched from; left out for a text that somebody wrote or sent. */
  readonly origin?: NewOrigin
}

export interface RevisionEntry extends ListedRevision {
  /** The current matches that were first found with this revision, by rule; a rule that was changed since has none. */
  readonly matches: Readonly<Record<string, number>>
}

export type Revision = RevisionDetails
