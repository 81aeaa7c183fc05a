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
 * - A large sample has most short windows of any text. It gets its text windows as well, unless it is mostly text with
 *   hardly a repetition, where these would cost more than they tell.
 * - A *dense* sample, compressed or encrypted, hardly repeats a window, and so costs the most bits; but what is looked
 *   for is rarely in it by chance. It gets fewer bits, and no text windows: they would say what the short ones say.
 * - How full the array may be.
 */

/** From this size on a sample may have its text windows marked. */
export const TEXT_FROM = 1 << 20

/** From this size on it matters whether a sample is dense. */
export const DENSE_FROM = 64 << 10
/** Different windows for each byte from which on it is. */
const DENSE_SHARE = 0.6

/** The largest part of the bits that may be set. */
const FILL = 0.55
const TEXT_FILL = 0.45
const DENSE_FILL = 0.7
/** What cannot be kept below this with text windows, being too large, is better without them. */
const MOST_TEXT_FILL = 0.6
/** Different windows for each byte, text windows and words among them, above which the text windows are left out. */
const MOST_WINDOWS = 0.8

const CHUNK_BYTES = 1 << 20

/**
 * Of the bits of a large sample, so many of the first tell how many there will be, and whether it is dense. Setting bits all
 * over an array that does not fit into the processor's cache takes three times as long as in one that does, and most files
 * need a quarter of the worst case or less. So where a sample is at hand to be read again, these first bits are set by
 * themselves, and then all of them in an array of the right length. With this many, the estimate is off by a hundredth.
 */
const TELLING_PART = 1 / 128
const TELLING_BITS = 1 << 15
/** What an estimate may be off; where it is by more, the sample is read once more. */
const FILL_MARGIN = 0.01

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
  const all = bitsForAll(size)
  if (size < TEXT_FROM) return signIn(new SignatureBuilder(size)).finish(digests, facts)
  const first = new SampleBits(all, 'apart', tellingBits(all))
  for (const chunk of chunks()) first.mark(chunk)
  first.markEnd()
  const content = contentOf(size, first)
  for (let length = lengthFor(content, all); ; length *= 2) {
    const builder = signIn(new SignatureBuilder(size, { length, content }))
    if (length === all || !builder.isOverfull()) return builder.finish(digests, facts)
  }

  function signIn(builder: SignatureBuilder): SignatureBuilder {
    for (const chunk of chunks()) builder.update(chunk)
    return builder
  }
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
  #content: Content | null
  #isEnded = false

  /**
   * `size` is the sample's size in bytes; the chunks must add up to it. Where it is known what the sample is made of, `known`
   * has that and the length of an array: then ask `isOverfull` after the last chunk.
   */
  constructor(size: number, known: { readonly length: number; readonly content: Content } | null = null) {
    this.#size = size
    this.#content = known?.content ?? null
    if (known !== null) this.#bits = new SampleBits(known.length, known.content.hasText ? 'together' : 'none')
    else this.#bits = new SampleBits(bitsForAll(size), size >= TEXT_FROM ? 'apart' : 'none')
  }

  update(chunk: Uint8Array): void {
    if (this.#received < HEAD_BYTES) this.#head.set(chunk.subarray(0, HEAD_BYTES - this.#received), this.#received)
    this.#received += chunk.length
    this.#bits.mark(chunk)
  }

  /** Whether a larger array is needed to keep to the target fill. To be asked when all chunks were given. */
  isOverfull(): boolean {
    const { fill, hasText } = this.#end()
    const { length } = this.#bits
    return (hasText ? this.#bits.countWithText() : this.#bits.count()) > fill * length
  }

  /** Marks the last windows, and tells what the sample is made of. */
  #end(): Content {
    if (!this.#isEnded) this.#bits.markEnd()
    this.#isEnded = true
    this.#content ??= contentOf(this.#size, this.#bits)
    return this.#content
  }

  /** @throws Failure `sample.gone` when the chunks were not `size` bytes: the file changed under the reader. */
  finish(digests: SampleDigests, facts: EngineFacts = nothingKnown): Uint8Array {
    if (this.#received !== this.#size)
      throw new Failure('sample.gone', `The sample has ${this.#received} bytes where ${this.#size} were expected.`)
    const { fill, hasText } = this.#end()
    if (hasText) this.#bits.addText()
    const bytes = this.#bits.condense(fill)
    return encodeSignature({
      md5: digests.md5,
      sha1: digests.sha1,
      sha256: digests.sha256,
      size: this.#size,
      head: this.#head,
      bytes,
      kind: bytes.length === 0 ? 'short' : hasText ? 'text' : 'words',
      signers: facts.signers,
      program: facts.program,
    })
  }
}

/** What a sample turned out to be. */
interface Content {
  /** The largest part of the bits that may be set. */
  readonly fill: number
  readonly hasText: boolean
  /** How many different windows have their bits set, about. */
  readonly windows: number
}

/** Told by the first bits of an array for the worst case, whether or not the others are there. */
function contentOf(size: number, bits: SampleBits): Content {
  const { length } = bits
  const mayHaveText = size >= TEXT_FROM
  const looked = mayHaveText ? tellingBits(length) : length
  const short = different(bits.count(looked) / looked, length)
  const isDense = size >= DENSE_FROM && short > DENSE_SHARE * size
  const fillWithText = mayHaveText ? bits.countWithText(looked) / looked : 1
  const withText = different(fillWithText, length)
  const isBearable = withText <= MOST_WINDOWS * size && (length < MAX_BITS || fillWithText <= MOST_TEXT_FILL)
  const hasText = mayHaveText && !isDense && isBearable
  return {
    fill: isDense ? DENSE_FILL : hasText ? TEXT_FILL : FILL,
    hasText,
    windows: hasText ? withText : short,
  }
}

function tellingBits(length: number): number {
  return Math.min(TELLING_BITS, TELLING_PART * length)
}

/** How many different windows have set so large a part of the bits. */
function different(fill: number, length: number): number {
  return fill === 1 ? Number.POSITIVE_INFINITY : -length * Math.log(1 - fill)
}

/** The shortest array that these windows fill no more than they may; it may turn out to be too short. */
function lengthFor({ windows, fill }: Content, longest: number): number {
  let length = MIN_BITS
  while (length < longest && 1 - Math.exp(-windows / length) > fill - FILL_MARGIN) length *= 2
  return length
}

/**
 * Bits enough for every sample of a size, a power of two. At most `size` different short windows, and half as many bits of
 * words: 1.5 bits for each byte keep all but made-up samples below a fill of 0.49. What has text windows has at most 0.8 of
 * all kinds for each byte, which 2 bits hold.
 */
function bitsForAll(size: number): number {
  return powerOfTwoAtLeast((size < TEXT_FROM ? 1.5 : 2) * size)
}

/** The power of two within [MIN_BITS, MAX_BITS] that is at least `wanted`, as far as MAX_BITS allows. */
function powerOfTwoAtLeast(wanted: number): number {
  let bits = MIN_BITS
  while (bits < wanted && bits < MAX_BITS) bits *= 2
  return bits
}
