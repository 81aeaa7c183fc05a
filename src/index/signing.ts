import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Failure } from '../errors/index.ts'
import { SampleBits } from './sample-bits.ts'
import { encodeSignature, HEAD_BYTES, MAX_BITS, MIN_BITS, type SampleDigests } from './signature.ts'

/**
 * Making signatures.
 *
 * How many bits a sample deserves depends on how many different windows it has, which is only known afterwards. So the
 * bits are set in an array that is large enough for the worst case (every window different), and the array is then
 * halved for as long as no more than the target fill of the bits stay set. Since a bit number is the top end of the hash,
 * a bit of the half as large array is two neighbouring bits, or-ed: no window is hashed twice. `sample-bits.ts` does it.
 */

/**
 * The largest part of the bits that may be set in the signature of a sample of `size` bytes. Large samples have most
 * windows, so they pass by chance most often, and they cost most to read in vain: they get more bits.
 * `docs/index-design.md` has the measurements behind it.
 */
function targetFill(size: number): number {
  return size < LARGE_FROM ? 0.55 : 0.4
}

const LARGE_FROM = 8 << 20

const CHUNK_BYTES = 1 << 20

/**
 * Setting bits all over an array that does not fit into the processor's cache takes three times as long, and most files
 * need a quarter of the worst case. Where a sample is at hand to be read again, an array of that size is tried first.
 */
const HOPEFUL_SHARE = 0.25
const HOPEFUL_FROM = 4 << 20

/** The signature record of a sample that is in memory, with the hashes of its signers as far as they are known. */
export function sign(bytes: Uint8Array, digests: SampleDigests, signers: Uint32Array | null = null): Uint8Array {
  return signReadable(bytes.length, digests, signers, function* () {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES)
  })
}

/**
 * The signature record of a file, read in chunks with bounded memory (at most MAX_BITS and a chunk).
 * Errors of the file system are passed on.
 */
export function signFile(path: string, digests: SampleDigests, signers: Uint32Array | null = null): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size + 1))
    return signReadable(size, digests, signers, function* () {
      let position = 0
      for (let length = -1; length !== 0; position += length) {
        length = readSync(file, chunk, 0, chunk.length, position)
        yield chunk.subarray(0, length)
      }
    })
  } finally {
    closeSync(file)
  }
}

/** Signs a sample whose chunks can be had more than once. */
function signReadable(
  size: number,
  digests: SampleDigests,
  signers: Uint32Array | null,
  chunks: () => Iterable<Uint8Array>,
): Uint8Array {
  if (size >= HOPEFUL_FROM) {
    const builder = new SignatureBuilder(size, HOPEFUL_SHARE)
    let part = 0
    for (const chunk of chunks()) {
      builder.update(chunk)
      if (++part % 2 === 0 && builder.isOverfull()) break
    }
    if (!builder.isOverfull()) return builder.finish(digests, signers)
  }
  const builder = new SignatureBuilder(size)
  for (const chunk of chunks()) builder.update(chunk)
  return builder.finish(digests, signers)
}

/**
 * Signs a sample that arrives in chunks, in order. The record is the same as that of `sign`. Samples are signed one after
 * the other: what is signed later takes the memory.
 */
export class SignatureBuilder {
  readonly #size: number
  readonly #bits: SampleBits
  readonly #head = new Uint8Array(HEAD_BYTES)
  #received = 0

  /**
   * `size` is the sample's size in bytes; the chunks must add up to it. `share` below 1 starts with so much smaller an
   * array than the worst case needs: then ask `isOverfull`, and if so, start again without it.
   */
  constructor(size: number, share = 1) {
    this.#size = size
    // At most `size` different windows: 1.5 bits for each keep even the worst case below a fill of 0.49.
    this.#bits = new SampleBits(powerOfTwoAtLeast(1.5 * size * share))
  }

  update(chunk: Uint8Array): void {
    if (this.#received < HEAD_BYTES) this.#head.set(chunk.subarray(0, HEAD_BYTES - this.#received), this.#received)
    this.#received += chunk.length
    this.#bits.mark(chunk)
  }

  /** True when a larger array may be needed to keep to the target fill. */
  isOverfull(): boolean {
    const { length } = this.#bits
    return length < MAX_BITS && this.#bits.count() > targetFill(this.#size) * length
  }

  /** @throws Failure `sample.gone` when the chunks were not `size` bytes: the file changed under the reader. */
  finish(digests: SampleDigests, signers: Uint32Array | null = null): Uint8Array {
    if (this.#received !== this.#size)
      throw new Failure('sample.gone', `The sample has ${this.#received} bytes where ${this.#size} were expected.`)
    this.#bits.markEnd()
    return encodeSignature({
      md5: digests.md5,
      sha1: digests.sha1,
      sha256: digests.sha256,
      size: this.#size,
      head: this.#head,
      bytes: this.#bits.condense(targetFill(this.#size)),
      signers,
    })
  }
}

/** The power of two within [MIN_BITS, MAX_BITS] that is at least `wanted`, as far as MAX_BITS allows. */
function powerOfTwoAtLeast(wanted: number): number {
  let bits = MIN_BITS
  while (bits < wanted && bits < MAX_BITS) bits *= 2
  return bits
}
