import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Failure } from '../errors/index.ts'
import { MULTIPLIER, PLAIN_SEED, WIDE_SEED } from './gram.ts'
import { encodeSignature, HEAD_BYTES, MAX_BITS, MIN_BITS, type SampleDigests } from './signature.ts'

/**
 * Making signatures.
 *
 * How many bits a sample deserves depends on how many different windows it has, which is only known afterwards. So the
 * bits are set in an array that is large enough for the worst case (every window different), and the array is then
 * halved for as long as no more than the target fill of the bits stay set. Since a bit number is the top end of the hash,
 * a bit of the half as large array is two neighbouring bits, or-ed: no window is hashed twice.
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

/** A sample that sets more than this part of MAX_BITS cannot be filtered usefully: it gets no bits. */
export const SATURATED_FILL = 0.8

/** Bytes are gathered here, aligned, before their windows are marked. */
const GATHER_BYTES = 1 << 16
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
      if (++part % 8 === 0 && builder.isOverfull()) break
    }
    if (!builder.isOverfull()) return builder.finish(digests, signers)
  }
  const builder = new SignatureBuilder(size)
  for (const chunk of chunks()) builder.update(chunk)
  return builder.finish(digests, signers)
}

/** Signs a sample that arrives in chunks, in order. The record is the same as that of `sign`. */
export class SignatureBuilder {
  readonly #size: number
  readonly #bits: Int32Array
  readonly #head = new Uint8Array(HEAD_BYTES)
  readonly #gathered: Uint8Array
  readonly #gatheredWords: Int32Array
  #gatheredLength = 0
  #received = 0

  /**
   * `size` is the sample's size in bytes; the chunks must add up to it. `share` below 1 starts with so much smaller an
   * array than the worst case needs: then ask `isOverfull`, and if so, start again without it.
   */
  constructor(size: number, share = 1) {
    this.#size = size
    // At most `size` different windows: 1.5 bits for each keep even the worst case below a fill of 0.49.
    this.#bits = new Int32Array(powerOfTwoAtLeast(1.5 * size * share) / 32)
    this.#gatheredWords = new Int32Array(Math.max(16, Math.min(GATHER_BYTES, 4 * Math.ceil(size / 4))) / 4)
    this.#gathered = new Uint8Array(this.#gatheredWords.buffer)
  }

