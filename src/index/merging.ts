import type { SegmentSummary } from './segment-writer.ts'

/**
 * Merges adjacent segments (given in ascending order of ids) into one at `output`, complete and synced, leaving out the
 * sample ids in `without` (ascending). The result is byte for byte what `writeSegment` makes of the same samples.
 * Null, and no file, when nothing is left. @throws Failure `segment.damaged`
 */
export declare function mergeSegments(
  inputs: readonly string[],
  output: string,
  without: Uint32Array,
): SegmentSummary | null
