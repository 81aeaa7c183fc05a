import { Accounts } from '../accounts/index.ts'
import { Archives } from '../archives/index.ts'
import { AuditLog } from '../audit/index.ts'
import { Cloud, type CloudAccess, cloudAccess } from '../cloud/index.ts'
import { Failure } from '../errors/index.ts'
import {
  AdHocHunts,
  Corpus,
  checkTogether,
  explain,
  KnownCandidates,
  KnownMisses,
  LocalRetro,
  TextPlans,
} from '../hunts/index.ts'
import { Inspection } from '../inspection/index.ts'
import { Intake, type MatchRecord, ProgramReading, Reanalysis } from '../intake/index.ts'
import { IndexUse } from '../jobs/index.ts'
import { Manager } from '../manager/index.ts'
import { Matches } from '../matches/index.ts'
import { Bell } from '../notifications/index.ts'
import { type ManagerAccess, managerAccess, PublicationOutbox, Publishing } from '../publishing/index.ts'
import { Quotas } from '../quotas/index.ts'
import { Retention } from '../retention/index.ts'
import { RuleImports, RuleSources } from '../rule-sources/index.ts'
import {
  AllowLists,
  type CheckedBy,
  Expiry,
  KnownTexts,
  RuleSwitches,
  RulesetNotes,
  type RulesetPlanner,
  Rulesets,
} from '../rulesets/index.ts'
import { Samples } from '../samples/index.ts'
import type { Log } from '../scanning/index.ts'
import { Search } from '../search/index.ts'
import { Segments } from '../segments/index.ts'
import { hasPart, programVersion, type Settings } from '../settings/index.ts'
import {
  asUnusableFolder,
  DatabaseHealth,
  type DataFolderLock,
  lockDataFolder,
  makeFilesPrivate,
  makePrivate,
  Reserve,
} from '../store/index.ts'
import { Tenants } from '../tenants/index.ts'
import { openTracing } from '../tracing/index.ts'
import { ruleText } from '../yara/index.ts'
import { clusterStatusOf } from './cluster-status.ts'
import { engineOf } from './engine-of.ts'
import { Janitor } from './janitor.ts'
import { mergesBy, openJobs } from './open-jobs.ts'
import { openNotifications } from './open-notifications.ts'
import { Opened } from './opened.ts'
import { openPlace } from './place.ts'
import { ServerEntry } from './server-entry.ts'
import type { Appliance } from './services.ts'
import type { Begun } from './standing-by.ts'
import { StoredCheck } from './stored-check.ts'
import { endWorkers, startWorkers } from './workers.ts'

interface Opening {
  readonly log: Log
  readonly workersOnDemand?: boolean
  /** From `standBy`; released with the appliance, also when it fails to open. */
  readonly begun?: Begun
}

/**
 * Opens a data folder, making it when there is none, repairs what an earlier process left half done, and goes on with
 * its unfinished work. Fails with `data-folder.locked` while another process has the folder, and
 * with `data-folder.unusable`, `database.unusable` or `storage.full` where it is of no use; nothing is left running then.
 * Workers start at once, or each when it is needed (`workersOnDemand`).
 */
export async function openAppliance(settings: Settings, how: Opening): Promise<Appliance> {
  const { log } = how
  const opened = new Opened(log)
  const reserve = new Reserve(settings.data)
  try {
    const { begun } = how
    if (begun !== undefined) opened.add(() => begun.release())
    // Before the folder is touched, since it may find that the settings are of no use.
    const access = { cloud: cloudAccess(settings), manager: managerAccess(settings) }
    if (settings.workers === 0) throw needsWorkers()
    makeFilesPrivate()
    const lock = lockDataFolder(settings.data)
    opened.add(() => lock.release())
    const refused = makePrivate(settings.data)
    if (refused.length > 0) log.warn({ paths: refused.slice(0, 5) }, 'others may read files of the data folder')
    // A start needs a little room: what it clears and repairs makes more.
    if (!(await reserve.isAffordable())) reserve.release()
    const appliance = await assemble(settings, access, how, lock, reserve, opened)
    reserve.refill()
    return appliance
  } catch (error) {
    await opened.close()
    throw asUnusableFolder(error, settings.data)
  }
}

function needsWorkers(): Failure {
  return new Failure(
    'settings.invalid',
    '--workers 0 is for servers of a cluster that pass requests on; all else takes one worker or more.',
  )
}

const DAY_SECONDS = 24 * 60 * 60

