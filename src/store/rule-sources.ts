import type { Micros } from './clock.ts'
import type { Role } from './users.ts'

/** What of a source is done by itself: nothing, its rulesets are kept up to date, and new files become rulesets. */
export type SourceUpdates = 'none' | 'known' | 'all'

/** A repository or an archive that rulesets are fetched from. */
export interface StoredRuleSource {
  readonly id: number
  readonly name: string
  readonly owner: { readonly id: number; readonly name: string; readonly role: Role }
  readonly kind: 'git' | 'archive'
  readonly url: string
  /** '' for the default branch. */
  readonly branch: string
  /** '' for none. */
  readonly token: string
  readonly updates: SourceUpdates
  /** A ruleset whose file is gone is deleted, instead of disabled. */
  readonly deletes: boolean
  readonly created: Micros
  readonly modified: Micros
  /** The commit or digest that its rulesets are of; null before the first synchronization, and while one is incomplete. */
  readonly version: string | null
  readonly synced: Micros | null
  /** What was asked for and has not ended well yet. */
  readonly wanted: 'import' | 'overwrite' | null
  /** When it is next fetched; null: when somebody asks. */
  readonly due: Micros | null
  readonly failures: number
  readonly problem: string | null
}

/** What may be changed of a source; what is left out stays. */
export type SourceChange = Partial<Omit<StoredRuleSource, 'id' | 'owner' | 'created'>>

export interface StoredSourceFile {
  readonly path: string
  /** `offered`: no ruleset was made of it yet; `gone`: it is not in the source any more, but was. */
  readonly state: 'offered' | 'imported' | 'gone'
  /** SHA-256 of the text that the ruleset got, in hexadecimal digits; null where it got none. */
  readonly digest: string | null
  /** The ruleset was disabled because the file is gone. */
  readonly disabled: boolean
  /** Why its text is not the ruleset's. */
  readonly problem: string | null
}

/** A ruleset that some revision of came from a file of a source. */
export interface RulesetOfSource {
  readonly path: string
  readonly name: string
  /** The number of the current revision, and whether that came from the file too. */
  readonly revision: number
  readonly isCurrent: boolean
  /** SHA-256 of the current text, in hexadecimal digits; null for one that was saved before digests were kept. */
  readonly digest: string | null
  readonly enabled: boolean
  readonly state: 'valid' | 'invalid' | 'error'
  readonly reason: string | null
}

/** Where rulesets are fetched from, and what of it is known. */
export interface StoredRuleSources {
  find(id: number): Promise<StoredRuleSource | null>
  findByName(name: string): Promise<StoredRuleSource | null>
  /** By id, at most 10,000. */
  list(): Promise<StoredRuleSource[]>
  /** Returns the id. */
  add(
    source: Pick<StoredRuleSource, 'name' | 'kind' | 'url' | 'branch' | 'token' | 'updates' | 'deletes'> &
      Pick<StoredRuleSource, 'created' | 'wanted' | 'due'> & { readonly ownerId: number },
  ): Promise<number>
  change(id: number, change: SourceChange): Promise<void>
  /** With its files; revisions stay, and name it no more. */
  delete(id: number): Promise<void>
  /** All sources of one user become another one's. */
  changeOwner(from: number, to: number): Promise<void>
  /** Sets when sources that keep themselves up to date are next fetched; those that failed only with `failed`. */
  reschedule(due: Micros | null, how: { readonly failed: boolean }): Promise<void>
  /** Whose time has come, the longest due first. */
  findDue(at: Micros): Promise<number[]>
  /** The earliest time at which another source is due than these. */
  nextDue(but: readonly number[]): Promise<Micros | null>
  /** By path. */
  files(id: number): Promise<StoredSourceFile[]>
  putFiles(id: number, files: readonly StoredSourceFile[]): Promise<void>
  deleteFiles(id: number, paths: readonly string[]): Promise<void>
  /** By path; the latest where several came from one file. */
  rulesetsOf(id: number): Promise<RulesetOfSource[]>
  /** Of all rulesets of the appliance. */
  rulesetNames(): Promise<string[]>
}