  update(chunk: Uint8Array): void {
    if (this.#received < HEAD_BYTES) this.#head.set(chunk.subarray(0, HEAD_BYTES - this.#received), this.#received)
    this.#received += chunk.length
    let taken = 0
    while (taken < chunk.length) {
      const part = chunk.subarray(taken, taken + this.#gathered.length - this.#gatheredLength)
      this.#gathered.set(part, this.#gatheredLength)
      this.#gatheredLength += part.length
      taken += part.length
      if (this.#gatheredLength === this.#gathered.length) {
        const marked = markWords(this.#gatheredWords, this.#bits)
        this.#gathered.copyWithin(0, marked)
        this.#gatheredLength -= marked
      }
    }
  }

  /** True when a larger array may be needed to keep to the target fill. */
  isOverfull(): boolean {
    // Every byte that was gathered but not marked yet can end a window in each channel.
    const set = countBits(this.#bits) + 2 * this.#gatheredLength
    return this.#bits.length * 32 < MAX_BITS && set > targetFill(this.#size) * this.#bits.length * 32
  }

  /** @throws Failure `sample.gone` when the chunks were not `size` bytes: the file changed under the reader. */
  finish(digests: SampleDigests, signers: Uint32Array | null = null): Uint8Array {
    if (this.#received !== this.#size)
      throw new Failure('sample.gone', `The sample has ${this.#received} bytes where ${this.#size} were expected.`)
    const words = this.#gatheredWords.subarray(0, this.#gatheredLength >>> 2)
    markBytes(this.#gathered.subarray(markWords(words, this.#bits), this.#gatheredLength), this.#bits)
    const bits = condense(this.#bits, targetFill(this.#size))
    return encodeSignature({
      md5: digests.md5,
      sha1: digests.sha1,
      sha256: digests.sha256,
      size: this.#size,
      head: this.#head,
      bytes: new Uint8Array(bits.buffer, 0, bits.length * 4),
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

/**
 * Sets the bits of the windows that start in all but the last two words, and tells how many bytes those are. This is
 * the loop that every byte of every sample runs through; it takes four bytes a round, so that they are loaded and folded
 * together.
 */
function markWords(words: Int32Array, bits: Int32Array): number {
  const shift = shiftFor(bits)
  const rounds = words.length - 2
  if (rounds <= 0) return 0
  let first = foldWord(words[0] as number)
  let second = foldWord(words[1] as number)
  for (let i = 0; i < rounds; i++) {
    const third = foldWord(words[i + 2] as number)
    if ((first | second | third) === 0) {
      // Runs of zeros are so common in binaries that it pays to know their windows.
      mark(bits, shift, 0, PLAIN_SEED)
      mark(bits, shift, 0, WIDE_SEED)
      continue
    }
    mark(bits, shift, first, PLAIN_SEED)
    mark(bits, shift, (first >>> 8) | (second << 24), PLAIN_SEED)
    mark(bits, shift, (first >>> 16) | (second << 16), PLAIN_SEED)
    mark(bits, shift, (first >>> 24) | (second << 8), PLAIN_SEED)
    // All four windows of eight bytes that start in `first` cover `second`, so a look at it rules out nearly all.
    if ((second & 0xff00ff00) === 0) {
      markIfWide(bits, shift, first, second)
      markIfWide(bits, shift, (first >>> 16) | (second << 16), (second >>> 16) | (third << 16))
    }
    if ((second & 0x00ff00ff) === 0) {
      markIfWide(bits, shift, (first >>> 8) | (second << 24), (second >>> 8) | (third << 24))
      markIfWide(bits, shift, (first >>> 24) | (second << 8), (second >>> 24) | (third << 8))
    }
    first = second
    second = third
  }
  return rounds * 4
}

/** Sets the bits of all windows that lie within `bytes`: the end of a sample, a few bytes. */
function markBytes(bytes: Uint8Array, bits: Int32Array): void {
  const shift = shiftFor(bits)
  const wordAt = (offset: number): number =>
    foldWord(
      (bytes[offset] as number) |
        ((bytes[offset + 1] as number) << 8) |
        ((bytes[offset + 2] as number) << 16) |
        ((bytes[offset + 3] as number) << 24),
    )
  for (let start = 0; start + 4 <= bytes.length; start++) {
    mark(bits, shift, wordAt(start), PLAIN_SEED)
    if (start + 8 <= bytes.length) markIfWide(bits, shift, wordAt(start), wordAt(start + 4))
  }
}

/** Marks a window of eight bytes if it is UTF-16LE text with characters below 256. */
function markIfWide(bits: Int32Array, shift: number, low: number, high: number): void {
  if (((low | high) & 0xff00ff00) !== 0) return
  mark(bits, shift, (low & 0xff) | ((low >>> 8) & 0xff00) | ((high & 0xff) << 16) | ((high & 0xff0000) << 8), WIDE_SEED)
}

/** How far a hash is shifted down to give a bit of the array. */
function shiftFor(bits: Int32Array): number {
  return Math.clz32(bits.length * 32) + 1
}

/** Sets the bit of a gram: `gramHash` and `bitOf` in one, without leaving 32-bit integers. */
function mark(bits: Int32Array, shift: number, gram: number, seed: number): void {
  const bit = Math.imul(gram ^ seed, MULTIPLIER) >>> shift
  bits[bit >>> 5] = (bits[bit >>> 5] as number) | (1 << bit)
}

/**
 * Folds the four bytes of a word at once. In seven bits, adding 0x3f carries into the eighth from 0x41 (`A`) on, adding
 * 0x25 from 0x5b (after `Z`) on; where the two differ and the byte is ASCII, 0x20 is set.
 */
function foldWord(word: number): number {
  const low = word & 0x7f7f7f7f
  const letters = ((low + 0x3f3f3f3f) ^ (low + 0x25252525)) & ~word & 0x80808080
  return word | (letters >>> 2)
}

/**
 * Halves a bit array, in place, while at most `fill` of it stays set. Returns the part that holds the result, which
 * is empty when the array has MAX_BITS and is too full to be of use.
 */
export function condense(bits: Int32Array, fill: number): Int32Array {
  let length = bits.length
  while (length * 32 > MIN_BITS) {
    const half = length / 2
    if (countPairs(bits.subarray(0, length)) > fill * half * 32) break
    for (let i = 0; i < half; i++) bits[i] = orPairs(bits[2 * i] as number) | (orPairs(bits[2 * i + 1] as number) << 16)
    length = half
  }
  const saturated = length * 32 === MAX_BITS && countBits(bits) > SATURATED_FILL * MAX_BITS
  return bits.subarray(0, saturated ? 0 : length)
}

/** Each pair of neighbouring bits as one bit: the 16 that are left of a word. */
function orPairs(word: number): number {
  let pairs = (word | (word >>> 1)) & 0x55555555
  pairs = (pairs | (pairs >>> 1)) & 0x33333333
  pairs = (pairs | (pairs >>> 2)) & 0x0f0f0f0f
  pairs = (pairs | (pairs >>> 4)) & 0x00ff00ff
  return (pairs | (pairs >>> 8)) & 0xffff
}

/** How many pairs of neighbouring bits have a bit set. */
function countPairs(bits: Int32Array): number {
  let count = 0
  for (let i = 0; i < bits.length; i++) {
    const word = bits[i] as number
    count += bitCount((word | (word >>> 1)) & 0x55555555)
  }
  return count
}

function countBits(bits: Int32Array): number {
  let count = 0
  for (let i = 0; i < bits.length; i++) count += bitCount(bits[i] as number)
  return count
}

function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
