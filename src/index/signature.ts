import { crc32 } from 'node:zlib'
import { Failure } from '../errors/index.ts'
import { bitOf, type Channel, gramHash, longGramHash, type WindowKind, windowKinds } from './gram.ts'
import { PROGRAM_WORDS } from './program.ts'

/**
 * The signature record: what the index knows of one sample, by itself. Little-endian throughout.
 *
 * ```
 * offset size
 *      0    4  magic "BTsg"
 *      4    2  version, 5: windows and hashes as in gram.ts
 *      6    2  W, the number of words of the program: 0 or PROGRAM_WORDS; 0xffff: not known (program.ts)
 *      8    4  CRC-32 of everything from offset 12 on, begun with the version and, above it, W; in versions 1 and 2,
 *              with 0, in version 3, with 3
 *     12    4  M, the number of bits: a power of two from MIN_BITS to MAX_BITS, or 0: too varied to filter; plus the
 *              number of the kind of windows whose bits they are, its place in `windowKinds`
 *     16    8  size of the sample in bytes, as a float64 (exact up to 2^53)
 *     24   64  the first HEAD_BYTES bytes of the sample, zeros beyond its end
 *     88   16  MD5
 *    104   20  SHA-1
 *    124   32  SHA-256
 *    156    4  S, the number of signers; 0xffffffff: not known (signers.ts)
 *    160  M/8  the bits; bit i is bit (i & 7) of byte (i >> 3)
 *      …   4S  the signers' hashes, ascending
 *      …   4W  the program
 * ```
 *
 * Version 1 has 0 at offset 156: signers that are not known. Versions 1 and 2 have short windows only. Versions 1 to 3
 * have 0 at offset 6: a program that is not known. Versions 3 and 4 have short or long windows, version 5 all kinds.
 */
export const RECORD_MAGIC = 0x67735442
export const RECORD_VERSION = 5
export const RECORD_HEADER_BYTES = 160

/** How many of a sample's first bytes the index stores. */
export const HEAD_BYTES = 64

/** The sizes that a bit array may have: the powers of two in this range. */
export const MIN_BITS = 64
export const MAX_BITS = 2 ** 28

const CHECKSUM_OFFSET = 8
const CHECKED_FROM = 12
const BITS_OFFSET = 12
const SIZE_OFFSET = 16
const HEAD_OFFSET = 24
const MD5_OFFSET = 88
const SHA1_OFFSET = 104
const SHA256_OFFSET = 124
const SIGNERS_OFFSET = 156
const SIGNERS_UNKNOWN = 0xffffffff
const PROGRAM_OFFSET = 6
const NO_PROGRAM_KNOWN = 0xffff

/** The digests that the index stores beside the bits: 16, 20 and 32 bytes. */
export interface SampleDigests {
  readonly md5: Uint8Array
  readonly sha1: Uint8Array
  readonly sha256: Uint8Array
}

/** What a record is made of; `head` may be shorter than HEAD_BYTES, `bytes` is empty when M is 0. */
export interface SignatureParts extends SampleDigests {
  readonly size: number
  readonly head: Uint8Array
  readonly bytes: Uint8Array
  /** Which windows have their bits among the bits; of the others nothing is known. `short` where there are no bits. */
  readonly kind: WindowKind
  /** Hashes of the signers, ascending; null where they are not known. */
  readonly signers: Uint32Array | null
  /** As program.ts lays it out; null where it is not known. */
  readonly program: Uint32Array | null
}

/** Lays out a record. */
export function encodeSignature(parts: SignatureParts): Uint8Array {
  const { signers, program } = parts
  const words = [...(signers ?? []), ...(program ?? [])]
  const record = new Uint8Array(RECORD_HEADER_BYTES + parts.bytes.length + 4 * words.length)
  const fields = new DataView(record.buffer)
  fields.setUint32(0, RECORD_MAGIC, true)
  fields.setUint16(4, RECORD_VERSION, true)
  fields.setUint32(BITS_OFFSET, parts.bytes.length * 8 + windowKinds.indexOf(parts.kind), true)
  fields.setFloat64(SIZE_OFFSET, parts.size, true)
  fields.setUint32(SIGNERS_OFFSET, signers?.length ?? SIGNERS_UNKNOWN, true)
  fields.setUint16(PROGRAM_OFFSET, program?.length ?? NO_PROGRAM_KNOWN, true)
  words.forEach((word, i) => {
    fields.setUint32(RECORD_HEADER_BYTES + parts.bytes.length + 4 * i, word, true)
  })
  record.set(parts.head.subarray(0, HEAD_BYTES), HEAD_OFFSET)
  for (const [algorithm, offset, length] of [
    ['md5', MD5_OFFSET, 16],
    ['sha1', SHA1_OFFSET, 20],
    ['sha256', SHA256_OFFSET, 32],
  ] as const) {
    const digest = parts[algorithm]
    if (digest.length !== length) throw new TypeError(`a ${algorithm} digest has ${length} bytes, not ${digest.length}`)
    record.set(digest, offset)
  }
  record.set(parts.bytes, RECORD_HEADER_BYTES)
  fields.setUint32(CHECKSUM_OFFSET, checksumOf(record, RECORD_VERSION), true)
  return record
}

