/**
 * When a worker is started beside the usual ones: every worker is inside something that cannot be interrupted (one scan
 * of a hunt may take minutes), and a more urgent task waits. Nothing is lost that way, as it would be by killing the
 * scan, and no worker has to stay idle for the case. It takes no task of a group that keeps workers busy already, and
 * leaves when it was idle for a while.
 */
import { type Priority, priorities } from './priorities.ts'
import type { Slot } from './slot.ts'

/** Beside the usual workers. */
export const MOST_RELIEF = 2
/** A task of a lower priority was asked to step aside this long ago. */
const STEPS_ASIDE_MS = 500
/** Whatever its priority, this is no short task. */
const LONG_MS = 3_000
const IDLE_MS = 10_000

/** Whether a worker that is left may take tasks of the priority and group. */
export type Accepts = (priority: Priority, group: string) => boolean

/** What relief may take while these workers are busy; null when some worker may soon be free. */
export function reliefFor(workers: readonly Slot[], now: number): Accepts | null {
  const busy = workers.flatMap((slot) => {
    const [first] = slot.jobs
    return first === undefined ? [] : [{ priority: first.priority, group: first.group, ms: now - slot.since }]
  })
  if (busy.length < workers.length) return null
  const groups = new Set(busy.map(({ group }) => group))
  return (priority, group) => {
    if (priority === 'background' || (priority === 'hunt' && groups.has(group))) return false
    const rank = priorities.indexOf(priority)
    return busy.every((other) => other.ms > (priorities.indexOf(other.priority) > rank ? STEPS_ASIDE_MS : LONG_MS))
  }
}

/** What a relief worker takes beside what keeps others busy. */
export function reliefTakes(workers: readonly Slot[]): Accepts {
  const groups = new Set(workers.flatMap(({ jobs: [first] }) => (first === undefined ? [] : [first.group])))
  return (priority, group) => priority !== 'background' && !(priority === 'hunt' && groups.has(group))
}

export function isOver(slot: Slot, now: number): boolean {
  return slot.isRelief && slot.ready && !slot.isBusy && now - slot.since > IDLE_MS
}
