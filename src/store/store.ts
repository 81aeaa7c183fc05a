import type { StoredAllowLists } from './allow-lists.ts'
import type { StoredAppliances } from './appliances.ts'
import type { StoredArrivals } from './arrivals.ts'
import type { StoredAudit } from './audit.ts'
import type { StoredBells } from './bells.ts'
import type { StoredClassifications } from './classifications.ts'
import type { StoredCloudFeeds } from './cloud-feeds.ts'
import type { StoredCloudRulesets } from './cloud-rulesets.ts'
import type { StoredCorpus } from './corpus.ts'
import type { StoredFeeds } from './feeds.ts'
import type { StoredHits } from './hits.ts'
import type { StoredHuntParts } from './hunt-parts.ts'
import type { StoredHunts } from './hunts.ts'
import type { StoredIntake } from './intake.ts'
import type { StoredJournal } from './journal.ts'
import type { StoredMatches } from './matches.ts'
import type { StoredMembers } from './members.ts'
import type { StoredNewNames } from './new-names.ts'
import type { StoredNodes } from './nodes.ts'
import type { StoredNotifications } from './notifications.ts'
import type { StoredOutbox } from './outbox.ts'
import type { StoredPrograms } from './programs.ts'
import type { StoredReanalyses } from './reanalyses.ts'
import type { StoredRetention } from './retention.ts'
import type { StoredRevisions } from './revisions.ts'
import type { StoredRuleSources } from './rule-sources.ts'
import type { StoredRuleSwitches } from './rule-switches.ts'
import type { StoredRulesetTags } from './ruleset-tags.ts'
import type { StoredRulesets } from './rulesets.ts'
import type { SampleSearch } from './sample-search.ts'
import type { StoredSamples } from './samples.ts'
import type { StoredScanFailures } from './scan-failures.ts'
import type { StoredSegments } from './segments.ts'
import type { StoredServers } from './servers.ts'
import type { StoredSessions } from './sessions.ts'
import type { StoredSettings } from './settings.ts'
import type { StoredSharedLog, StoredSharedTexts } from './shared-log.ts'
import type { StoredPublications, StoredSharedRulesets } from './shared-rulesets.ts'
import type { StoredTags } from './tags.ts'
import type { StoredTlsh } from './tlsh.ts'
import type { StoredTokens } from './tokens.ts'
import type { UnitName } from './units-of-work.ts'
import type { StoredUsers } from './users.ts'

/** What is kept in the database, by what it is about. */
export interface Repositories {
  readonly users: StoredUsers
  readonly tokens: StoredTokens
  readonly sessions: StoredSessions
  readonly rulesets: StoredRulesets
  readonly rulesetTags: StoredRulesetTags
  readonly revisions: StoredRevisions
  readonly ruleSwitches: StoredRuleSwitches
  readonly allowLists: StoredAllowLists
  readonly matches: StoredMatches
  readonly classifications: StoredClassifications
  readonly samples: StoredSamples
  readonly sampleSearch: SampleSearch
  readonly members: StoredMembers
  readonly tags: StoredTags
  readonly programs: StoredPrograms
  readonly tlsh: StoredTlsh
  readonly reanalyses: StoredReanalyses
  readonly newNames: StoredNewNames
  readonly audit: StoredAudit
  readonly scanFailures: StoredScanFailures
  readonly settings: StoredSettings
  readonly journal: StoredJournal
  readonly cloudRulesets: StoredCloudRulesets
  readonly outbox: StoredOutbox
  readonly cloudFeeds: StoredCloudFeeds
  readonly arrivals: StoredArrivals
  readonly hunts: StoredHunts
  readonly huntParts: StoredHuntParts
  readonly hits: StoredHits
  readonly corpus: StoredCorpus
  readonly feeds: StoredFeeds
  readonly segments: StoredSegments
  readonly intake: StoredIntake
  readonly ruleSources: StoredRuleSources
  readonly notifications: StoredNotifications
  readonly appliances: StoredAppliances
  readonly sharedLog: StoredSharedLog
  readonly sharedTexts: StoredSharedTexts
  readonly sharedRulesets: StoredSharedRulesets
  readonly publications: StoredPublications
  readonly retention: StoredRetention
  readonly nodes: StoredNodes
  readonly servers: StoredServers
  readonly bells: StoredBells
}

/** The repositories within a transaction: what is read and written through them is of one unit. */
export interface UnitOfWork extends Repositories {
  readonly unit: UnitName
}

/** The database as services see it. Each call of a repository is a transaction of its own. */
export interface Store extends Repositories {
  /**
   * Runs `work` as one transaction: all that it writes becomes true together when it ends, and nothing when it throws.
   * A database that others use too may take it back and run it again, so it changes nothing but what `tx` writes.
   * Inside it use `tx` alone: the store itself refuses, since it would wait for this very transaction for ever. Await
   * nothing that takes long, since all other queries may wait meanwhile.
   */
  transaction<T>(unit: UnitName, work: (tx: UnitOfWork) => Promise<T>): Promise<T>
  close(): Promise<void>
}
