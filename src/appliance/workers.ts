/** The worker processes of a server or a node, and the folder of this process for what they write. */
import { type Log, WorkerPool } from '../scanning/index.ts'
import type { Settings } from '../settings/index.ts'
import type { Scratch } from '../store/index.ts'

export interface Workers {
  readonly scratch: Scratch
  readonly pool: WorkerPool
}

/** What workers may take to end a task that nobody waits for any more, before they are killed over it. */
const WORKERS_END_MS = 1_000

/** Starts them at once, or each when it is needed (`onDemand`). */
export function startWorkers(settings: Settings, scratch: Scratch, log: Log, { onDemand = false } = {}): WorkerPool {
  return new WorkerPool({
    workers: settings.workers,
    onDemand,
    folder: scratch.workers,
    log,
    engine: settings.engine,
    limits: { scanMs: settings.scanTimeout, compileMs: settings.compileTimeout, workerBytes: settings.workerMemory },
  })
}

export function endWorkers(pool: WorkerPool): Promise<void> {
  return pool.stop(WORKERS_END_MS)
}
