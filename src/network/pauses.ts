import { Failure } from '../errors/index.ts'

const FIRST_MS = 1_000
/** No pause is longer, unless the caller allows it. */
export const LONGEST_MS = 5 * 60_000

/**
 * How long to wait after so many failures in a row: growing, with some chance in it so that many do not come back at one
 * time, at most `longestMs`, but never less than the other side asked for (`retryAfterMs` of the failure's detail).
 */
export function pauseAfter(failures: number, error: unknown, longestMs = LONGEST_MS): number {
  const grown = Math.min(longestMs, FIRST_MS * 2 ** Math.max(0, failures - 1))
  const asked = error instanceof Failure ? Number(error.detail.retryAfterMs ?? 0) : 0
  return Math.max(grown * (0.5 + Math.random() / 2), Math.min(asked, Math.max(longestMs, LONGEST_MS)))
}
