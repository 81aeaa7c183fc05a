import { type Jobs, LocalJobs, SharedJobs, Work } from '../jobs/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
import type { Settings } from '../settings/index.ts'
import type { Opened } from './opened.ts'
import type { Place } from './place.ts'

/** Who does the jobs of hunts: this process, and with a database that nodes reach, these too. */
export async function openJobs({
  place,
  pool,
  settings: { workers, huntWork },
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
  const jobs = new SharedJobs({ store, work, workers, isWorking: huntWork === 'shared', log })
  opened.add(() => jobs.stop())
  await jobs.start()
  return jobs
}
