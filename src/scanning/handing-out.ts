/** Which tasks a free process gets. */
import type { Job } from './job.ts'
import type { PriorityQueue } from './priorities.ts'
import { reliefTakes } from './relief.ts'
import type { Slot } from './slot.ts'
import type { WaitingJobs } from './waiting-jobs.ts'

/**
 * Short tasks travel to a worker together, up to so many and so many bytes: a message costs what a small file costs. What
 * is more urgent comes between two of them.
 */
const TOGETHER = 2 * 1024 * 1024
const MOST_TOGETHER = 48

/** Takes from what is waiting, for each process that is free. Each is to be given its tasks before the next is asked for. */
export function* handOut(
  slots: readonly Slot[],
  { scans, texts }: WaitingJobs,
): Generator<{ readonly slot: Slot; readonly jobs: Job[] }> {
  const free = slots.filter((slot) => slot.canTake)
  const workers = free.filter((slot) => slot.role === 'worker').length
  // Not all to the first worker, where another is free too.
  const share = Math.min(MOST_TOGETHER, Math.ceil(scans.size / Math.max(1, workers)))
  for (const slot of free) {
    const jobs = slot.role === 'checker' ? oneOf(texts) : jobsFor(slot, slots, scans, share)
    if (jobs.length > 0) yield { slot, jobs }
  }
}

function jobsFor(slot: Slot, slots: readonly Slot[], scans: PriorityQueue<Job>, share: number): Job[] {
  if (!slot.isRelief) return together(scans, share)
  const others = slots.filter((other) => other.role === 'worker' && other !== slot)
  const job = scans.takeAccepted(reliefTakes(others))
  return job === null ? [] : [job]
}

/** The next task, with those after it that travel along. */
function together(scans: PriorityQueue<Job>, most: number): Job[] {
  const jobs = oneOf(scans)
  const [first] = jobs
  if (first === undefined) return []
  let left = TOGETHER - first.weight
  while (jobs.length < most) {
    const next = scans.takeAlong(first.priority, ({ weight }) => weight <= left)
    if (next === null) break
    jobs.push(next)
    left -= next.weight
  }
  return jobs
}

function oneOf(queue: PriorityQueue<Job>): Job[] {
  const job = queue.take()
  return job === null ? [] : [job]
}
