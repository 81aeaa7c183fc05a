export interface SignedSample {
  readonly id: number
  /** A record of `sign`. */
  readonly record: Uint8Array
}

/** What a segment file holds. */
export interface SegmentSummary {
  readonly samples: number
  readonly firstId: number
  readonly lastId: number
  /** Size of the file. */
  readonly bytes: number
}

/**
 * Writes a segment of samples in ascending order of id. The file appears at `path` complete and synced (written under
 * a temporary name beside it, then renamed).
 */
export declare function writeSegment(path: string, samples: readonly SignedSample[]): SegmentSummary
