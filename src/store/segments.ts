import type { Micros } from './clock.ts'

export interface StoredSegment {
  readonly id: number
  /** Its name in the folder of segments. */
  readonly file: string
  /** Every sample of the segment has an id in [firstId, lastId]. */
  readonly firstId: number
  readonly lastId: number
  /** Samples in the file; deleted ones may be among them. */
  readonly samples: number
  readonly bytes: number
}

/** A sample with what signing its content takes. */
export interface SampleToSign {
  readonly id: number
  readonly size: number
  readonly sha256: Uint8Array
  readonly sha1: Uint8Array
  readonly md5: Uint8Array
  readonly sha512: Uint8Array
}

export interface SegmentTotals {
  readonly segments: number
  readonly damaged: number
  /** In the segment files; deleted ones may be among them. */
  readonly samples: number
  readonly bytes: number
}

export interface IndexedSamples {
  readonly samples: number
  readonly bytes: number
}

/** A segment that is live no more; nobody who reads `died` or a later generation has it. */
export interface RetiredSegment {
  readonly id: number
  readonly file: string
  readonly died: number
  readonly since: Micros
}

/** A process that reads segments, or writes them. */
export interface SegmentReaderProcess {
  readonly process: string
  /** The earliest generation that it reads, or is going to read. */
  readonly generation: number
  /** Grows with each sign of life. */
  readonly beat: number
}

/**
 * The segments of the index, and which samples are in them. A row changes in one unit of work with the samples that name
 * it.
 *
 *   stage ──▶ staged ── publish ──▶ live ── retire ──▶ retired ── delete ──▶ (none)
 *                │                   │                   ▲ ▲
 *                │ giveUp            └─ markDamaged ──▶ damaged ── retireDamaged
 *                └───────────────────────────────────────┘
 *
 * A generation is the set of segments between two retirements: it grows whenever a segment ceases to be live.
 */
export interface StoredSegments {
  /** Ascending by `firstId`. */
  listLive(): Promise<StoredSegment[]>
  /** The names of all files that are kept, or may be there. */
  listFiles(): Promise<string[]>
  generation(): Promise<number>
  totals(): Promise<SegmentTotals>
  /** A file is going to be written. Returns the id of the segment. */
  stage(segment: { readonly file: string; readonly process: string; readonly at: Micros }): Promise<number>
  /** A staged one is live. False where it is staged no more. */
  publish(id: number, segment: Omit<StoredSegment, 'id' | 'file'> & { readonly at: Micros }): Promise<boolean>
  /** A staged one will not be live. False where it is staged no more. */
  giveUp(id: number, at: Micros): Promise<boolean>
  /** The same for all of processes that are not listed as readers. Returns how many. */
  giveUpOfGone(at: Micros): Promise<number>
  /** Of these samples, the ones that no segment holds are in this one. */
  assign(id: number, sampleIds: readonly number[]): Promise<void>
  /** Another segment takes the place of these, in a new generation. Returns how many of them were live. */
  retire(ids: readonly number[], at: Micros): Promise<number>
  listRetired(): Promise<RetiredSegment[]>
  /** The files of these retired ones are removed. */
  delete(ids: readonly number[]): Promise<void>
  /** The samples of some segments are in another one. */
  moveSamples(from: readonly number[], to: number): Promise<void>
  /**
   * A live one is damaged, in a new generation, and none of its samples is indexed. Returns what it was; null where it is
   * not live.
   */
  markDamaged(id: number, at: Micros): Promise<Pick<StoredSegment, 'file' | 'samples'> | null>
  /** The samples of all damaged ones are indexed anew. */
  retireDamaged(at: Micros): Promise<void>
  /** The one with this file goes, and none of its samples is indexed. */
  deleteByFile(file: string): Promise<void>
  /** Samples that name a segment which is not there are in none. Returns how many they were. */
  releaseLost(): Promise<number>

  listReaders(): Promise<SegmentReaderProcess[]>
  /** A process lives, and reads nothing earlier than this generation from now on. */
  keepReader(process: string, generation: number): Promise<void>
  deleteReaders(processes: readonly string[]): Promise<void>

  /** How many samples each segment still has, by segment; segments without any are missing. */
  countSamples(): Promise<ReadonlyMap<number, number>>
  countSamplesOf(id: number): Promise<number>
  samplesOf(id: number): Promise<number[]>
  /** Processed samples with a content that no segment holds, ascending. */
  unindexedIds(): Promise<Uint32Array>
  countUnindexed(): Promise<number>
  /** The same, with an id above `after`, ascending. */
  findUnindexed(after: number, most: number): Promise<SampleToSign[]>
  /** Those of these samples that are in a segment. */
  findInSegment(id: number, sampleIds: readonly number[]): Promise<SampleToSign[]>
  /** Processed samples with a content, by whether a segment holds them. */
  measure(): Promise<{ readonly indexed: IndexedSamples; readonly unindexed: IndexedSamples }>
}
