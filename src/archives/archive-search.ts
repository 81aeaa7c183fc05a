/**
 * Where archives begin in a content that is none itself, or behind the end of one: a zip behind a picture, a cabinet in
 * an installer, a 7z behind the program that unpacks it, a compressed tar behind a shell script. A signature alone may
 * stand in any program, so each kind is asked for something that only an archive has: a checksum of its header, sizes
 * that fit, a member that unpacks.
 */
import { crc32, inflateRawSync, zstdDecompressSync } from 'node:zlib'
import { type Effort, spend } from './effort.ts'
import { isLz4, lz4FrameEnd } from './lz4.ts'
import { findZip, type ReadMember, type ZipPlace, zipFiles } from './zip-reader.ts'
import { isZstd, showsDamage, zstdEnd } from './zstd.ts'

export interface FoundArchive {
  readonly from: number
  /** Null where only unpacking tells. */
  readonly to: number | null
  /** For zips, which are read here. */
  readonly zip: ZipPlace | null
}

/** Signatures with what is behind them; `at` is where the archive begins, seen from the signature. */
interface Kind {
  readonly signature: Buffer
  readonly at: number
  /** Where it ends if it is one, `null` for an archive of unknown length, false for no archive. */
  readonly check: (bytes: Buffer, from: number, effort: Effort) => number | null | false
}

const latin1 = (text: string) => Buffer.from(text, 'latin1')

/** The rarest part of each signature is looked for: it is found quickly where it is not. */
const kinds: readonly Kind[] = [
  { signature: latin1('\xbc\xaf\x27\x1c'), at: -2, check: sevenZipEnd },
  { signature: latin1('!\x1a\x07'), at: -3, check: rarEnd },
  { signature: latin1('SCF\0\0\0\0'), at: -1, check: cabinetEnd },
  { signature: latin1('\xef\xbe\xad\xde'), at: -4, check: nsisEnd },
  { signature: latin1('ustar'), at: -257, check: tarEnd },
  { signature: latin1('\xfd7zXZ\0\0'), at: 0, check: xzEnd },
  { signature: latin1('\x1f\x8b\x08'), at: 0, check: gzipEnd },
  { signature: latin1('Y&SY'), at: -6, check: bzip2End },
  { signature: latin1('\xb5\x2f\xfd'), at: -1, check: zstdFrameEnd },
  { signature: latin1('\x22\x4d\x18'), at: -1, check: lz4End },
]

/** Signatures of a kind that are checked in one content. */
const MOST_CHECKED = 1_000
/** Headers of a zip without a directory among which one of its first files has to be. */
const HEADERS_TRIED = 10_000
/** What a member must give to count as one. */
const TRIED = 16 * 1024 * 1024
/** Blocks that are passed over in one content, and for how many a trial counts that unpacks all it may. */
const MOST_BLOCKS = 2_000_000
const BLOCKS_OF_TRIAL = 100_000

/** The first archive at or behind `from`. */
export function findArchive(bytes: Buffer, from: number): FoundArchive | null {
  let first = findZipFor(bytes, from)
  const effort: Effort = { left: MOST_BLOCKS }
  for (const { signature, at, check } of kinds) {
    // Streams of a kind that follow each other were read as one, though nobody knows where the last one ends.
    if ((check === xzEnd || check === bzip2End) && from > 0 && check(bytes, from - 1, effort) !== false) continue
    let checked = 0
    let found = bytes.indexOf(signature, Math.max(0, from - at))
    while (found >= 0 && checked++ < MOST_CHECKED) {
      const begin = found + at
      if (first !== null && begin >= first.from) break
      const to = check(bytes, begin, effort)
      if (to !== false) {
        first = { from: begin, to, zip: null }
        break
      }
      found = bytes.indexOf(signature, found + 1)
    }
  }
  return first
}

function findZipFor(bytes: Buffer, from: number): FoundArchive | null {
  let at = from
  for (let tries = 0; tries < 16; tries++) {
    const zip = findZip(bytes, at)
    if (zip === null) return null
    if (zip.directory !== null) return { from: zip.from, to: zip.to, zip }
    // Without a directory its headers could be a program's own text: one of its first members has to come out.
    const { members } = zipFiles(bytes, zip, 4, HEADERS_TRIED)
    if (members.some((member) => hasContent(member.read(TRIED)))) return { from: zip.from, to: zip.to, zip }
    at = zip.from + 4
  }
  return null
}

function hasContent(member: ReadMember): boolean {
  return typeof member === 'object' && !member.isDamaged && member.bytes.length > 0
}

