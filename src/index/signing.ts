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
 *
 * Three things depend on the sample, all measured in `docs/index-design.md`:
 *
 * - A large sample has most short windows of any text. It gets its long windows as well.
 * - A *dense* sample, compressed or encrypted, hardly repeats a window, and so costs the most bits; but what is looked
 *   for is rarely in it by chance. It gets fewer bits, and no long windows: they would say what the short ones say.
 * - How full the array may be.
 */

/** From this size on a sample has its long windows marked, unless it is dense. */
export const LONG_FROM = 1 << 20

/** From this size on it matters whether a sample is dense. */
export const DENSE_FROM = 64 << 10
/** Different windows for each byte from which on it is. */
const DENSE_SHARE = 0.6

/** The largest part of the bits that may be set. */
const FILL = 0.55
const LONG_FILL = 0.67
const DENSE_FILL = 0.7
/** What cannot be kept below this with long windows, being too large, is better without them. */
const MOST_LONG_FILL = 0.7

const CHUNK_BYTES = 1 << 20

/**
 * Setting bits all over an array that does not fit into the processor's cache takes three times as long, and most files
 * need a quarter of the worst case. Where a sample is at hand to be read again, an array of that size is tried first.
 */
const HOPEFUL_SHARE = 0.25
const HOPEFUL_FROM = LONG_FROM

/** What the engine says of a sample, as far as it is known: see signers.ts and program.ts. */
export interface EngineFacts {
  readonly signers: Uint32Array | null
  readonly program: Uint32Array | null
}

export const nothingKnown: EngineFacts = { signers: null, program: null }
/** Of what is no Windows program. */
export const noProgram: EngineFacts = { signers: new Uint32Array(0), program: new Uint32Array(0) }

/** The signature record of a sample that is in memory. */
export function sign(bytes: Uint8Array, digests: SampleDigests, facts: EngineFacts = nothingKnown): Uint8Array {
  return signReadable(bytes.length, digests, facts, function* () {
    for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES)
  })
}

/**
 * The signature record of a file, read in chunks with bounded memory (at most MAX_BITS and a chunk).
 * Errors of the file system are passed on.
 */
export function signFile(path: string, digests: SampleDigests, facts: EngineFacts = nothingKnown): Uint8Array {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const chunk = new Uint8Array(Math.min(CHUNK_BYTES, size + 1))
    return signReadable(size, digests, facts, function* () {
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
  facts: EngineFacts,
  chunks: () => Iterable<Uint8Array>,
): Uint8Array {
  let isLong = size >= LONG_FROM
  if (size >= HOPEFUL_FROM) {
    const builder = new SignatureBuilder(size, HOPEFUL_SHARE)
    for (const chunk of chunks()) builder.update(chunk)
    if (!builder.isOverfull()) return builder.finish(digests, facts)
    // A dense sample is spared the work.
    isLong = builder.hasLong()
  }
  const builder = new SignatureBuilder(size, 1, isLong)
  for (const chunk of chunks()) builder.update(chunk)
  return builder.finish(digests, facts)
}

/**
 * Signs a sample that arrives in chunks, in order. The record is the same as that of `sign`. Samples are signed one after
 * the other: what is signed later takes the memory.
 */
export class SignatureBuilder {
  readonly #size: number
  readonly #bits: SampleBits
  readonly #isLong: boolean
  /** Of the arrays that are tried for a sample of this size. */
  readonly #shortest: number
  readonly #head = new Uint8Array(HEAD_BYTES)
  #received = 0
  #content: Content | null = null

  /**
   * `size` is the sample's size in bytes; the chunks must add up to it. `share` below 1 takes so much smaller an array
   * than the worst case needs: then ask `isOverfull` after the last chunk, and if so, start again without it, and with
   * the answer of `hasLong` as `isLong`.
   */
  constructor(size: number, share = 1, isLong = size >= LONG_FROM) {
    this.#size = size
    const wanted = (part: number) => powerOfTwoAtLeast(bitsForAll(size) * part)
    this.#isLong = isLong
    this.#bits = new SampleBits(wanted(share), isLong)
    this.#shortest = wanted(size >= HOPEFUL_FROM ? HOPEFUL_SHARE : 1)
  }

  update(chunk: Uint8Array): void {
    if (this.#received < HEAD_BYTES) this.#head.set(chunk.subarray(0, HEAD_BYTES - this.#received), this.#received)
    this.#received += chunk.length
    this.#bits.mark(chunk)
  }

  /** Whether a larger array is needed to keep to the target fill. To be asked when all chunks were given. */
  isOverfull(): boolean {
    const { length } = this.#bits
    const { fill, hasLong } = this.#end()
    return length < MAX_BITS && (hasLong ? this.#bits.countWithLong() : this.#bits.count()) > fill * length
  }

  /** Whether the long windows are worth their bits. To be asked when all chunks were given. */
  hasLong(): boolean {
    return this.#end().hasLong
  }

  /** Marks the last windows and decides what the signature is made of, in the same way whichever array was tried. */
  #end(): Content {
    if (this.#content !== null) return this.#content
    const bits = this.#bits
    bits.markEnd()
    const isDense = this.#size >= DENSE_FROM && bits.distinct(this.#shortest) > DENSE_SHARE * this.#size
    const isLong = this.#isLong && !isDense
    const hasLong = isLong && (bits.length < MAX_BITS || bits.countWithLong() <= MOST_LONG_FILL * MAX_BITS)
    this.#content = { fill: isDense ? DENSE_FILL : hasLong ? LONG_FILL : FILL, hasLong }
    return this.#content
  }

  /** @throws Failure `sample.gone` when the chunks were not `size` bytes: the file changed under the reader. */
  finish(digests: SampleDigests, facts: EngineFacts = nothingKnown): Uint8Array {
    if (this.#received !== this.#size)
      throw new Failure('sample.gone', `The sample has ${this.#received} bytes where ${this.#size} were expected.`)
    const { fill, hasLong } = this.#end()
    if (hasLong) this.#bits.addLong()
    const bytes = this.#bits.condense(fill)
    return encodeSignature({
      md5: digests.md5,
      sha1: digests.sha1,
      sha256: digests.sha256,
      size: this.#size,
      head: this.#head,
      bytes,
      hasLong: hasLong && bytes.length > 0,
      signers: facts.signers,
      program: facts.program,
    })
  }
}

/** What a sample turned out to be. */
interface Content {
  /** The largest part of the bits that may be set. */
  readonly fill: number
  readonly hasLong: boolean
}

/**
 * Bits enough for every sample of a size. At most `size` different windows: 1.5 bits for each keep even the worst case
 * below a fill of 0.49. What has long windows has at most 0.6 short and one long for each byte, which 2 bits hold.
 */
function bitsForAll(size: number): number {
  return (size < LONG_FROM ? 1.5 : 2) * size
}

/** The power of two within [MIN_BITS, MAX_BITS] that is at least `wanted`, as far as MAX_BITS allows. */
function powerOfTwoAtLeast(wanted: number): number {
  let bits = MIN_BITS
  while (bits < wanted && bits < MAX_BITS) bits *= 2
  return bits
}
