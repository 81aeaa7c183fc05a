/**
 * Where a command does its work: on the data folder here, or through a running server. Commands ask for what they need
 * in these terms and do not know which of the two it is.
 */
import type { Role, WorkingRole } from '../accounts/index.ts'
import type { StoredPhase, StoredReport } from '../appliance/index.ts'
import type { ReadingBound } from '../hunts/index.ts'
import type { RetentionRule } from '../retention/index.ts'
import type { IndexStatistics } from '../segments/index.ts'
import type { Diagnostic, LeftOut } from '../yara/index.ts'
import type { Found } from './walk.ts'

export interface Backend {
  /** The folder that must not be taken in itself; null where the data is elsewhere. */
  readonly dataFolder: string | null
  /** How many files are best under way at once. */
  readonly ingestsAtOnce: number

  /**
   * Resolves when the sample is safely stored. Rejects with UnreadableFile, or with the Failure that the other side
   * answered.
   */
  ingest(file: FoundFile, signal: AbortSignal): Promise<Ingested>

  /** Saves a ruleset, whether it compiles or not. */
  saveRuleset(text: RuleText, how: { readonly isCore: boolean; readonly partial: boolean }): Promise<Saved>

  /**
   * News of an ad-hoc hunt, as they come; ends with the hunt. An abort cancels the hunt. Nothing is left of it.
   * Fails with `rules.invalid`, and the diagnostics as `NamedDiagnostic[]` in the detail; with `hunt.reads-too-much`.
   */
  hunt(texts: readonly RuleText[], how: HuntHow, signal: AbortSignal): AsyncIterable<HuntNews>

  /** What each rule demands of the index, and what hunting with it would cost. Fails as `hunt` does. */
  explain(
    texts: readonly RuleText[],
    partial: boolean,
  ): Promise<{ readonly rules: readonly ExplainedRule[]; readonly leftOut: readonly NamedLeftOut[] }>

  /**
   * Verifies the database, all contents and the index. `each`: compares every so many-th signature; `quick`: reads neither
   * contents nor signatures.
   */
  check(
    each: number | 'quick',
    signal: AbortSignal,
    onProgress: (phase: StoredPhase, done: number, total: number) => void,
  ): Promise<StoredReport>

  readonly users: Users
  readonly sources: Sources
  readonly index: IndexMaintenance
  readonly retention: RetentionPlace
  close(): Promise<void>
}

/** A file to take in. */
export type FoundFile = Extract<Found, { kind: 'file' }>

/** How a hunt reads, and whether rules that do not compile may be left out of it. */
export interface HuntHow {
  readonly useIndex: boolean
  readonly partial: boolean
  readonly bound?: ReadingBound
}

/** A YARA text and the name of the ruleset that it is, or would be. */
export interface RuleText {
  readonly name: string
  readonly content: string
}

export interface NamedDiagnostic extends Omit<Diagnostic, 'span'> {
  /** The name of the text. */
  readonly text: string
}

/** What does not run of a text although the rest does. */
export interface NamedLeftOut extends Omit<LeftOut, 'from' | 'to'> {
  /** The name of the text. */
  readonly text: string
}

export interface Ingested {
  /** Lower-case hexadecimal. */
  readonly sha256: string
  readonly size: number
  /** Whether the content was there before. */
  readonly known: boolean
  /** Resolves when the sample is identified and matched. */
  readonly processed: Promise<void>
}

export interface Saved {
  readonly created: boolean
  readonly revision: number
  readonly runs: boolean
  readonly diagnostics: readonly Omit<Diagnostic, 'span'>[]
  readonly leftOut: readonly Omit<NamedLeftOut, 'text'>[]
}

export interface HuntNews {
  readonly hits: readonly HuntHit[]
  readonly samples: number
  readonly processed: number
  readonly candidates: number
  readonly scannedBytes: number
  /** Samples that were not scanned, because they are too large or cannot be read. */
  readonly skipped: number
  /** Which text had to be stopped on a sample and may miss matches; null when all went well. */
  readonly failure: string | null
  readonly leftOut: readonly NamedLeftOut[]
}

export interface HuntHit {
  readonly ruleset: string
  readonly rule: string
  readonly sha256: string
  readonly filename: string
  readonly tags: readonly string[]
}

export interface ExplainedRule {
  readonly ruleset: string
  readonly rule: string
  /** As indented text. */
  readonly plan: string
  /** Strings that cannot use the index, with the reason. */
  readonly unindexable: readonly { readonly identifier: string; readonly why: string }[]
  readonly advice: readonly string[]
  /** Where in the text the rule lets through what it reads. */
  readonly weakest: { readonly line: number; readonly column: number; readonly term: string }
  /** What a hunt would read of the stored samples, and what there is. */
  readonly expected: { readonly samples: number; readonly bytes: number }
  readonly corpus: { readonly samples: number; readonly bytes: number }
}

