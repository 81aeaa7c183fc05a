import type { StoredSegment } from '../store/index.ts'

/** A live segment. Ids of different segments may interleave; each sample is in at most one live segment. */
export interface SegmentFile extends Omit<StoredSegment, 'file'> {
  /** Absolute path, for `evaluate` tasks. */
  readonly path: string
}

/** A segment that is being written. */
export type StagedSegment = Pick<SegmentFile, 'id' | 'path'>

/** A segment whose file is stored, and that is not live yet. */
export type PreparedSegment = SegmentFile
