export interface SegmentExtent {
  readonly firstId: number
  readonly samples: number
  /** How many of them were deleted since. */
  readonly deleted: number
}

export interface MergePlanOptions {
  /** Sizes at which segments are left alone until they can grow to the next one. */
  readonly tiers?: readonly number[]
}

/**
 * The next merge that is worth doing: a run of adjacent segments as a half-open range of indices into `segments`
 * (which ascend by `firstId`), or null.
 */
export declare function planMerge(
  segments: readonly SegmentExtent[],
  options?: MergePlanOptions,
): { readonly from: number; readonly to: number } | null
