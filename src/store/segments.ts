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

/**
 * The segments of the index, live or damaged, and which samples are in them. A row changes in one unit of work with the
 * samples that name it.
 */
export interface StoredSegments {
  /** Ascending by `firstId`. */
  listLive(): Promise<StoredSegment[]>
  totals(): Promise<SegmentTotals>
  /** A live one. Returns the id. */
  add(segment: Omit<StoredSegment, 'id'> & { readonly created: Micros }): Promise<number>
  /** Of these samples, the ones that no segment holds are in this one. */
  assign(id: number, sampleIds: readonly number[]): Promise<void>
  /** Deletes live segments that another takes the place of. Returns how many of them were live. */
  deleteLive(ids: readonly number[]): Promise<number>
  /** The samples of some segments are in another one. */
  moveSamples(from: readonly number[], to: number): Promise<void>
  /** A live one is damaged, and none of its samples is indexed. Returns what it was; null where it is not live. */
  markDamaged(id: number): Promise<Pick<StoredSegment, 'file' | 'samples'> | null>
  deleteDamaged(): Promise<void>
  /** The one with this file goes, and none of its samples is indexed. */
  deleteByFile(file: string): Promise<void>
  /** Samples that name a segment which is not there are in none. Returns how many they were. */
  releaseLost(): Promise<number>

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
