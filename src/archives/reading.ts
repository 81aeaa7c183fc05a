/**
 * Reads what needs no other program, from memory: zip, gzip, Zstandard, LZ4 and mails. It finds the archives in a
 * content one after the other; what it cannot read of them is left to 7-Zip. Hostile content never throws, and what it
 * may cost is bounded by what is asked for; it belongs into a worker all the same.
 */
import { crc32, zstdDecompressSync } from 'node:zlib'
import { findArchive, gzipData } from './archive-search.ts'
import { decodeNames } from './code-pages.ts'
import { inflate } from './inflating.ts'
import { isLz4, unpackLz4 } from './lz4.ts'
import { isMailbox, LARGEST_MAIL, type MailPart, mailsIn, partsOfMail } from './mail.ts'
import { memberName, nameWithoutSuffix } from './member-name.ts'
import { entriesRemark } from './remarks.ts'
import { MOST_HEADERS, type ReadMember, zipFiles } from './zip-reader.ts'
import { isZstd, zstdEnd } from './zstd.ts'

/** An archive at some place of a content. */
export interface FoundPart {
  readonly from: number
  /** Null where only unpacking tells where it ends. */
  readonly to: number | null
  /** Null when nothing of it can be read here. */
  readonly members: readonly ReadableMember[] | null
  /** Why not all of it could be read, where 7-Zip is no help. */
  readonly note: string | null
}

export interface ReadableMember {
  /** As `memberName` gives them. */
  readonly name: string
  read(most: number): ReadMember
}

export interface Content {
  readonly bytes: Buffer
  /** The name that the content came under, for members without one. */
  readonly name: string
  /** It is an archive from its first byte on. */
  readonly isArchive: boolean
  readonly isMail: boolean
}

const GZIP = '\x1f\x8b\x08'

/** A stream that unpacks to more than this is 7-Zip's, which writes it to a file. */
const LARGEST_IN_MEMORY = 64 * 1024 * 1024

/** The first archive at or behind `at`; null when there is none. With at most `most` members. */
export async function readPart(content: Content, at: number, most: number): Promise<FoundPart | null> {
  const { bytes } = content
  const begin = at === 0 ? 0 : afterZeros(bytes, at)
  if (at === 0 && content.isMail) return readMail(content, most)
  const stream = readStream(content, begin)
  if (stream !== null) return stream
  const isZip = ['PK\x03\x04', 'PK\x05\x06', 'PK\x07\x08'].includes(bytes.toString('latin1', begin, begin + 4))
  if (
    (at === 0 && content.isArchive && !isZip) ||
    STARTS.some((start) => bytes.toString('latin1', begin, begin + start.length) === start)
  ) {
    return { from: begin, to: null, members: null, note: null }
  }
  const found = findArchive(bytes, begin)
  if (found === null) {
    return at === 0 && content.isArchive ? { from: 0, to: null, members: null, note: null } : null
  }
  const { from, to, zip } = found
  if (zip !== null) {
    const { members, isCut } = zipFiles(bytes, zip, most)
    const names = decodeNames(members.map(({ name }) => name))
    return {
      from,
      to,
      note: notesOfZip(zip.directory !== null, isCut),
      members: members.map((member, i) => ({
        name: memberName(names[i] ?? ''),
        read: (limit) => member.read(limit),
      })),
    }
  }
  return readStream(content, from) ?? { from, to, members: null, note: null }
}

function notesOfZip(hasDirectory: boolean, isCut: boolean): string | null {
  const notes: string[] = []
  // Local headers alone do not tell how many there were.
  if (!hasDirectory) notes.push('The list of the archive is missing or damaged: contained files may be missing too.')
  if (isCut) notes.push(entriesRemark(MOST_HEADERS))
  return notes.length > 0 ? notes.join(' ') : null
}

/** Whether something in a content that is no archive is one. */
export function holdsArchive(bytes: Buffer): boolean {
  return findArchive(bytes, 1) !== null
}

/** How archives begin that may follow right where another has ended. */
const STARTS = [
  '7z\xbc\xaf',
  'Rar!\x1a\x07',
  'MSCF\0',
  '\xfd7zXZ',
  '!<arch>',
  '07070',
  '\xed\xab\xee\xdb',
  'xar!',
  'BZh',
]

function afterZeros(bytes: Buffer, at: number): number {
  let begin = at
  while (begin < bytes.length && bytes[begin] === 0) begin++
  return begin
}

