import type { Channel } from './gram.ts'

/** How many of a sample's first bytes the index stores. */
export const HEAD_BYTES = 64

/** The digests that the index stores beside the bits: 16, 20 and 32 bytes. */
export interface SampleDigests {
  readonly md5: Uint8Array
  readonly sha1: Uint8Array
  readonly sha256: Uint8Array
}

/** A signature record, read. Views share the record's memory. */
export declare class SignatureView {
  /** Checks the record's version and checksum. @throws Failure `signature.damaged` */
  static of(record: Uint8Array): SignatureView
  /** Size of the sample in bytes. */
  readonly size: number
  /** The first `min(HEAD_BYTES, size)` bytes. */
  readonly head: Uint8Array
  readonly md5: Uint8Array
  readonly sha1: Uint8Array
  readonly sha256: Uint8Array
  /** Size of the bit array, M; 0 when the sample is too varied to filter: then it is always a candidate. */
  readonly bits: number
  /** M/8 bytes; bit i is bit `i & 7` of byte `i >> 3`. */
  readonly bytes: Uint8Array
  /** False proves that the window is not in the sample. */
  has(channel: Channel, gram: number): boolean
  /** `has`, with the window's `gramHash` computed before. */
  hasHash(hash: number): boolean
}