function sevenZipEnd(bytes: Buffer, from: number): number | false {
  if (bytes.toString('latin1', from, from + 2) !== '7z' || from + 32 > bytes.length) return false
  if (crc32(bytes.subarray(from + 12, from + 32)) !== bytes.readUInt32LE(from + 8)) return false
  const end = from + 32 + Number(bytes.readBigUInt64LE(from + 12)) + Number(bytes.readBigUInt64LE(from + 20))
  return Math.min(end, bytes.length)
}

function nsisEnd(bytes: Buffer, from: number): null | false {
  return from >= 0 && bytes.toString('latin1', from + 8, from + 20) === 'NullsoftInst' ? null : false
}

function rarEnd(bytes: Buffer, from: number): null | false {
  if (bytes.toString('latin1', from, from + 3) !== 'Rar' || from + 12 > bytes.length) return false
  // Version 5 has one more byte of signature, version 4 goes on with its archive header.
  return bytes[from + 6] === 1 || (bytes[from + 6] === 0 && bytes[from + 9] === 0x73) ? null : false
}

function cabinetEnd(bytes: Buffer, from: number): number | false {
  if (bytes[from] !== 0x4d || from + 36 > bytes.length) return false
  const size = bytes.readUInt32LE(from + 8)
  const files = bytes.readUInt32LE(from + 16)
  const isOne = bytes.readUInt32LE(from + 12) === 0 && bytes.readUInt16LE(from + 24) === 0x0103
  return isOne && size >= 44 && files >= 36 && files < size ? Math.min(from + size, bytes.length) : false
}

function tarEnd(bytes: Buffer, from: number): null | false {
  if (from < 0 || from + 512 > bytes.length) return false
  const stored = Number.parseInt(bytes.toString('latin1', from + 148, from + 156), 8)
  let sum = 8 * 32
  for (let at = from; at < from + 512; at++) if (at < from + 148 || at >= from + 156) sum += bytes[at] ?? 0
  return stored === sum ? null : false
}

function xzEnd(bytes: Buffer, from: number): null | false {
  if (from + 12 > bytes.length) return false
  return crc32(bytes.subarray(from + 6, from + 8)) === bytes.readUInt32LE(from + 8) ? null : false
}

/** Where its first block begins stands what may be checked: where the sorted rows begin, and which bytes there are. */
function bzip2End(bytes: Buffer, from: number): null | false {
  const level = (bytes[from + 3] ?? 0) - 0x30
  if (from < 0 || from + 20 > bytes.length || level < 1 || level > 9) return false
  if (bytes.toString('latin1', from, from + 3) !== 'BZh' || bytes.toString('latin1', from + 4, from + 10) !== '1AY&SY')
    return false
  // Behind the checksum: one bit that is 0, 24 bits, 16 bits.
  const bits = bytes.readUIntBE(from + 14, 6) / 128
  const row = Math.floor(bits / 2 ** 16)
  return row < level * 100_000 && Math.floor(bits) % 2 ** 16 !== 0 ? null : false
}

function zstdFrameEnd(bytes: Buffer, from: number, effort: Effort): number | false {
  if (from < 0 || !isZstd(bytes, from)) return false
  const end = zstdEnd(bytes, from, effort)
  if (end === null || !showsDamage(bytes, from) || !spend(effort, BLOCKS_OF_TRIAL)) return false
  try {
    zstdDecompressSync(bytes.subarray(from, end), { maxOutputLength: TRIED })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') return false
  }
  return end
}

function lz4End(bytes: Buffer, from: number, effort: Effort): number | false {
  return from >= 0 && isLz4(bytes, from) && (lz4FrameEnd(bytes, from, effort) ?? false)
}

function gzipEnd(bytes: Buffer, from: number): null | false {
  const flags = bytes[from + 3] ?? 0xff
  const system = bytes[from + 9] ?? 0xfe
  if ((flags & 0xe0) !== 0 || (system > 13 && system !== 255) || ![0, 2, 4].includes(bytes[from + 8] ?? 1)) return false
  const data = gzipData(bytes, from)
  try {
    // A piece is enough to see whether this is a stream.
    const piece = bytes.subarray(data, data + 8_192)
    return inflateRawSync(piece, { finishFlush: 2, maxOutputLength: TRIED }).length > 64 ? null : false
  } catch {
    return false
  }
}

/** Where the compressed data of a gzip member begins. */
export function gzipData(bytes: Buffer, from: number): number {
  const flags = bytes[from + 3] ?? 0
  let at = from + 10
  if (flags & 4) at += 2 + (at + 2 <= bytes.length ? bytes.readUInt16LE(at) : 0)
  for (const bit of [8, 16]) if (flags & bit) at = bytes.indexOf(0, at) + 1 || bytes.length
  return at + (flags & 2 ? 2 : 0)
}
