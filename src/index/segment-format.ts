import { crc32 } from 'node:zlib'
import { Failure } from '../errors/index.ts'
import { type WindowKind, windowKinds } from './gram.ts'
import { PROGRAM_WORDS } from './program.ts'
import { HEAD_BYTES, isSignatureSize } from './signature.ts'

/**
 * The segment file, version 5: the signatures of many samples, arranged for looking up. Immutable once written.
 * Little-endian throughout. `n` is the number of samples.
 *
 * ```
 * header      64 bytes
 * body        directory   16 bytes a group: M, number of samples, layout, kind of windows
 *             ids         4n   uint32
 *             sizes       8n   float64
 *             heads       64n  HEAD_BYTES columns of n bytes: byte 0 of every sample, byte 1 of every sample, …
 *             md5         16n
 *             sha1        20n
 *             sha256      32n
 *             signers     n    how many signers each sample has (signers.ts); 255: not known
 *             hashes      4s   the hashes of the signers, sample after sample, ascending within one
 *             programs    n    1 for each sample that has a program (program.ts), 0 where it has none; 255: not known
 *             words       4wp  word 0 of every program, word 1 of every program, …
 *             bits        group after group
 * checksums   4 bytes for every BLOCK_BYTES of the body (the last block may be shorter): CRC-32
 * ```
 *
 * Samples are in the order of their *groups*, and of their ids within a group, in every column; so a fact about all
 * samples is one contiguous read, and a group's part of it lines up with the group's rows.
 *
 * A group holds samples with signatures of the same size M, all with the bits of the same kind of windows, which is its
 * place in `windowKinds`. Groups ascend by M; of the same M, by kind; of the same kind, the transposed one is first.
 * Layouts:
 *
 * - **transposed**: M rows of `ceil(count / 8)` bytes. Bit `s & 7` of byte `s >> 3` of row r is bit r of the group's
 *   sample s. A gram costs one row, whatever the number of samples.
 * - **loose**: signature after signature, M/8 bytes each, for the few samples that would leave a byte of every row
 *   mostly empty (`transposedCount` tells how many of a class they are).
 * - **unfiltered**: M is 0; the samples have no bits.
 *
 * Nothing in the file says where a section begins: it follows from the header and the directory, so it cannot disagree.
 *
 * The header:
 *
 * ```
 *  0  8  magic "BTsegmnt"
 *  8  4  version, 5
 * 12  4  CRC-32 of the header from offset 16 on, begun with the version; in versions 1 and 2, with 0
 * 16  4  n
 * 20  4  the lowest sample id
 * 24  4  the highest sample id
 * 28  4  number of groups
 * 32  8  size of the body in bytes, float64
 * 40  4  CRC-32 of the checksums
 * 44  4  s
 * 48  4  p, the number of programs
 * 52  4  w, the number of words of a program: PROGRAM_WORDS
 * 56  8  0
 * ```
 *
 * Version 1 has no signers and no hashes of them. Versions 1 and 2 have short windows only, versions 3 and 4 short
 * or long ones. Versions 1 to 3 have no programs.
 */
export const SEGMENT_MAGIC = Buffer.from('BTsegmnt', 'latin1')
export const SEGMENT_VERSION = 5
export const SEGMENT_HEADER_BYTES = 64
export const DIRECTORY_ENTRY_BYTES = 16

/**
 * How much of the body one checksum covers, and so the least that is read where nothing was verified before. A row of
 * the largest segments is 4,096 bytes; larger blocks make first look-ups slower, smaller ones only the table larger.
 */
export const BLOCK_BYTES = 4096

export type Layout = 'transposed' | 'loose' | 'unfiltered'
const layouts: readonly Layout[] = ['transposed', 'loose', 'unfiltered']

export type HashAlgorithm = 'md5' | 'sha1' | 'sha256'
export const digestBytes: Readonly<Record<HashAlgorithm, number>> = { md5: 16, sha1: 20, sha256: 32 }

export interface SegmentHeader {
  readonly samples: number
  /** Hashes of signers in the file; null in version 1, which tells nothing of them. */
  readonly signers: number | null
  /** Programs in the file; null in versions 1 to 3. */
  readonly programs: number | null
  readonly firstId: number
  readonly lastId: number
  readonly groups: number
  readonly bodyBytes: number
  readonly checksumOfChecksums: number
}

export interface GroupEntry {
  readonly bits: number
  readonly count: number
  readonly layout: Layout
  /** Which windows have their bits among the bits. */
  readonly kind: WindowKind
}

/** Where the sections begin, counted from the start of the body, and where the body ends. */
export interface SectionOffsets {
  readonly ids: number
  readonly sizes: number
  readonly heads: number
  readonly digests: Readonly<Record<HashAlgorithm, number>>
  readonly signers: number
  readonly signerHashes: number
  readonly programs: number
  readonly programWords: number
  /** One for each group. */
  readonly bits: readonly number[]
  readonly end: number
}