function checksumOf(record: Uint8Array, version: number): number {
  // A record that is taken for one of another version would be read wrongly.
  const words = (record[PROGRAM_OFFSET] as number) + 256 * (record[PROGRAM_OFFSET + 1] as number)
  return crc32(record.subarray(CHECKED_FROM), version < 3 ? 0 : version + 65536 * words)
}

/** True for the numbers of bits that a signature may have, 0 included. */
export function isSignatureSize(bits: number): boolean {
  return bits === 0 || (bits >= MIN_BITS && bits <= MAX_BITS && Number.isInteger(Math.log2(bits)))
}

/** A signature record, read. The arrays share the record's memory. */
export class SignatureView {
  /** Size of the sample in bytes. */
  readonly size: number
  /** The first HEAD_BYTES bytes; all there are of a shorter sample. */
  readonly head: Uint8Array
  readonly md5: Uint8Array
  readonly sha1: Uint8Array
  readonly sha256: Uint8Array
  /** Size of the bit array, M; 0 when the sample is too varied to filter: then it is always a candidate. */
  readonly bits: number
  /** The bit array, M/8 bytes; bit i is bit `i & 7` of byte `i >> 3`. */
  readonly bytes: Uint8Array
  /** Which windows have their bits among the bits; of the others nothing is known. */
  readonly kind: WindowKind
  /** Hashes of the signers, ascending; null where they are not known. */
  readonly signers: Uint32Array | null
  /** As program.ts lays it out; null where it is not known. */
  readonly program: Uint32Array | null

  private constructor(record: Uint8Array, fields: DataView, version: number) {
    this.size = fields.getFloat64(SIZE_OFFSET, true)
    this.head = record.subarray(HEAD_OFFSET, HEAD_OFFSET + Math.min(HEAD_BYTES, this.size))
    this.md5 = record.subarray(MD5_OFFSET, MD5_OFFSET + 16)
    this.sha1 = record.subarray(SHA1_OFFSET, SHA1_OFFSET + 20)
    this.sha256 = record.subarray(SHA256_OFFSET, SHA256_OFFSET + 32)
    const bits = fields.getUint32(BITS_OFFSET, true)
    const kind = bits % MIN_BITS
    this.kind = windowKinds[kind] ?? 'short'
    // Of a version that does not have the kind, the size is impossible.
    this.bits = kind <= highestKind(version) ? bits - kind : bits
    const end = RECORD_HEADER_BYTES + this.bits / 8
    this.bytes = record.subarray(RECORD_HEADER_BYTES, end)
    const signers = version === 1 ? SIGNERS_UNKNOWN : fields.getUint32(SIGNERS_OFFSET, true)
    const program = version < 4 ? NO_PROGRAM_KNOWN : fields.getUint16(PROGRAM_OFFSET, true)
    // Copied, to be aligned; a Buffer's own `slice` would not copy.
    const words = new Uint32Array(
      Uint8Array.from(record.subarray(end)).buffer,
      0,
      Math.max(0, record.length - end) >> 2,
    )
    this.signers = signers === SIGNERS_UNKNOWN ? null : words.slice(0, signers)
    this.program = program === NO_PROGRAM_KNOWN ? null : words.slice(this.signers?.length ?? 0)
  }