export interface Users {
  list(): Promise<readonly NamedUser[]>
  add(user: {
    readonly name: string
    readonly password: string
    readonly role: Role
    readonly contributes: boolean
  }): Promise<void>
  /** A server asks for the `current` one where it is one's own. */
  setPassword(name: string, password: string, current?: string): Promise<void>
  setDisabled(name: string, disabled: boolean): Promise<void>
  setRole(name: string, role: WorkingRole): Promise<void>
  remove(name: string): Promise<void>
  tokens(name: string): Promise<readonly NamedToken[]>
  /** `expires`: when it ends, in microseconds; never when missing. `scope`: the operations that it is for, else all. */
  createToken(
    name: string,
    token: { readonly label: string; readonly expires?: number; readonly scope?: readonly string[] },
  ): Promise<string>
  revokeToken(name: string, id: number): Promise<void>
  quota(name: string): Promise<NamedQuota>
  /** Null: the one of everybody. */
  setQuota(name: string, quota: NamedLimits | null): Promise<void>
}

/** Null: no limit. */
export interface NamedLimits {
  readonly day_samples: number | null
  readonly day_bytes: number | null
  readonly total_samples: number | null
  readonly total_bytes: number | null
}

export interface NamedQuota extends NamedLimits {
  readonly used: Readonly<Record<keyof NamedLimits, number>>
}

/** Repositories and archives that rulesets come from. */
export interface Sources {
  list(): Promise<readonly NamedSource[]>
  add(source: {
    readonly url: string
    /** '': made from the address. */
    readonly name: string
    readonly branch: string
    /** '' for none. */
    readonly token: string
    readonly mode: NamedSource['mode']
    /** A ruleset whose file is gone is deleted, instead of disabled. */
    readonly deletes: boolean
  }): Promise<NamedSource>
  preview(id: number): Promise<SourcePreview>
  /** Fails with `source.…` where it cannot be fetched. */
  synchronize(id: number, overwrite: boolean): Promise<SyncResult>
  remove(id: number, withRulesets: boolean): Promise<void>
}

export interface NamedSource {
  readonly id: number
  readonly name: string
  readonly owner: string
  readonly kind: 'git' | 'archive'
  readonly url: string
  readonly branch: string
  readonly mode: 'manual' | 'update' | 'import'
  readonly state: 'new' | 'waiting' | 'working' | 'synced' | 'failed'
  readonly version: string | null
  /** ISO 8601; null for never. */
  readonly synced: string | null
  readonly problem: string | null
}

/** What a synchronization would do. */
export interface SourcePreview {
  readonly version: string
  readonly corpus: { readonly samples: number; readonly bytes: number } | null
  readonly files: readonly {
    readonly path: string
    readonly ruleset: string
    readonly step: string
    readonly runs: boolean | null
    readonly problems: readonly string[]
    readonly expected: { readonly samples: number; readonly bytes: number } | null
    readonly broadRules: readonly string[]
  }[]
  readonly unreadable: readonly { readonly path: string; readonly message: string }[]
}

/** What a synchronization has done. */
export interface SyncResult {
  readonly version: string
  readonly created: number
  readonly updated: number
  readonly removed: number
  readonly unchanged: number
  readonly detached: number
  readonly problems: readonly string[]
}

export interface NamedUser {
  readonly name: string
  readonly role: Role
  /** Of a tenant: its appliances may add samples to the collection. */
  readonly contributes: boolean
  /** ISO 8601. */
  readonly created: string
  readonly disabled: boolean
  /** Of any of its credentials; null for never. */
  readonly lastUsed: string | null
}

export interface NamedToken {
  readonly id: number
  readonly label: string
  /** ISO 8601; `lastUsed` null for a token that never was. */
  readonly created: string
  readonly lastUsed: string | null
  readonly expires: string | null
  /** Null: whatever its user may do. */
  readonly scope: readonly string[] | null
  readonly creator: string | null
}

/** Which samples are deleted by themselves. */
export interface RetentionPlace {
  policy(): Promise<NamedPolicy>
  /** What is left out stays as it is. */
  change(change: Partial<NamedPolicy>): Promise<void>
  preview(): Promise<NamedRetentionCounts & { readonly complete: boolean; readonly examples: readonly NamedSample[] }>
  /** Resolves when the run has ended. Fails with `retention.off`. */
  run(signal: AbortSignal): Promise<NamedRetentionCounts & { readonly problem: string | null }>
}

export interface NamedPolicy {
  readonly enabled: boolean
  readonly rules: readonly RetentionRule[]
  readonly max_bytes: number | null
  readonly keep: string
  readonly keep_matched: boolean
}

export interface NamedRetentionCounts {
  readonly samples: number
  readonly bytes: number
  readonly kept: { readonly matched: number; readonly chosen: number; readonly busy: number }
}

export interface NamedSample {
  readonly sha256: string | null
  readonly name: string
  readonly size: number
  /** ISO 8601. */
  readonly last_seen: string
}

export interface IndexMaintenance {
  /** Indexes what is not indexed yet. What was done stays done when it is aborted. */
  build(signal: AbortSignal, onProgress: (done: number, total: number) => void): Promise<IndexBuilt>
  /** Verifies all checksums, and the signature of every `each`-th sample. */
  check(each: number, signal: AbortSignal, onProgress: (done: number, total: number) => void): Promise<IndexChecked>
  stats(): Promise<IndexStatistics>
}

export interface IndexBuilt {
  readonly indexed: number
  /** Samples whose content could not be read. */
  readonly failed: number
}

export interface IndexChecked {
  readonly segments: number
  readonly samples: number
  /** In words. */
  readonly problems: readonly { readonly segment: number; readonly message: string }[]
}
