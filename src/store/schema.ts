/**
 * The tables as Kysely sees them. The SQL that makes them is in `sqlite/migrations/`; `sqlite/schema.sql` is the
 * committed result that a test compares with what the migrations make.
 *
 * Times are integers: microseconds since 1970-01-01 UTC, so that they sort, compare and print with the six digits that
 * the API shows. Hashes are BLOBs. Booleans are 0 and 1.
 */
import type { Generated } from 'kysely'
import type { BellTables } from './bell-tables.ts'
import type { Classification } from './classifications.ts'
import type { Micros } from './clock.ts'
import type { HuntTables } from './hunt-tables.ts'
import type { IntakeStage } from './intake.ts'
import type { NodeTables } from './node-tables.ts'
import type { NotificationTables } from './notification-tables.ts'
import type { ProgramTables } from './program-tables.ts'
import type { RuleSourceFilesTable, RuleSourcesTable } from './rule-source-tables.ts'
import type { RuleTables } from './rule-tables.ts'
import type { SharedTables } from './shared-tables.ts'
import type { Role } from './users.ts'

export type Flag = 0 | 1

export interface Schema
  extends BellTables,
    HuntTables,
    NodeTables,
    NotificationTables,
    ProgramTables,
    RuleTables,
    SharedTables {
  settings: SettingsTable
  users: UsersTable
  tokens: TokensTable
  sessions: SessionsTable
  identities: IdentitiesTable
  samples: SamplesTable
  intake_states: IntakeStatesTable
  intake_allowances: IntakeAllowancesTable
  sample_counts: SampleCountsTable
  sightings: SightingsTable
  new_names: NewNamesTable
  reanalyses: ReanalysesTable
  members: MembersTable
  tags: TagsTable
  rulesets: RulesetsTable
  revisions: RevisionsTable
  strikes: RulesetFailuresTable
  ruleset_counts: RulesetCountsTable
  matches: MatchesTable
  segments: SegmentsTable
  segment_readers: SegmentReadersTable
  cloud_rulesets: CloudRulesetsTable
  cloud_deliveries: CloudDeliveriesTable
  cloud_digests: CloudDigestsTable
  cloud_feeds: CloudFeedsTable
  feed_entries: FeedEntriesTable
  journal: JournalTable
  audit_entries: AuditEntriesTable
  rule_sources: RuleSourcesTable
  rule_source_files: RuleSourceFilesTable
}

/** Small facts of the installation: the generation of the enabled set, the schema's creation, … */
export interface SettingsTable {
  key: string
  value: string
}

export interface UsersTable {
  id: Generated<number>
  name: string
  /** A PHC string: algorithm, parameters, salt and hash. */
  password_hash: string
  role: Role
  /** Of a tenant: its appliances may add samples to the collection. */
  contributes: Generated<Flag>
  created: Micros
  /** When the user was removed. The row stays for those that name it; only rows with null here can log in. */
  removed: Micros | null
  /** When the user was disabled: its credentials are refused until this is null again. */
  disabled: Generated<Micros | null>
  /** When name and password, or the word of an identity provider, were accepted last. */
  last_log_in: Generated<Micros | null>
}

export interface TokensTable {
  id: Generated<number>
  user_id: number
  /** SHA-256 of the token; the token itself is shown once and not kept. */
  hash: Uint8Array
  label: string
  created: Micros
  last_used: Micros | null
  /** It is refused from then on. */
  expires: Generated<Micros | null>
  /** A JSON array of operations; null: whatever its user may do. */
  scope: Generated<string | null>
  creator_id: Generated<number | null>
}

/** Log-ins of the web application. */
export interface SessionsTable {
  id: Generated<number>
  user_id: number
  /** SHA-256 of the secret in the browser's cookie. */
  hash: Uint8Array
  created: Micros
  last_used: Micros
  /** Of the identity provider, empty where it has not said which; null for a session that was opened with a password. */
  provider_session: Generated<string | null>
}

export interface IdentitiesTable {
  issuer: string
  subject: string
  user_id: number
}

/**
 * `stored` 1: the content is in the blob store. `stored` 0: known from the cloud only (sha256 null, no content).
 * `state`: `queued` until the pipeline has matched it, then `processed`.
 */