async function assemble(
  settings: Settings,
  access: { readonly cloud: CloudAccess | null; readonly manager: ManagerAccess | null },
  { log, workersOnDemand = false, begun }: Opening,
  lock: DataFolderLock,
  reserve: Reserve,
  opened: Opened,
): Promise<Appliance> {
  const tracing = await openTracing(settings, programVersion, (error) =>
    log.warn({ err: error }, 'traces could not be sent'),
  )
  // The last to end: what ends before it is in a trace.
  opened.add(() => tracing.stop())
  const health = new DatabaseHealth()
  const place = await openPlace({ settings, health, log, opened, begun })
  const { store, scratch, contents } = place
  const entry = new ServerEntry(store, log)
  if (begun !== undefined && place.term !== null) {
    // Where it hangs from here on, those that stand by know whose session to end.
    opened.add(() => entry.stop())
    await entry.start({ url: '', certificate: '', workers: settings.workers, term: place.term })
  }
  const pool = begun?.workers?.pool ?? startWorkers(settings, scratch, log, { onDemand: workersOnDemand })
  opened.add(() => endWorkers(pool))
  const jobs = await openJobs({ place, pool, settings, log, opened })
  const checker = new KnownTexts((content, partial, by) =>
    pool.run('check', { content, partial }, { priority: 'interactive', ...by }),
  )
  const plan = (content: string, explain: boolean, by: CheckedBy = {}) =>
    pool.run('plan', { content, explain }, { priority: 'interactive', ...by })
  const planner: RulesetPlanner = { plan: (content) => plan(content, false) }
  const accounts = new Accounts(store)
  const audit = new AuditLog({ store, log, keptDays: settings.auditDays })
  const matches = new Matches(store)
  const cloud = new Cloud({ store, contents, settings, access: access.cloud, log })
  const publications = new PublicationOutbox({
    wake: () => publishing.wake(),
    hasManager: () => publishing.hasManager,
    mayPublish: (by) => publishing.mayPublish(by),
  })
  const rulesets = new Rulesets({ store, checker, planner, observers: [cloud.outbox, publications] })
  const publishing = new Publishing({
    store,
    rulesets,
    accounts,
    outbox: publications,
    settings,
    access: access.manager,
    program: async () => ({ version: programVersion, engine: await engineOf(checker) }),
    log,
  })
  const manager = new Manager({
    store,
    log,
    awayMs: settings.applianceAway,
    keptMs: settings.tombstoneDays * DAY_SECONDS * 1_000,
  })
  const expiry = new Expiry({ store, rulesets, log })
  const segments = new Segments({
    store,
    contents,
    pool,
    files: place.files,
    log,
    mergeElsewhere: mergesBy(jobs, pool),
  })
  const samples = new Samples({ store, contents, scratch, segments })
  const orNone = (limit: number) => (limit === 0 ? null : limit)
  const quotas = new Quotas(store, {
    daySamples: orNone(settings.quotaDaySamples),
    dayBytes: orNone(settings.quotaDayBytes),
    totalSamples: orNone(settings.quotaTotalSamples),
    totalBytes: orNone(settings.quotaTotalBytes),
  })
  const retention = new Retention({
    ...{ store, samples, audit, log, room: reserve },
    intervalMs: settings.retentionInterval,
  })
  const janitor = new Janitor({
    folder: settings.data,
    scratch,
    contents,
    store,
    sweeps: [...place.sweeps, () => segments.sweep()],
    log,
  })
  const corpus = new Corpus(store, health)
  const plans = new TextPlans(pool)
  const indexUse = new IndexUse()
  const [known, misses] = [new KnownCandidates(), new KnownMisses()]
  const sources = { pool, jobs, segments, corpus, plans, indexUse, known, misses, health, tracing }
  // Whatever the role: a command that works on a cloud's folder takes in samples for its tenants too.
  const tenants = new Tenants({
    store,
    accounts,
    rulesets,
    checker,
    planner,
    sources,
    log,
    mostRulesets: settings.tenantRulesets,
    feedLimits: { pageEntries: 1_000, keptSeconds: settings.feedDays * DAY_SECONDS },
    retroLimits: {
      atOnce: settings.retroHuntsAtOnce,
      matches: settings.retroMatches,
      age: settings.retroDays * DAY_SECONDS * 1_000_000,
      sampleBytes: settings.retroSampleLimit,
    },
  })
  const archives = new Archives({
    members: settings.archiveMembers,
    totalBytes: settings.archiveBytes,
    ratio: settings.archiveRatio,
    timeMs: settings.archiveTimeout,
  })
  const notifications = openNotifications(store, settings, log)
  const record: MatchRecord = {
    async record(tx, scan) {
      const added = await matches.record(tx, scan)
      await notifications.recordMatches(tx, scan.sampleId, added, scan.at)
      await tenants.feeds.recordLive(tx, scan)
    },
  }
  const intake = new Intake({
    store,
    contents,
    scratch,
    pool,
    rulesets,
    matches: record,
    segments,
    archives,
    log,
    room: reserve,
    jobs,
    workers: settings.workers,
    limits: {
      uploadBytes: settings.uploadLimit,
      scanBytes: settings.scanLimit,
      archiveDepth: settings.archiveDepth,
      archiveMembers: settings.archiveMembers,
      archiveBytes: settings.archiveBytes,
    },
  })
  const { scanLimit } = settings
  const reanalysis = new Reanalysis({ store, contents, pool, rulesets, matches: record, log, scanBytes: scanLimit })
  const programReading = new ProgramReading({ store, contents, pool, log, scanBytes: scanLimit })
  const localRetro = new LocalRetro({ store, sources, rulesets, matches, log, scanLimit })
  const adHocHunts = new AdHocHunts({
    store,
    sources,
    checker,
    plan: async (content, signal) => (await plans.of(content, signal)).plan,
    beginPlan: (content) => plans.begin(content),
    planCosts: (content, by) =>
      pool.run('plan', { content, explain: false, costs: true }, { priority: 'interactive', ...by }),
    checkWithout: (content, without, by) => pool.run('check', { content, without }, { priority: 'interactive', ...by }),
    reportScanErrors: (sample, errors) => rulesets.reportScanErrors(sample, errors),
    log,
    scanLimit,
    atOnce: settings.huntsAtOnce,
  })
  const search = new Search({ store, samples, rulesets })
  const inspection = new Inspection({ store, contents, pool, rulesets, samples })
  const explainTexts: Appliance['explain'] = (texts, signal, { partial = false, group = '', selection = {} } = {}) =>
    explain({ sources, checker, plan: (content) => plan(content, true, { group, signal }) }, texts, {
      signal,
      partial,
      group,
      selection,
    })
  const ruleLimits = {
    bytes: settings.ruleSourceBytes,
    files: settings.ruleSourceFiles,
    timeMs: settings.ruleSourceTimeout,
  }
  const ruleParts = { store, rulesets, checker, explain: explainTexts, scratch, limits: ruleLimits, log }
  const ruleImports = new RuleImports(ruleParts)
  const ruleSources = new RuleSources({
    ...ruleParts,
    rules: { hosts: settings.ruleSourceHosts, networks: settings.ruleSourceNetworks, ca: settings.ruleSourceCa },
    intervalSeconds: settings.ruleSourceInterval / 1_000,
  })
  const stored = new StoredCheck({
    store,
    databaseFile: place.database?.file ?? null,
    health,
    contents,
    pool,
    segments,
    onSetAside: () => misses.clear(),
    log,
  })
  opened.add(() => segments.stop())
  opened.add(
    () => localRetro.close(),
    () => adHocHunts.close(),
    () => tenants.close(),
    () => intake.stop(),
    () => reanalysis.stop(),
    () => programReading.stop(),
    () => stored.stop(),
    () => search.stop(),
    () => janitor.stop(),
  )
  opened.add(
    () => cloud.stop(),
    () => publishing.stop(),
    () => manager.stop(),
  )
  opened.add(
    () => audit.stop(),
    () => rulesets.stop(),
  )
  opened.add(
    () => retention.stop(),
    () => ruleSources.stop(),
    () => expiry.stop(),
    () => ruleImports.stop(),
    () => notifications.stop(),
  )

  const { leftovers, forgotten } = await janitor.begin()
  const replanning = await rulesets.beginReplanning()
  const index = await segments.start()
  const { resumed } = await intake.start()
  reanalysis.start()
  programReading.start()
  const retro = await localRetro.resume()
  const hunts = await adHocHunts.resume()
  const retroHunts = await tenants.start()
  await audit.start()
  if (hasPart(settings.role, 'manager')) manager.start()
  expiry.start()
  if (place.database) stored.begin(place.database.checked, place.database.bytes)
  log.info(
    {
      data: settings.data,
      uploadsCutShort: leftovers.files,
      forgotten,
      plans: replanning.count,
      ...index,
      ...{ resumed, retro, hunts, retroHunts },
    },
    'the data folder is open',
  )

  return {
    accounts,
    audit,
    rulesets,
    ruleSwitches: new RuleSwitches(store),
    allowLists: new AllowLists(store),
    rulesetNotes: new RulesetNotes(store, () => expiry.wake()),
    matches,
    samples,
    intake,
    reanalysis,
    segments,
    localRetro,
    adHocHunts,
    inspection,
    cloud,
    publishing,
    manager,
    quotas,
    retention,
    ruleSources,
    ruleImports,
    notifications,
    bell: new Bell(store),
    search,
    tenants,
    pool,
    tracing,
    jobs,
    indexUse,
    room: reserve,
    stored,
    lost: place.lost,
    term: place.term,
    cluster: async () => (place.database === null ? clusterStatusOf(store) : null),
    journal: (limit) => store.journal.list(limit),
    explain: explainTexts,
    validate: (texts, by = {}) =>
      checkTogether(texts, async ({ name, content }) => ({
        name,
        ...(await checker.check(ruleText(content), false, by)),
      })),
    async announce(url, others) {
      await reserve.lend(async () => lock.announce(url))
      if (others === undefined || place.term === null) return
      await entry.start({ ...others, workers: settings.workers, term: place.term })
    },
    leave: () => entry.leave(),
    close: () => opened.close(),
  }
}