  /** Checks the record's form, version and checksum. @throws Failure `signature.damaged` */
  static of(record: Uint8Array): SignatureView {
    const fields = new DataView(record.buffer, record.byteOffset, record.byteLength)
    if (record.length < RECORD_HEADER_BYTES || fields.getUint32(0, true) !== RECORD_MAGIC)
      throw new Failure('signature.damaged', 'This is not a signature record.')
    const version = fields.getUint16(4, true)
    if (version < 1 || version > RECORD_VERSION)
      throw new Failure(
        'signature.damaged',
        `The signature record has version ${version}; this program reads 1 to ${RECORD_VERSION}.`,
      )
    const words = fields.getUint16(PROGRAM_OFFSET, true)
    const isProgram = version < 4 ? words === 0 : [0, PROGRAM_WORDS, NO_PROGRAM_KNOWN].includes(words)
    if (!isProgram || fields.getUint32(CHECKSUM_OFFSET, true) !== checksumOf(record, version))
      throw new Failure('signature.damaged', 'The checksum of the signature record is wrong.')
    const view = new SignatureView(record, fields, version)
    const expected =
      RECORD_HEADER_BYTES + view.bits / 8 + 4 * ((view.signers?.length ?? 0) + (view.program?.length ?? 0))
    if (!isSignatureSize(view.bits) || record.length !== expected)
      throw new Failure('signature.damaged', 'The signature record has an impossible size.')
    return view
  }

  /** False proves that the window is not in the sample. */
  has(channel: Channel, gram: number): boolean {
    return this.hasHash(gramHash(channel, gram))
  }

  /** False proves that the long window is not in the sample. */
  hasLongGram(channel: Channel, gram: number): boolean {
    return this.kind !== 'long' || this.hasHash(longGramHash(channel, gram))
  }

  /** False proves that the text window with this hash is not in the sample. */
  hasText(hash: number): boolean {
    return this.kind !== 'text' || this.hasHash(hash)
  }

  /** False proves that the word that has this hash is not in the sample. */
  hasWord(hash: number): boolean {
    return !hasWords(this.kind) || this.hasHash(hash)
  }

  /** `has`, with the window's `gramHash` computed before. */
  hasHash(hash: number): boolean {
    if (this.bits === 0) return true
    const bit = bitOf(hash, this.bits)
    return ((this.bytes[bit >>> 3] as number) & (1 << (bit & 7))) !== 0
  }
}

/** The number of the highest kind of windows that records of a version have. */
function highestKind(version: number): number {
  return version < 3 ? 0 : version < 5 ? 1 : windowKinds.length - 1
}

/** Whether the bits of words are among those of the kind. */
export function hasWords(kind: WindowKind): boolean {
  return kind === 'words' || kind === 'text'
}

/**
 * Whether two records can be of the same sample. What one of them does not tell is left out: the signers, the kinds of
 * windows that the other has, and bits that a smaller array has or-ed; versions of this program differ in how many bits a sample gets.
 */
export function agree(one: Uint8Array, other: Uint8Array): boolean {
  if (Buffer.compare(one, other) === 0) return true
  const [first, second] = [SignatureView.of(one), SignatureView.of(other)]
  const signers = first.signers !== null && second.signers !== null
  const program = first.program !== null && second.program !== null
  const facts = [first, second].map((view) =>
    encodeSignature({
      ...view,
      bytes: new Uint8Array(0),
      kind: 'short',
      signers: signers ? view.signers : null,
      program: program ? view.program : null,
    }),
  ) as [Uint8Array, Uint8Array]
  return Buffer.compare(...facts) === 0 && bitsAgree(first, second)
}

function bitsAgree(first: SignatureView, second: SignatureView): boolean {
  const bits = Math.min(first.bits, second.bits)
  // One of them was too varied to filter.
  if (bits === 0) return true
  const [some, others] = [shortened(first, bits), shortened(second, bits)]
  if (first.kind === second.kind) return Buffer.compare(some, others) === 0
  const isFirstMore = windowKinds.indexOf(first.kind) > windowKinds.indexOf(second.kind)
  const [few, many] = isFirstMore ? [others, some] : [some, others]
  // Each has windows that the other does not have.
  if ((isFirstMore ? second : first).kind === 'long') return true
  return few.every((byte, i) => (byte & ~(many[i] as number)) === 0)
}

/** The bit array that the same windows have in `bits` bits, which are not more than there are. */
function shortened(view: SignatureView, bits: number): Uint8Array {
  const bytes = new Uint8Array(bits / 8)
  const shift = Math.log2(view.bits / bits)
  view.bytes.forEach((byte, at) => {
    for (let rest = byte; rest !== 0; rest &= rest - 1) {
      const bit = (at * 8 + 31 - Math.clz32(rest & -rest)) >>> shift
      bytes[bit >>> 3] = (bytes[bit >>> 3] as number) | (1 << (bit & 7))
    }
  })
  return bytes
}