export interface SamplesTable {
  id: Generated<number>
  sha256: Uint8Array | null
  sha1: Uint8Array
  md5: Uint8Array | null
  sha512: Uint8Array | null
  size: number
  stored: Flag
  state: 'queued' | 'processed'
  /** In the specification's vocabulary: `PE/Exe`. */
  file_type: string
  /** What libmagic says, for people. */
  type_description: string
  name: string
  first_seen: Micros
  last_seen: Micros
  processed_at: Micros | null
  extracted_file_count: number
  /** In force: the user's, else the one from rules, else unknown. */
  classification: Classification
  risk_score: number | null
  threat_name: string | null
  /** `user`, `rules` or null. */
  classification_origin: string | null
  user_classification: Classification | null
  user_risk_score: number | null
  user_threat_name: string | null
  /** Why archives were unpacked in part or not at all, or why a scan was given up; null when all went well. */
  note: string | null
  /** The live segment that holds this sample's signature; null while it is not indexed. */
  segment_id: number | null
}

/** Of queued samples that there is something to be remembered of: see `intake.ts`. */
export interface IntakeStatesTable {
  sample_id: number
  stage: IntakeStage
  depth: number
  password: string | null
  archive_id: number | null
  root_id: number | null
  generation: number | null
  place: string | null
  charged_members: Generated<number>
  charged_bytes: Generated<number>
}

/** What may still come out of a sample that was sent. */
export interface IntakeAllowancesTable {
  root_id: number
  members: number
  bytes: number
}

/** Kept by triggers: samples and their bytes, so that nobody has to count them. */
export interface SampleCountsTable {
  classification: Classification
  state: 'queued' | 'processed'
  samples: number
  bytes: number
}

export interface SightingsTable {
  id: Generated<number>
  sample_id: number
  name: string
  user_id: number | null
  source: 'upload' | 'ingest' | 'member'
  comment: string | null
  seen: Micros
  /** The folder that the file lay in, and the file's owner; null where nobody said. */
  folder: Generated<string | null>
  owner: Generated<string | null>
}

/** Samples that were seen under a new name and are still to be matched with the rules that ask for names. */
export interface NewNamesTable {
  sample_id: number
}

/** Samples that somebody wants to have matched again with what is enabled. */
export interface ReanalysesTable {
  sample_id: number
  requested: Micros
}

export interface MembersTable {
  parent_id: number
  child_id: number
  path: string
}

export interface TagsTable {
  sample_id: number
  tag: string
}

/**
 * `state` is what the ruleset is by itself; the API's status comes from it and from `enabled`:
 * `valid`, `invalid` (does not compile) or `error` (compiles, but cannot run: the reason says why).
 */
export interface RulesetsTable {
  id: Generated<number>
  name: string
  owner_id: number
  /** Whose it is where this is a cloud; null for the appliance's own. Names are unique within each. */
  tenant_id: Generated<number | null>
  /** SHA-1 of a tenant's text. */
  digest: Generated<Uint8Array | null>
  core: Flag
  enabled: Flag
  state: 'valid' | 'invalid' | 'error'
  reason: string | null
  revision_id: number | null
  cloud_synced: Flag
  /** Set by the connection to a cloud: its validation is open, its hunt runs, or its hunt stopped at the match limit. */
  cloud_state: 'validating' | 'hunting' | 'capped' | null
  created: Micros
  modified: Micros
  last_matched: Micros | null
  /** What users write down about it. */
  notes: Generated<string>
  /** When it is disabled by itself, or was. */
  expires: Generated<Micros | null>
}

export interface AuditEntriesTable {
  id: Generated<number>
  time: Micros
  user: string
  operation: string
  /** JSON: string[]. */
  subjects: string
  subject_count: number
  status: number
  address: string
}

/**
 * `rules` is JSON: RuleSummary[], empty for a text that does not compile. `plan` is the serialised Plan, null
 * for such a text. `diagnostics` is JSON: Diagnostic[] of src/yara.
 */
export interface RevisionsTable {
  id: Generated<number>
  ruleset_id: number
  number: number
  content: string
  /** SHA-256; null for a text that was saved before digests were kept. */
  text_digest: Generated<Uint8Array | null>
  author_id: number
  created: Micros
  valid: Flag
  diagnostics: string
  rules: string
  plan: string | null
  /** What does not run although the rest does: JSON, LeftOut[] of src/yara; null where everything runs. */
  left_out: Generated<string | null>
  /** Where the text came from: the source while there is one, the file in it, and JSON for people (RevisionOrigin). */
  source_id: Generated<number | null>
  source_path: Generated<string | null>
  origin: Generated<string | null>
}

