import type { Job } from './job.ts'
import { type PriorityQueue, priorities } from './priorities.ts'
import type { Slot } from './slot.ts'

/** Pauses what can wait, when something more urgent does: at most one worker a waiting task. */
export function makeWay(queue: PriorityQueue<Job>, slots: readonly Slot[]): void {
  const urgent = queue.first()
  if (urgent === null) return
  const rank = priorities.indexOf(urgent)
  let wanted = queue.waiting(urgent)
  for (const slot of slots) if (slot.pausing) wanted--
  for (const slot of slots) {
    if (wanted <= 0) return
    const [first] = slot.jobs
    if (slot.pausing || !slot.canPause || first === undefined || priorities.indexOf(first.priority) <= rank) continue
    slot.pause()
    wanted--
  }
}
