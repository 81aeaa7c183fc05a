import type { ScanLimits } from './limits.ts'
import type { Slot } from './slot.ts'

/** Tasks often follow each other closely. */
const IDLE_MS = 1_000
/** By then a fresh worker has compiled what runs live, as a share of `renewAfterMs`. */
const SETTLED = 0.2

/**
 * Replaces an idle worker that has grown by a fresh one, one at a time. What the engine and libmagic free stays with the
 * process in pieces between what they still hold, so a worker grows with all that it has ever compiled, up to its limit;
 * ending it while nobody waits costs less than ending it there, in the middle of a task. Where the rules alone
 * need more than `idleBytes`, a fresh one would soon hold as much again: so it must have grown since it was new.
 */
export function renewGrown(slots: readonly Slot[], limits: ScanLimits, now: number): void {
  const workers = slots.filter(({ role, isRelief }) => role === 'worker' && !isRelief)
  for (const slot of workers) {
    if (now - slot.started > limits.renewAfterMs * SETTLED) slot.settledBytes ??= slot.process?.residentBytes() ?? null
  }
  if (workers.some(({ ready }) => !ready)) return
  const grown = workers.find((slot) => {
    if (!slot.canTake || now - slot.since <= IDLE_MS || now - slot.started <= limits.renewAfterMs) return false
    const allowed = Math.max(limits.idleBytes, (slot.settledBytes ?? 0) * limits.renewGrowth)
    return (slot.process?.residentBytes() ?? 0) > allowed
  })
  if (grown === undefined) return
  grown.ready = false
  grown.process?.kill('ended')
}
