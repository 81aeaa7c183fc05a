import type { RuleHit, ScanError } from '../scanning/index.ts'

/** What was found between the checkpoint before and `upTo`: every sample up to there is decided. */
export interface Checkpoint {
  readonly upTo: number
  readonly hits: readonly { readonly sample: number; readonly hits: readonly RuleHit[] }[]
  readonly errors: readonly { readonly sample: number; readonly errors: readonly ScanError[] }[]
  /** (sample, ruleset) pairs that the index could not rule out and that were scanned. */
  readonly candidates: number
  readonly scannedBytes: number
  /** Samples above the size limit, and those that could not be read. */
  readonly skipped: number
  /** Why samples could not be read. */
  readonly unreadable: readonly { readonly sample: number; readonly message: string }[]
}

/** A checkpoint that decides nothing. */
export const nothing: Checkpoint = {
  upTo: 0,
  hits: [],
  errors: [],
  candidates: 0,
  scannedBytes: 0,
  skipped: 0,
  unreadable: [],
}

/** How many of the ascending ids are not above the bound. */
export function countUpTo(ids: Uint32Array, bound: number): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((ids[middle] as number) <= bound) low = middle + 1
    else high = middle
  }
  return low
}