export function sectionOffsets(
  { samples, signers, programs }: Pick<SegmentHeader, 'samples' | 'signers' | 'programs'>,
  groups: readonly GroupEntry[],
): SectionOffsets {
  const ids = groups.length * DIRECTORY_ENTRY_BYTES
  const sizes = ids + 4 * samples
  const heads = sizes + 8 * samples
  const md5 = heads + HEAD_BYTES * samples
  const sha1 = md5 + digestBytes.md5 * samples
  const sha256 = sha1 + digestBytes.sha1 * samples
  const signerCounts = sha256 + digestBytes.sha256 * samples
  const signerHashes = signerCounts + (signers === null ? 0 : samples)
  const programKinds = signerHashes + 4 * (signers ?? 0)
  const programWords = programKinds + (programs === null ? 0 : samples)
  let end = programWords + 4 * PROGRAM_WORDS * (programs ?? 0)
  const bits = groups.map((group) => {
    const start = end
    end += bitSectionBytes(group)
    return start
  })
  return {
    ids,
    sizes,
    heads,
    digests: { md5, sha1, sha256 },
    signers: signerCounts,
    signerHashes,
    programs: programKinds,
    programWords,
    bits,
    end,
  }
}

/** Size of a group's bits in bytes. */
function bitSectionBytes({ layout, bits, count }: GroupEntry): number {
  return layout === 'transposed' ? bits * Math.ceil(count / 8) : layout === 'loose' ? (bits / 8) * count : 0
}

/**
 * How many of the `count` samples of a size are transposed: all, unless filling up the last byte of every row would add
 * more than a sixteenth; then the largest multiple of eight, and the last ones by id are loose.
 */
export function transposedCount(count: number): number {
  const surplus = count % 8
  if (surplus === 0) return count
  return (8 - surplus) * 16 <= count ? count : count - surplus
}

/** In the present version. */
export function encodeHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES)
  const fields = new DataView(bytes.buffer)
  bytes.set(SEGMENT_MAGIC)
  fields.setUint32(8, SEGMENT_VERSION, true)
  fields.setUint32(16, header.samples, true)
  fields.setUint32(20, header.firstId, true)
  fields.setUint32(24, header.lastId, true)
  fields.setUint32(28, header.groups, true)
  fields.setFloat64(32, header.bodyBytes, true)
  fields.setUint32(40, header.checksumOfChecksums, true)
  fields.setUint32(44, header.signers ?? 0, true)
  fields.setUint32(48, header.programs ?? 0, true)
  fields.setUint32(52, PROGRAM_WORDS, true)
  fields.setUint32(12, headerChecksum(bytes, SEGMENT_VERSION), true)
  return bytes
}

function headerChecksum(bytes: Uint8Array, version: number): number {
  // A segment that is taken for one of another version would be read wrongly.
  return crc32(bytes.subarray(16, SEGMENT_HEADER_BYTES), version < 3 ? 0 : version)
}

/** @throws Failure `segment.damaged`; `path` is named in the message. */
export function decodeHeader(bytes: Uint8Array, path: string): SegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES || SEGMENT_MAGIC.compare(bytes.subarray(0, 8)) !== 0)
    throw damaged(path, 'it is not a segment file')
  const fields = new DataView(bytes.buffer, bytes.byteOffset, SEGMENT_HEADER_BYTES)
  const version = fields.getUint32(8, true)
  if (version < 1 || version > SEGMENT_VERSION)
    throw damaged(path, `its format has version ${version}, this program reads 1 to ${SEGMENT_VERSION}`)
  if (fields.getUint32(12, true) !== headerChecksum(bytes, version))
    throw damaged(path, 'the checksum of its header is wrong')
  if (version >= 4 && fields.getUint32(52, true) !== PROGRAM_WORDS)
    throw damaged(path, `its programs have ${fields.getUint32(52, true)} words, this program reads ${PROGRAM_WORDS}`)
  return {
    samples: fields.getUint32(16, true),
    signers: version === 1 ? null : fields.getUint32(44, true),
    programs: version < 4 ? null : fields.getUint32(48, true),
    firstId: fields.getUint32(20, true),
    lastId: fields.getUint32(24, true),
    groups: fields.getUint32(28, true),
    bodyBytes: fields.getFloat64(32, true),
    checksumOfChecksums: fields.getUint32(40, true),
  }
}

export function encodeDirectory(groups: readonly GroupEntry[]): Uint8Array {
  const words = new Uint32Array((groups.length * DIRECTORY_ENTRY_BYTES) / 4)
  groups.forEach((group, i) => {
    words.set([group.bits, group.count, layouts.indexOf(group.layout), windowKinds.indexOf(group.kind)], i * 4)
  })
  return new Uint8Array(words.buffer)
}

/** @throws Failure `segment.damaged` */
export function decodeDirectory(bytes: Uint8Array, path: string): GroupEntry[] {
  const fields = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const groups: GroupEntry[] = []
  for (let at = 0; at < bytes.length; at += DIRECTORY_ENTRY_BYTES) {
    const bits = fields.getUint32(at, true)
    const layout = layouts[fields.getUint32(at + 8, true)]
    const kind = windowKinds[fields.getUint32(at + 12, true)]
    if (
      layout === undefined ||
      kind === undefined ||
      !isSignatureSize(bits) ||
      (bits === 0) !== (layout === 'unfiltered')
    )
      throw damaged(path, 'its directory is not understood')
    groups.push({ bits, count: fields.getUint32(at + 4, true), layout, kind })
  }
  return groups
}

export function damaged(path: string, what: string): Failure {
  return new Failure('segment.damaged', `The segment ${path} is damaged: ${what}.`, { path })
}
