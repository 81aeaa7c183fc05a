import { type Jobs, LocalJobs, SharedJobs, Work, workVersion } from '../jobs/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
import type { MergeElsewhere } from '../segments/index.ts'
import type { Settings } from '../settings/index.ts'
import type { Opened } from './opened.ts'
import type { Place } from './place.ts'

/** Who does the heavy work: this process, and with a database that nodes reach, these too. */
export async function openJobs({
  place,
  pool,
  settings: { workers, engine, huntWork, intakeWork },
  log,
  opened,
}: {
  readonly place: Place
  readonly pool: WorkerPool
  readonly settings: Settings
  readonly log: Log
  readonly opened: Opened
}): Promise<Jobs> {
  const { store, contents, files } = place
  const work = new Work({ pool, contents, files })
  if (place.database !== null) return new LocalJobs(work, workers)
  const ofHunts = huntWork === 'nodes' ? (['hunts'] as const) : []
  const ofIntake = intakeWork === 'nodes' ? (['intake', 'index'] as const) : []
  const jobs = new SharedJobs({
    ...{ store, work, workers, log },
    version: workVersion(engine),
    leaves: [...ofHunts, ...ofIntake],
  })
  opened.add(() => jobs.stop())
  await jobs.start()
  return jobs
}

/** What merges are done with. */
const NO_RULES = { id: 'no rules', rulesets: [] }
/** A merge that no node has begun with is done here after this time, in milliseconds; a longer one where nodes do all. */
const UNCLAIMED_MS = { here: 1_000, elsewhere: 10_000 }

/** Nodes merge while the workers of this server have enough to do, or while it leaves merges to them. */
export function mergesBy(jobs: Jobs, pool: Pick<WorkerPool, 'statistics'>): MergeElsewhere {
  jobs.begin(null, NO_RULES)
  return () => {
    if (jobs.roomElsewhere('index') === 0) return null
    const isWorking = jobs.isWorking('index')
    if (isWorking && Object.values(pool.statistics().waiting).every((tasks) => tasks === 0)) return null
    const isWantedBack = (ageMs: number) => ageMs > UNCLAIMED_MS[isWorking ? 'here' : 'elsewhere']
    return (merge, signal) => jobs.share('merge', merge, { ruleSet: NO_RULES.id, signal, isWantedBack })
  }
}
