import type { Kysely, Transaction } from 'kysely'
import type { Log, WorkerPool } from '../scanning/index.ts'
import type { BlobStore } from '../store/files/index.ts'
import type { Schema } from '../store/schema.ts'

/** A live segment. Ids of different segments may interleave; each sample is in at most one live segment. */
export interface SegmentFile {
  readonly id: number
  /** Absolute path, for `evaluate` tasks. */
  readonly path: string
  /** Every sample of the segment has an id in [firstId, lastId]. */
  readonly firstId: number
  readonly lastId: number
  /** Samples in the file; deleted ones may be among them. */
  readonly samples: number
  readonly bytes: number
}

/**
 * The index at one instant. The files stay readable until `release`, even when they are merged meanwhile.
 * Segments and `unindexed` together hold every processed sample with stored content; `unindexed` must be scanned plainly.
 */
export interface SegmentSnapshot {
  /** Ascending by `firstId`. */
  readonly segments: readonly SegmentFile[]
  /** Ascending ids of processed samples that no live segment holds. */
  readonly unindexed: Uint32Array
  /** The greatest id of any sample at that instant; 0 without samples. */
  readonly lastSampleId: number
  /** To be called once the hunt is over; calling it again does nothing. */
  release(): void
}

export interface Unindexed {
  readonly samples: number
  readonly bytes: number
}

export interface IndexStatistics {
  readonly segments: number
  readonly damaged: number
  /** Indexed samples, their bytes, and the bytes of the segment files. */
  readonly samples: number
  readonly sampleBytes: number
  readonly indexBytes: number
  readonly unindexed: Unindexed
  /** Live segments by their number of samples: `{ upTo: 64, segments, samples, bytes }`, ascending. */
  readonly bySize: readonly {
    readonly upTo: number
    readonly segments: number
    readonly samples: number
    readonly bytes: number
  }[]
  /** Mean share of set bits over the sampled signatures, 0 to 1; null without any. */
  readonly fill: number | null
}

export interface CheckReport {
  readonly segments: number
  readonly samples: number
  /** What was wrong, in words; every segment named here has been reported as damaged. */
  readonly problems: readonly { readonly segment: number; readonly message: string }[]
}

export declare class Segments {
  /** `folder` holds the segment files; made when missing. */
  constructor(options: {
    readonly database: Kysely<Schema>
    readonly blobs: BlobStore
    readonly pool: WorkerPool
    readonly folder: string
    readonly log: Log
  })

  /** Removes files that no row names (a merge or an intake that was cut short), reports rows whose file is missing as damaged, and begins merging in the background. */
  start(): Promise<{ readonly removedFiles: number; readonly damaged: number }>

  /** Stops background work; what was begun is either complete or leaves no trace. */
  stop(): Promise<void>

  snapshot(): Promise<SegmentSnapshot>

  /** Writes and syncs a segment file; nothing is live until `publish` in a transaction. For intake. */
  write(records: readonly { readonly sample: number; readonly signature: Uint8Array }[]): Promise<PreparedSegment>

  /** Makes a written segment live within the caller's transaction, and gives its id for `samples.segment_id`. */
  publish(transaction: Transaction<Schema>, prepared: PreparedSegment): Promise<number>

  /** Removes the file of a prepared segment whose transaction failed. */
  discard(prepared: PreparedSegment): Promise<void>

  /** A reader found the segment unreadable: its samples count as unindexed from now on, and are indexed anew in the background. Does nothing for a segment that is not live. */
  reportDamage(segmentId: number, message: string): Promise<void>

  /** To be told which samples were deleted, so that segments with many deleted ones are rewritten. */
  forget(segmentIds: readonly number[]): void

  /** Indexes every processed sample that no segment holds. Can be stopped and called again; what was indexed stays. */
  build(options?: {
    readonly signal?: AbortSignal
    readonly onProgress?: (progress: { readonly done: number; readonly total: number; readonly bytes: number }) => void
  }): Promise<{ readonly indexed: number; readonly failed: number }>

  /** Verifies all checksums, and that signatures match their samples (all, or every `each`-th sample). */
  check(options?: {
    readonly each?: number
    readonly signal?: AbortSignal
    readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
  }): Promise<CheckReport>

  stats(): Promise<IndexStatistics>

  /** Resolves when no merge or rebuild is due any more. */
  settled(): Promise<void>
}

/** A segment on disk that is not live yet. */
export interface PreparedSegment {
  readonly file: string
  readonly firstId: number
  readonly lastId: number
  readonly samples: number
  readonly bytes: number
}
