import type { Job } from './job.ts'
import type { Slot } from './slot.ts'

/** A worker has this long to let go of a task that is not wanted any more. */
const LETS_GO_MS = 250

/** The engine cannot be interrupted: a worker that does not let go of a cancelled task ends with it. */
export function endCancelled(slots: readonly Slot[], now: number): void {
  for (const { jobs, process } of slots) {
    if (process === null || process.isDying) continue
    const isAt = (job: Job) => jobs.length === 1 || process.at()?.task === job.id
    const overdue = jobs.some((job) => job.cancelled && now - job.cancelled.since > LETS_GO_MS && isAt(job))
    if (overdue) process.kill('cancelled')
  }
}
