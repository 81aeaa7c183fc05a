import type { Micros } from './clock.ts'

/** Something that somebody did, or was refused. */
export interface AuditEntry {
  readonly id: number
  readonly time: Micros
  /** The user's name at that time; empty where nobody was known, as at a log-in that failed. */
  readonly user: string
  /** The operation's name in the API, such as `saveRuleset`. */
  readonly operation: string
  /** What it was about, as the request named it: rulesets, hashes, users … The first ones of many. */
  readonly subjects: readonly string[]
  /** How many things it was about. */
  readonly subjectCount: number
  /** Of the HTTP answer. */
  readonly status: number
  /** Of the client. */
  readonly address: string
}

export interface AuditFilter {
  readonly user?: string
  readonly operation?: string
  /** In one of the subjects, in any case. */
  readonly subject?: string
  /** Inclusive. */
  readonly from?: Micros
  /** Inclusive. */
  readonly to?: Micros
}

/** The audit log. */
export interface StoredAudit {
  add(entry: Omit<AuditEntry, 'id'>): Promise<void>
  /** Newest first; `before` is the id of the last one that was seen. */
  list(filter: AuditFilter, before: number | null, most: number): Promise<AuditEntry[]>
  /** Deletes entries from before that time, up to `most`. Returns how many. */
  deleteBefore(time: Micros, most: number): Promise<number>
}
