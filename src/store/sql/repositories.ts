import type { Repositories, Store } from '../store.ts'
import { UnitGuard } from '../unit-guard.ts'
import type { UnitName } from '../units-of-work.ts'
import { sqlAllowLists } from './allow-lists.ts'
import { sqlAppliances } from './appliances.ts'
import { sqlArrivals } from './arrivals.ts'
import { sqlAudit } from './audit.ts'
import { sqlBells } from './bells.ts'
import { sqlClassifications } from './classifications.ts'
import { sqlCloudFeeds } from './cloud-feeds.ts'
import { sqlCloudRulesets } from './cloud-rulesets.ts'
import { sqlCorpus } from './corpus.ts'
import type { Database, Transaction } from './database.ts'
import type { Engine } from './engine.ts'
import { sqlFeeds } from './feeds.ts'
import { sqlHits } from './hits.ts'
import { sqlHuntParts } from './hunt-parts.ts'
import { sqlHunts } from './hunts.ts'
import { sqlIntake } from './intake.ts'
import { sqlJournal } from './journal.ts'
import { sqlMatches } from './matches.ts'
import { sqlMembers } from './members.ts'
import { sqlNewNames } from './new-names.ts'
import { sqlNodes } from './nodes.ts'
import { sqlNotifications } from './notifications.ts'
import { sqlOutbox } from './outbox.ts'
import { sqlPrograms } from './programs.ts'
import { sqlReanalyses } from './reanalyses.ts'
import { sqlRetention } from './retention.ts'
import { sqlRevisions } from './revisions.ts'
import { sqlRuleSources } from './rule-sources.ts'
import { sqlRuleSwitches } from './rule-switches.ts'
import { sqlRulesetTags } from './ruleset-tags.ts'
import { sqlRulesets } from './rulesets.ts'
import { sqlSampleSearch } from './sample-search.ts'
import { sqlSamples } from './samples.ts'
import { sqlScanFailures } from './scan-failures.ts'
import { sqlSegments } from './segments.ts'
import { sqlServers } from './servers.ts'
import { sqlSessions } from './sessions.ts'
import { sqlSettings } from './settings.ts'
import { sqlSharedLog, sqlSharedTexts } from './shared-log.ts'
import { sqlPublications, sqlSharedRulesets } from './shared-rulesets.ts'
import { sqlTags } from './tags.ts'
import { sqlTlsh } from './tlsh.ts'
import { sqlTokens } from './tokens.ts'
import { sqlUsers } from './users.ts'

/** Runs `work` as one transaction, with the isolation that the unit declares. */
export type RunUnit = <T>(unit: UnitName, work: (trx: Transaction) => Promise<T>) => Promise<T>

/** The store over an open database. */
export function storeOver(database: Database, engine: Engine, run: RunUnit): Store {
  const guard = new UnitGuard()
  return {
    ...guard.guard(repositoriesOf(database, engine)),
    async transaction(unit, work) {
      guard.demandNoUnit(`transaction "${unit}"`)
      return run(unit, (trx) => guard.run(unit, () => work({ ...repositoriesOf(trx, engine), unit })))
    },
    close: () => database.destroy(),
  }
}

function repositoriesOf(database: Database, engine: Engine): Repositories {
  return {
    users: sqlUsers(database),
    tokens: sqlTokens(database),
    sessions: sqlSessions(database),
    rulesets: sqlRulesets(database, engine),
    rulesetTags: sqlRulesetTags(database, engine),
    revisions: sqlRevisions(database, engine),
    ruleSwitches: sqlRuleSwitches(database, engine),
    allowLists: sqlAllowLists(database, engine),
    matches: sqlMatches(database, engine),
    classifications: sqlClassifications(database, engine),
    samples: sqlSamples(database, engine),
    sampleSearch: sqlSampleSearch(database, engine),
    members: sqlMembers(database, engine),
    tags: sqlTags(database, engine),
    programs: sqlPrograms(database, engine),
    tlsh: sqlTlsh(database, engine),
    reanalyses: sqlReanalyses(database, engine),
    newNames: sqlNewNames(database, engine),
    audit: sqlAudit(database, engine),
    scanFailures: sqlScanFailures(database),
    settings: sqlSettings(database),
    journal: sqlJournal(database),
    cloudRulesets: sqlCloudRulesets(database, engine),
    outbox: sqlOutbox(database),
    cloudFeeds: sqlCloudFeeds(database),
    arrivals: sqlArrivals(database, engine),
    hunts: sqlHunts(database, engine),
    huntParts: sqlHuntParts(database, engine),
    hits: sqlHits(database),
    corpus: sqlCorpus(database, engine),
    feeds: sqlFeeds(database, engine),
    segments: sqlSegments(database, engine),
    intake: sqlIntake(database, engine),
    ruleSources: sqlRuleSources(database, engine),
    notifications: sqlNotifications(database),
    appliances: sqlAppliances(database),
    sharedLog: sqlSharedLog(database),
    sharedTexts: sqlSharedTexts(database),
    sharedRulesets: sqlSharedRulesets(database),
    publications: sqlPublications(database),
    retention: sqlRetention(database, engine),
    nodes: sqlNodes(database, engine),
    servers: sqlServers(database, engine),
    bells: sqlBells(database),
  }
}
