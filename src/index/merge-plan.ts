/**
 * Which segments to merge next. Every commit of intake makes a small segment; looking something up costs a little for
 * each segment, so small ones are joined: up to 64 samples, then 512, 4,096 and 32,768. A sample is so rewritten about
 * four times, and a million samples are in some 31 large segments and at most a few dozen smaller ones.
 *
 * Only neighbours in the given order are merged, so that segments cover ranges of ids that are as short as can be.
 */

export interface SegmentExtent {
  readonly samples: number
  /** How many of the samples were deleted since it was written. */
  readonly deleted: number
}

export const TIERS: readonly number[] = [64, 512, 4096, 32768]

/** A segment with this part of its samples deleted is rewritten without them, even alone. */
const DELETED_SHARE = 0.25

/**
 * The next merge that is worth doing, as a half-open range of indices into `segments` (all live ones, in ascending order
 * of ids), or null. Smaller tiers come first, and in a tier the oldest segments.
 */
export function planMerge(segments: readonly SegmentExtent[]): { readonly from: number; readonly to: number } | null {
  for (const tier of TIERS) {
    let from = 0
    let samples = 0
    for (let i = 0; i < segments.length; i++) {
      const segment = segments[i] as SegmentExtent
      if (segment.samples >= tier) {
        from = i + 1
        samples = 0
        continue
      }
      samples += segment.samples - segment.deleted
      if (samples >= tier && i > from) return { from, to: i + 1 }
    }
  }
  const worn = segments.findIndex(({ samples, deleted }) => deleted > 0 && deleted >= samples * DELETED_SHARE)
  return worn === -1 ? null : { from: worn, to: worn + 1 }
}