/** One compressed stream, or several of a kind one behind the other. */
function readStream({ bytes, name }: Content, at: number): FoundPart | null {
  if (bytes.toString('latin1', at, at + 3) === GZIP) return readGzip(bytes, at, name)
  if (isZstd(bytes, at)) return readZstd(bytes, at, name)
  if (isLz4(bytes, at)) return readLz4(bytes, at, name)
  return null
}

function only(name: string, bytes: Buffer, isDamaged = false): readonly ReadableMember[] {
  return [{ name: memberName(name), read: (most) => (bytes.length > most ? 'too-large' : { bytes, isDamaged }) }]
}

function readGzip(bytes: Buffer, at: number, archiveName: string): FoundPart {
  const hasName = ((bytes[at + 3] ?? 0) & 8) !== 0
  const begin = at + 10 + ((bytes[at + 3] ?? 0) & 4 ? 2 + (bytes[at + 10] ?? 0) + 256 * (bytes[at + 11] ?? 0) : 0)
  const stored = hasName ? bytes.subarray(begin, Math.max(begin, bytes.indexOf(0, begin))) : Buffer.alloc(0)
  const [name = ''] = decodeNames([stored])
  const content = gzipContent(bytes, at)
  if (content === null) return { from: at, to: null, members: null, note: null }
  const members = only(name || nameWithoutSuffix(archiveName), content.bytes, content.isDamaged)
  return { from: at, to: content.end, members, note: null }
}

/**
 * All streams that follow each other, and where they end: something else may lie behind them. Null when it is too large,
 * or damaged and large: 7-Zip then gives what there is of it.
 */
function gzipContent(bytes: Buffer, from: number): { bytes: Buffer; end: number; isDamaged: boolean } | null {
  const pieces: Buffer[] = []
  let left = LARGEST_IN_MEMORY
  let at = from
  let isDamaged = false
  do {
    const data = gzipData(bytes, at)
    const inflated = inflate(bytes.subarray(data), left)
    if (inflated === 'too-large') return null
    pieces.push(inflated.bytes)
    left -= inflated.bytes.length
    const end = data + inflated.consumed
    const hasSum = inflated.isWhole && end + 8 <= bytes.length
    isDamaged = !hasSum || bytes.readUInt32LE(end) !== crc32(inflated.bytes)
    // Where a stream breaks, nothing tells where it was to end: what lies behind it is looked for from its beginning on.
    at = inflated.isWhole ? Math.min(bytes.length, end + 8) : at + 1
  } while (!isDamaged && bytes.toString('latin1', at, at + 3) === GZIP)
  if (isDamaged && left === LARGEST_IN_MEMORY) return null
  return { bytes: pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces), end: at, isDamaged }
}

/** Something else may lie behind its frames. */
function readZstd(bytes: Buffer, at: number, archiveName: string): FoundPart {
  const end = zstdEnd(bytes, at)
  try {
    const content = zstdDecompressSync(bytes.subarray(at, end ?? bytes.length), { maxOutputLength: LARGEST_IN_MEMORY })
    return { from: at, to: end, members: only(nameWithoutSuffix(archiveName), content), note: null }
  } catch {
    return { from: at, to: end, members: null, note: null }
  }
}

function readLz4(bytes: Buffer, at: number, archiveName: string): FoundPart {
  const content = unpackLz4(bytes, at, 4 * LARGEST_IN_MEMORY)
  const note = content.isTooLarge
    ? `It unpacks to more than ${4 * LARGEST_IN_MEMORY} bytes; the rest was not unpacked.`
    : content.isWhole
      ? null
      : 'The archive is damaged or cut off.'
  return { from: at, to: content.end, members: only(nameWithoutSuffix(archiveName), content.bytes), note }
}

function readMail({ bytes }: Content, most: number): FoundPart {
  const whole = { from: 0, to: bytes.length }
  if (isMailbox(bytes)) {
    const mails = mailsIn(bytes, most + 1)
    const note = mails.length > most ? `It has more than ${most} contained files; the rest was not unpacked.` : null
    return { ...whole, members: mails.slice(0, most).map(named), note }
  }
  if (bytes.length > LARGEST_MAIL) return { ...whole, members: [], note: 'The mail is too large to be opened.' }
  const parts = partsOfMail(bytes, most + 1)
  const note = parts.length > most ? `It has more than ${most} contained files; the rest was not unpacked.` : null
  return { ...whole, members: parts.slice(0, most).map(named), note }
}

function named({ name, read }: MailPart): ReadableMember {
  return {
    get name() {
      return memberName(name())
    },
    read: (most) => {
      const bytes = read()
      return bytes.length > most ? 'too-large' : { bytes, isDamaged: false }
    },
  }
}
