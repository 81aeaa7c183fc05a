/** The windows in which a corpus scan takes the samples (see corpus-scan.ts). */
import type { SegmentFile, SegmentSnapshot } from '../segments/index.ts'

export interface Window {
  readonly segments: readonly SegmentFile[]
  readonly unindexed: Uint32Array
  readonly upTo: number
}

/** Samples with `after < id <= upTo`; of those, the ascending ids of `only`, where it is not null. */
interface Range {
  readonly after: number
  readonly upTo: number
  readonly only: Uint32Array | null
}

/** For a trace. */
export const sizeOf = ({ segments, unindexed }: Window) => ({
  'backtrail.segments': segments.length,
  'backtrail.unindexed': unindexed.length,
})

/**
 * How many samples make a window. Each ends in a transaction, which costs a hunt more than asking some segments does;
 * but its candidates are in memory all at once.
 */
export class WindowSize {
  samples = LEAST_WINDOW

  /** As far as the windows before tell. */
  get fewAreCandidates(): boolean {
    return this.samples > LEAST_WINDOW
  }

  adapt(candidates: number): void {
    this.samples = candidates <= FEW_CANDIDATES ? Math.min(MOST_WINDOW, this.samples * 4) : LEAST_WINDOW
  }
}

const LEAST_WINDOW = 65_536
const MOST_WINDOW = 1_048_576
/** In a window. */
export const FEW_CANDIDATES = 1_000

/**
 * Cuts a snapshot where no segment crosses the cut. The last window reaches up to `upTo`. `size` is looked at for each.
 */
export function* windows(
  snapshot: Pick<SegmentSnapshot, 'segments' | 'unindexed'>,
  { after, upTo, only }: Range,
  size: { readonly samples: number } = { samples: LEAST_WINDOW },
): Generator<Window> {
  const segments = snapshot.segments.filter(({ firstId, lastId }) => lastId > after && firstId <= upTo)
  const plain = restricted(snapshot.unindexed, after, upTo, only)
  let from = 0
  let taken = 0
  do {
    let to = from
    let samples = 0
    // Without segments left, the window ends where as many plain samples as make a window do.
    let end = segments[from]?.lastId ?? plain[taken + size.samples - 1] ?? upTo
    for (let segment = segments[to]; segment; segment = segments[++to]) {
      if (samples >= size.samples && segment.firstId > end) break
      samples += segment.samples
      end = Math.max(end, segment.lastId)
    }
    let past = taken
    while (past < plain.length && (plain[past] ?? 0) <= end) past++
    if (to === segments.length && past === plain.length) end = upTo
    yield { segments: segments.slice(from, to), unindexed: plain.subarray(taken, past), upTo: end }
    from = to
    taken = past
  } while (from < segments.length || taken < plain.length)
}

/** The ids of an ascending list within the limits and, when there is one, the ascending restriction. */
export function restricted(ids: Uint32Array, after: number, upTo: number, only: Uint32Array | null): Uint32Array {
  const allowed = only && new Set(only)
  return ids.filter((id) => id > after && id <= upTo && (!allowed || allowed.has(id)))
}
