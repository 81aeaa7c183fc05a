import { setImmediate } from 'node:timers/promises'

/** How many rows fulfil a filter that no index answers: they are looked at, up to a number and for a time. */
export interface Counted {
  readonly count: number
  /** There are more, or there may be: not all were looked at. */
  readonly more: boolean
}

/** A list is counted exactly up to so many rows. */
const MOST_COUNTED = 10_000
/** What counting may take; it is passed only by the step that is under way. */
const COUNT_BUDGET_MS = 2_000

/**
 * Counts in steps, with pauses for other requests. `step` looks at some rows from a place on: how many of them count, and
 * where the next step begins, null at the end.
 */
export async function countInSteps<Place>(
  first: Place,
  step: (from: Place) => Promise<{ readonly found: number; readonly next: Place | null }>,
): Promise<Counted> {
  const started = performance.now()
  let count = 0
  let from: Place | null = first
  while (from !== null && count <= MOST_COUNTED && performance.now() - started <= COUNT_BUDGET_MS) {
    const { found, next }: { readonly found: number; readonly next: Place | null } = await step(from)
    count += found
    from = next
    await setImmediate()
  }
  return { count: Math.min(count, MOST_COUNTED), more: from !== null || count > MOST_COUNTED }
}
