export type HashAlgorithm = 'md5' | 'sha1' | 'sha256'

/** Samples of a segment whose signatures have the same size. All columns of a group are in the same order. */
export interface SegmentGroup {
  /** M; 0: these samples have no bits and are candidates for every gram. */
  readonly bits: number
  readonly count: number
  /** 32-bit words of a row of this group: `ceil(count / 32)`. */
  readonly words: number
  /** Sample ids, ascending within the group. */
  readonly ids: Uint32Array
  /** Sample sizes in bytes. */
  readonly sizes: Float64Array
  /** Byte `position` (below HEAD_BYTES) of every sample; 0 where the sample is shorter: look at `sizes`. */
  head(position: number): Uint8Array
  /** The digests, one after the other: `count` times 16, 20 or 32 bytes. */
  digests(algorithm: HashAlgorithm): Uint8Array
  /**
   * Reads rows: bit `s & 31` of word `i * words + (s >> 5)` of `into` tells whether sample `s` of the group has bit
   * `rows[i]` (of `bitOf(hash, group.bits)`). `rows` must ascend (repeats allowed); bits at and beyond `count` are 0.
   * Neighbouring rows are read together. @throws Failure `segment.damaged`
   */
  readRows(rows: Uint32Array, into: Uint32Array): void
}

/** An open segment file. */
export declare class SegmentReader {
  /** Checks header, directory and length. @throws Failure `segment.damaged`, also when the file is missing. */
  static open(path: string): SegmentReader
  readonly path: string
  readonly samples: number
  readonly firstId: number
  readonly lastId: number
  /** Size of the file. */
  readonly bytes: number
  readonly groups: readonly SegmentGroup[]
  /** Reads everything and verifies every checksum. @throws Failure `segment.damaged` */
  check(): void
  /** Every sample's signature record, by ascending id. Reads the whole segment. */
  records(): Generator<{ readonly id: number; readonly record: Uint8Array }>
  close(): void
}
