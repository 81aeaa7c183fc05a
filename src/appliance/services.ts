import type { Accounts } from '../accounts/index.ts'
import type { AuditLog } from '../audit/index.ts'
import type { Cloud } from '../cloud/index.ts'
import type { AdHocHunts, Explanation, HuntText, LocalRetro, Selection } from '../hunts/index.ts'
import type { Inspection } from '../inspection/index.ts'
import type { Intake, Reanalysis } from '../intake/index.ts'
import type { IndexUse, Jobs } from '../jobs/index.ts'
import type { Manager } from '../manager/index.ts'
import type { Matches } from '../matches/index.ts'
import type { Bell, Notifications } from '../notifications/index.ts'
import type { Publishing } from '../publishing/index.ts'
import type { Quotas } from '../quotas/index.ts'
import type { Retention } from '../retention/index.ts'
import type { RuleImports, RuleSources } from '../rule-sources/index.ts'
import type { AllowLists, CheckedBy, RuleSwitches, RulesetNotes, Rulesets } from '../rulesets/index.ts'
import type { Samples } from '../samples/index.ts'
import type { WorkerPool } from '../scanning/index.ts'
import type { Search } from '../search/index.ts'
import type { Segments } from '../segments/index.ts'
import type { JournalEntry, Room } from '../store/index.ts'
import type { Tenants } from '../tenants/index.ts'
import type { Tracing } from '../tracing/index.ts'
import type { Diagnostic } from '../yara/index.ts'
import type { ClusterStatus } from './cluster-status.ts'
import type { StoredCheck } from './stored-check.ts'

/** Everything of a Backtrail but its network side: the services over one data folder, and what runs in the background. */
export interface Appliance {
  readonly accounts: Accounts
  readonly audit: AuditLog
  readonly rulesets: Rulesets
  readonly ruleSwitches: RuleSwitches
  readonly allowLists: AllowLists
  readonly rulesetNotes: RulesetNotes
  readonly matches: Matches
  readonly samples: Samples
  readonly intake: Intake
  /** Matches stored samples again on request. */
  readonly reanalysis: Reanalysis
  readonly segments: Segments
  readonly localRetro: LocalRetro
  readonly adHocHunts: AdHocHunts
  readonly inspection: Inspection
  /** Talks to nobody before its `start`. */
  readonly cloud: Cloud
  /** Talks to nobody before its `start`. */
  readonly publishing: Publishing
  /** The log of the appliances that share rulesets through this server. */
  readonly manager: Manager
  /** Fetches nothing by itself before its `start`. */
  readonly ruleSources: RuleSources
  readonly ruleImports: RuleImports
  /** How much users may send. */
  readonly quotas: Quotas
  /** Deletes nothing by itself before its `start`. */
  readonly retention: Retention
  /** Sends nothing before its `start`. */
  readonly notifications: Notifications
  /** What is new for each user. */
  readonly bell: Bell
  /** One search over everything that analysts work with. */
  readonly search: Search
  readonly tenants: Tenants
  readonly pool: WorkerPool
  readonly tracing: Tracing
  /** Who does the heavy work, and which nodes there are. */
  readonly jobs: Pick<Jobs, 'nodes' | 'elsewhere'>
  readonly indexUse: IndexUse
  /** Kept aside for what makes room on a full disk. */
  readonly room: Room
  /** Whether what is stored is sound. */
  readonly stored: StoredCheck
  /** A secret that the servers of its cluster share while this one works; null for a data folder. */
  readonly term: string | null
  /** Rejects when others have got what this works on: it must end. */
  readonly lost: Promise<never>
  /** The machines of its cluster and what they do; null for a data folder. */
  cluster(): Promise<ClusterStatus | null>
  /** What operators should know, newest first. */
  journal(limit: number): Promise<readonly JournalEntry[]>
  /** What hunting with some texts would read, rule by rule. Fails with `rules.invalid`; rejects once it is aborted. */
  explain(
    texts: readonly HuntText[],
    signal: AbortSignal,
    how?: { readonly partial?: boolean; readonly group?: string; readonly selection?: Selection },
  ): Promise<Explanation>
  /** What there is to say about some texts, each compiled by itself; nothing is kept. Rejects once it is aborted. */
  validate(texts: readonly HuntText[], by?: CheckedBy): Promise<readonly ValidatedText[]>
  /**
   * Tells others who find the folder locked where to reach its owner, and the other servers of a cluster where this one is;
   * `certificate` (PEM) is what they know it by, empty without TLS.
   */
  announce(url: string, others?: { readonly url: string; readonly certificate: string }): Promise<void>
  /** The other servers of a cluster pass nothing on to this one any more when it resolves. */
  leave(): Promise<void>
  /** Lets what is under way come to a safe point, and frees the folder. What is unfinished goes on at the next opening. */
  close(): Promise<void>
}

export interface ValidatedText {
  readonly name: string
  readonly valid: boolean
  readonly diagnostics: readonly Diagnostic[]
  readonly engine?: string
}
