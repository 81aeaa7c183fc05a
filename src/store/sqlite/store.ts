import type { DatabaseHealth } from '../database-health.ts'
import type { Repositories, Store, UnitOfWork } from '../store.ts'
import { UnitGuard } from '../unit-guard.ts'
import type { UnitName } from '../units-of-work.ts'
import { sqliteArrivals } from './arrivals.ts'
import { sqliteAudit } from './audit.ts'
import { sqliteClassifications } from './classifications.ts'
import { sqliteCloudFeeds } from './cloud-feeds.ts'
import { sqliteCloudRulesets } from './cloud-rulesets.ts'
import { sqliteCorpus } from './corpus.ts'
import { type CheckedAtStart, type Database, openSoundDatabase, type Transaction } from './database.ts'
import { sqliteFeeds } from './feeds.ts'
import { sqliteHits } from './hits.ts'
import { sqliteHunts } from './hunts.ts'
import { sqliteIntake } from './intake.ts'
import { sqliteJournal } from './journal.ts'
import { sqliteMatches } from './matches.ts'
import { sqliteMembers } from './members.ts'
import { sqliteNewNames } from './new-names.ts'
import { sqliteOutbox } from './outbox.ts'
import { sqlitePrograms } from './programs.ts'
import { sqliteReanalyses } from './reanalyses.ts'
import { sqliteRevisions } from './revisions.ts'
import { sqliteRuleSources } from './rule-sources.ts'
import { sqliteRulesets } from './rulesets.ts'
import { sqliteSampleSearch } from './sample-search.ts'
import { sqliteSamples } from './samples.ts'
import { sqliteScanFailures } from './scan-failures.ts'
import { sqliteSegments } from './segments.ts'
import { sqliteSessions } from './sessions.ts'
import { sqliteSettings } from './settings.ts'
import { sqliteTags } from './tags.ts'
import { sqliteTokens } from './tokens.ts'
import { sqliteUsers } from './users.ts'

/** Opens the database file as `openSoundDatabase` does. */
export async function openSoundStore(
  path: string,
  health: DatabaseHealth,
): Promise<{ readonly store: Store; readonly checked: CheckedAtStart }> {
  const { database, checked } = await openSoundDatabase(path, health)
  return { store: storeOf(database), checked }
}

/** The store over an open database. */
export function storeOf(database: Database): Store {
  const guard = new UnitGuard()
  return {
    ...guard.guard(repositoriesOf(database)),
    async transaction(unit, work) {
      guard.demandNoUnit(`transaction "${unit}"`)
      return database.transaction().execute((trx) => guard.run(unit, () => work(unitOf(trx, unit))))
    },
    close: () => database.destroy(),
  }
}

/** The repositories within a transaction of the database. */
function unitOf(trx: Transaction, unit: UnitName): UnitOfWork {
  return { ...repositoriesOf(trx), unit }
}

function repositoriesOf(database: Database): Repositories {
  return {
    users: sqliteUsers(database),
    tokens: sqliteTokens(database),
    sessions: sqliteSessions(database),
    rulesets: sqliteRulesets(database),
    revisions: sqliteRevisions(database),
    matches: sqliteMatches(database),
    classifications: sqliteClassifications(database),
    samples: sqliteSamples(database),
    sampleSearch: sqliteSampleSearch(database),
    members: sqliteMembers(database),
    tags: sqliteTags(database),
    programs: sqlitePrograms(database),
    reanalyses: sqliteReanalyses(database),
    newNames: sqliteNewNames(database),
    audit: sqliteAudit(database),
    scanFailures: sqliteScanFailures(database),
    settings: sqliteSettings(database),
    journal: sqliteJournal(database),
    cloudRulesets: sqliteCloudRulesets(database),
    outbox: sqliteOutbox(database),
    cloudFeeds: sqliteCloudFeeds(database),
    arrivals: sqliteArrivals(database),
    hunts: sqliteHunts(database),
    hits: sqliteHits(database),
    corpus: sqliteCorpus(database),
    feeds: sqliteFeeds(database),
    segments: sqliteSegments(database),
    intake: sqliteIntake(database),
    ruleSources: sqliteRuleSources(database),
  }
}
