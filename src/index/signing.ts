import type { SampleDigests } from './signature.ts'

/** The signature record of a sample that is in memory. */
export declare function sign(bytes: Uint8Array, digests: SampleDigests): Uint8Array

/** The signature record of a file, read in chunks with bounded memory. */
export declare function signFile(path: string, digests: SampleDigests): Uint8Array

/** Signs a sample that arrives in chunks, in order. The record is the same as that of `sign`. */
export declare class SignatureBuilder {
  /** `size` is the sample's size in bytes; the chunks must add up to it. */
  constructor(size: number)
  update(chunk: Uint8Array): void
  finish(digests: SampleDigests): Uint8Array
}
