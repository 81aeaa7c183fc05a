/** How many rows fulfil a filter that no index answers: they are looked at, up to a number and for a time. */
export interface Counted {
  readonly count: number
  /** There are more, or there may be: not all were looked at. */
  readonly more: boolean
}

/** A list is counted exactly up to so many rows. */
export const MOST_COUNTED = 10_000
/** What counting may take; it is passed only by the step that is under way. */
export const COUNT_BUDGET_MS = 2_000