/** The samples on which a ruleset's current text could not be run to its end. */
export interface RulesetFailuresTable {
  ruleset_id: number
  sample_id: number
}

/** Kept by triggers: match rows of a ruleset by the classification of their sample. */
export interface RulesetCountsTable {
  ruleset_id: number
  classification: Classification
  matches: number
}

export interface MatchesTable {
  id: Generated<number>
  ruleset_id: number
  sample_id: number
  rule: string
  cloud: Flag
  /** The cloud's feeds that told of it: 1 live, 2 retro, 3 both; 0 for a local match. */
  feeds: Generated<number>
  revision_id: number | null
  created: Micros
  /** The file name that the rule held for; null where the rules ask for none. */
  name: Generated<string | null>
}

/**
 * Segments, from before their files are written until after they are removed. The live ones cover each indexed sample
 * once. Sample ids of a segment lie in [first_id, last_id].
 */
export interface SegmentsTable {
  id: Generated<number>
  file: string
  /** The process that writes it, or wrote it; '' where that is not known. */
  process: Generated<string>
  /** All 0 while it is staged. */
  first_id: Generated<number>
  last_id: Generated<number>
  samples: Generated<number>
  bytes: Generated<number>
  state: 'staged' | 'live' | 'damaged' | 'retired'
  /** The first generation that it is not live in; null for a staged or a live one. */
  died: number | null
  created: Micros
  /** When it came into its state. */
  changed: Micros
}

/** Processes that read segments, and write them. */
export interface SegmentReadersTable {
  process: string
  /** The earliest one that it reads, or is going to read. */
  generation: number
  /** Grows with each sign of life. */
  beat: Generated<number>
}

/**
 * What a cloud has of a ruleset, as far as this side knows. `absent`: nothing, or nothing yet; `validating`: the text,
 * and finds out whether it can run; `stored`: it runs; `refused`: the cloud does not run it, and `reason` says why;
 * `unfit`: it was not sent, being larger than clouds take. `wanted` 0: it was there, and is no longer to be.
 */
export interface CloudRulesetsTable {
  ruleset_id: number
  wanted: Flag
  state: 'absent' | 'validating' | 'stored' | 'refused' | 'unfit'
  reason: string | null
  /** The revision whose text it has; null for none. */
  revision_id: number | null
  retro_state: Generated<'IDLE' | 'VALIDATING' | 'ERROR' | 'READY' | 'RUNNING' | 'COMPLETE' | 'CANCELLED' | 'CLEARED'>
  retro_started: Micros | null
  retro_finished: Micros | null
  retro_estimated: Micros | null
  /** 0 to 1. */
  retro_progress: number | null
  retro_reason: string | null
  /** The hunt stopped at the match limit. */
  retro_capped: Generated<Flag>
  /** Seconds by the cloud's clock: entries of the retro feed up to this one were cleared. */
  cleared_until: Generated<number>
}

/** What the cloud has to be told of a name: to have this revision's text, or, with null, to have none. */
export interface CloudDeliveriesTable {
  id: Generated<number>
  name: string
  /** Null when the ruleset is gone here. */
  ruleset_id: number | null
  revision_id: number | null
  created: Micros
  attempts: Generated<number>
  due: Micros
  /** Why the last attempt did not succeed. */
  problem: string | null
}

/** Which revision the cloud means by the `ruleset_sha1` of its feeds. */
export interface CloudDigestsTable {
  ruleset_id: number
  digest: string
  revision_id: number
}

/** How far a feed of the cloud was read. `position` and `earliest` are seconds by the cloud's clock. */
export interface CloudFeedsTable {
  feed: 'live' | 'retro'
  position: number
  /** Nothing before it is asked for. */
  earliest: number
  /** Grows whenever somebody moves the position. */
  moved: Generated<number>
  /** When it was last read to its end; null when it never was. */
  caught_up: Micros | null
}

/** What tenants' rulesets match: one row for each sample and ruleset and feed. */
export interface FeedEntriesTable {
  id: Generated<number>
  tenant_id: number
  feed: 'live' | 'retro'
  /** Unix seconds; never smaller than that of a row which was committed before. */
  second: number
  ruleset_id: number
  sample_id: number
  /** JSON: FeedRule[] of src/tca. */
  rules: string
}

/** What operators and owners should be told: a rule that was stopped, a sample given up, a segment rebuilt. */
export interface JournalTable {
  id: Generated<number>
  created: Micros
  kind: string
  ruleset_id: number | null
  sample_id: number | null
  message: string
}
