/**
 * Reads zip archives that lie somewhere in a content: whole ones, several one behind the other, ones behind something
 * else, and ones whose directory is damaged or leaves members out.
 *
 *     local header, data | local header, data | … | central directory | end record
 *                ▲                                     │        ▲            │
 *                └── offset, from the archive's start ─┘        └── size ────┘
 *
 * The end record gives the size of the directory in front of it; where the directory says that it begins, against where
 * it does, is where the archive begins. Members that the directory leaves out, and all of them where it is damaged, are
 * found by their local headers. Only what a checksum confirms is taken; the rest is 7-Zip's.
 */
import { crc32 } from 'node:zlib'
import { inflate } from './inflating.ts'
import { isLinkTarget, LONGEST_LINK } from './links.ts'

/** Where a zip archive lies in a content. */
export interface ZipPlace {
  readonly from: number
  readonly to: number
  /** Of its directory; null when it has none that can be read. */
  readonly directory: { readonly from: number; readonly to: number } | null
}

export interface ZipMember {
  /** As stored, and whether that is UTF-8 by its flag or by an extra field. */
  readonly name: Uint8Array
  readonly isFile: boolean
  /** By the directory; null where only unpacking tells. */
  readonly size: number | null
  read(most: number): ReadMember
}

/**
 * A member's content: whole, or damaged, and then as much of it as there is; `too-large` when it has more bytes than
 * were asked for, `unreadable` when it is not to be had here: encrypted, or packed in a rare way.
 */
export type ReadMember = { readonly bytes: Buffer; readonly isDamaged: boolean } | 'too-large' | 'unreadable'

const LOCAL = 'PK\x03\x04'
const CENTRAL = 'PK\x01\x02'
const END = 'PK\x05\x06'
const END_LENGTH = 22
/** End records that are looked at in one content, from its beginning and from its end: hostile ones are nothing else. */
const MOST_ENDS = 128
const STORED = 0
const DEFLATED = 8
const ENCRYPTED = 1
const SIZES_FOLLOW = 8
/**
 * Headers that are looked at in one archive, those of folders among them: some seconds of a worker. Folders do not count as
 * members, so without this bound nothing would end the reading of them.
 */
export const MOST_HEADERS = 250_000

/** The first zip archive that begins at or behind `from`; null when there is none. */
export function findZip(bytes: Buffer, from: number): ZipPlace | null {
  let first: ZipPlace | null = null
  for (const end of endRecords(bytes, from)) {
    const place = placeBefore(bytes, end, from)
    // An archive in an archive ends first; one that was added to has a second end.
    if (place !== null && (first === null || place.from <= first.from)) first = place
  }
  const header = findLocalHeader(bytes, from)
  if (header < 0 || (first !== null && first.from <= header)) return first
  // A directory that cannot be read, or none: its members are found without.
  return { from: header, to: first?.from ?? bytes.length, directory: null }
}

function endRecords(bytes: Buffer, from: number): Set<number> {
  const ends = new Set<number>()
  for (let at = bytes.indexOf(END, from, 'latin1'); at >= 0; at = bytes.indexOf(END, at + 4, 'latin1')) {
    ends.add(at)
    if (ends.size >= MOST_ENDS) break
  }
  // All of them: looking backwards as well would take as long again.
  if (ends.size < MOST_ENDS) return ends
  const backwards: number[] = []
  for (let at = bytes.lastIndexOf(END, bytes.length, 'latin1'); at >= from && !ends.has(at); ) {
    backwards.push(at)
    if (backwards.length >= MOST_ENDS || at === 0) break
    at = bytes.lastIndexOf(END, at - 1, 'latin1')
  }
  for (const end of backwards.reverse()) ends.add(end)
  return ends
}

function placeBefore(bytes: Buffer, end: number, lowest: number): ZipPlace | null {
  if (end + END_LENGTH > bytes.length) return null
  let size = bytes.readUInt32LE(end + 12)
  let offset = bytes.readUInt32LE(end + 16)
  let directoryEnd = end
  // The record of a zip64 stands before its locator, which stands before the end record.
  if (end >= 76 && bytes.toString('latin1', end - 20, end - 16) === 'PK\x06\x07') {
    const record = bytes.lastIndexOf('PK\x06\x06', end - 20, 'latin1')
    if (record >= 0 && record + 56 <= end) {
      if (size === 0xffff_ffff) size = Number(bytes.readBigUInt64LE(record + 40))
      if (offset === 0xffff_ffff) offset = Number(bytes.readBigUInt64LE(record + 48))
      directoryEnd = record
    }
  }
  const to = Math.min(bytes.length, end + END_LENGTH + bytes.readUInt16LE(end + 20))
  const from = directoryEnd - size
  if (size === 0) return null
  if (from < lowest || bytes.toString('latin1', from, from + 4) !== CENTRAL) return null
  const base = from - offset
  const members = centralMembers(bytes, { from, to: directoryEnd })
  const begins = members.reduce((least, { offset }) => Math.min(least, offset), Number.POSITIVE_INFINITY)
  for (const start of [base, 0]) {
    const begin = start + begins
    if (begin >= lowest && begin < from && bytes.toString('latin1', begin, begin + 4) === LOCAL) {
      return { from: begin, to, directory: { from, to: directoryEnd } }
    }
  }
  return null
}

/** A local header that looks like one: its method and the version that it needs are known, its name is not empty. */
function findLocalHeader(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(LOCAL, from, 'latin1'); at >= 0; at = bytes.indexOf(LOCAL, at + 4, 'latin1')) {
    if (at + 30 > bytes.length) return -1
    const nameLength = bytes.readUInt16LE(at + 26)
    const isPlausible = nameLength > 0 && nameLength < 4_096 && (bytes[at + 4] ?? 99) <= 63
    if (isPlausible && at + 30 + nameLength <= bytes.length) return at
  }
  return -1
}

interface Header {
  /** Of the local header, from the archive's start. */
  readonly offset: number
  readonly name: Uint8Array
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly isLink: boolean
}

/** With where its data begins. */
interface LocalHeader extends Header {
  readonly data: number
}

function centralMembers(bytes: Buffer, { from, to }: { readonly from: number; readonly to: number }): Header[] {
  const headers: Header[] = []
  let at = from
  while (at + 46 <= to && headers.length < MOST_HEADERS && bytes.toString('latin1', at, at + 4) === CENTRAL) {
    const nameLength = bytes.readUInt16LE(at + 28)
    const extraLength = bytes.readUInt16LE(at + 30)
    const name = bytes.subarray(at + 46, at + 46 + nameLength)
    const extra = extraFields(bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength))
    const wide = wideFields(extra, [
      bytes.readUInt32LE(at + 24),
      bytes.readUInt32LE(at + 20),
      bytes.readUInt32LE(at + 42),
    ])
    headers.push({
      offset: wide[2] ?? 0,
      name: unicodePath(extra, name) ?? name,
      flags: bytes.readUInt16LE(at + 8),
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      packed: wide[1] ?? 0,
      size: wide[0] ?? 0,
      isLink: bytes[at + 5] === 3 && ((bytes.readUInt32LE(at + 38) >>> 28) & 0xf) === 0xa,
    })
    at += 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32)
  }
  return headers
}

/** A local header and where its data begins. Sizes that follow the data are 0 here. */
function localMember(bytes: Buffer, at: number): LocalHeader | null {
  if (at < 0 || at + 30 > bytes.length || bytes.toString('latin1', at, at + 4) !== LOCAL) return null
  const nameLength = bytes.readUInt16LE(at + 26)
  const extraLength = bytes.readUInt16LE(at + 28)
  const name = bytes.subarray(at + 30, at + 30 + nameLength)
  const extra = extraFields(bytes.subarray(at + 30 + nameLength, at + 30 + nameLength + extraLength))
  const wide = wideFields(extra, [bytes.readUInt32LE(at + 22), bytes.readUInt32LE(at + 18)])
  return {
    offset: at,
    name: unicodePath(extra, name) ?? name,
    flags: bytes.readUInt16LE(at + 6),
    method: bytes.readUInt16LE(at + 8),
    crc: bytes.readUInt32LE(at + 14),
    packed: wide[1] ?? 0,
    size: wide[0] ?? 0,
    isLink: false,
    data: at + 30 + nameLength + extraLength,
  }
}

function extraFields(bytes: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>()
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at + 2)
    fields.set(bytes.readUInt16LE(at), bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return fields
}

/** The values that do not fit in 32 bits stand in field 1, in this order, and only those. */
function wideFields(extra: ReadonlyMap<number, Buffer>, narrow: readonly number[]): number[] {
  const field = extra.get(1)
  let at = 0
  return narrow.map((value) => {
    if (value !== 0xffff_ffff || field === undefined || at + 8 > field.length) return value
    at += 8
    return Number(field.readBigUInt64LE(at - 8))
  })
}

/** Info-ZIP's Unicode path: it counts while its checksum is that of the name beside it. */
function unicodePath(extra: ReadonlyMap<number, Buffer>, name: Uint8Array): Uint8Array | null {
  const field = extra.get(0x7075)
  if (field === undefined || field.length < 6 || field[0] !== 1 || field.readUInt32LE(1) !== crc32(name)) return null
  return field.subarray(5)
}

export interface ZipFiles {
  readonly members: readonly ZipMember[]
  /** So many headers were looked at that the rest was not: more files may follow. */
  readonly isCut: boolean
}

/**
 * Files in the order of the directory, then those that it leaves out; at most `most`, of the first `mostHeaders` headers.
 */
export function zipFiles(bytes: Buffer, place: ZipPlace, most: number, mostHeaders = MOST_HEADERS): ZipFiles {
  const members: ZipMember[] = []
  let headers = 0
  const take = (member: PackedMember) => {
    headers++
    if (members.length < most && member.isFile) members.push(member)
  }
  /** What is known to be some member's, by its start: nothing is looked for in there. */
  const covered: { from: number; to: number }[] = []
  const central = place.directory === null ? [] : centralMembers(bytes, place.directory)
  const least = central.reduce((smallest, { offset }) => Math.min(smallest, offset), Number.POSITIVE_INFINITY)
  const base = place.from - (central.length > 0 ? least : 0)
  for (const header of central) {
    const at = base + header.offset
    const local = localMember(bytes, at)
    take(new PackedMember(bytes, header, local))
    if (local !== null) covered.push({ from: at, to: local.data + Math.max(header.packed, local.packed) })
  }
  const end = place.directory?.from ?? place.to
  covered.sort((a, b) => a.from - b.from)
  let next = 0
  let at = place.from
  while (at < end && members.length < most) {
    if (headers >= mostHeaders) return { members, isCut: true }
    const range = covered[next]
    if (range !== undefined && range.from <= at) {
      at = Math.max(at, range.to)
      next++
      continue
    }
    const found = findLocalHeader(bytes, at)
    if (found < 0 || found >= end) break
    if (range !== undefined && found >= range.from) {
      at = range.from
      continue
    }
    const local = localMember(bytes, found)
    if (local === null) break
    take(new PackedMember(bytes, local, local))
    at = Math.max(found + 30, local.data + (local.flags & SIZES_FOLLOW && local.packed === 0 ? 0 : local.packed))
  }
  return { members, isCut: false }
}

class PackedMember implements ZipMember {
  readonly #bytes: Buffer
  readonly #header: Header
  readonly #local: LocalHeader | null

  constructor(bytes: Buffer, header: Header, local: LocalHeader | null) {
    this.#bytes = bytes
    this.#header = header
    this.#local = local
  }

  get name(): Uint8Array {
    return this.#header.name
  }

  get isFile(): boolean {
    const { size, packed, isLink, name } = this.#header
    // What calls itself a folder and has bytes is no folder.
    if (size === 0 && packed === 0) return name[name.length - 1] !== 0x2f || this.#hasLaterSizes
    if (!isLink || size > LONGEST_LINK) return true
    const content = this.read(LONGEST_LINK)
    // What cannot be read here is 7-Zip's to decide about, and what is damaged is reported as such.
    return typeof content === 'string' || content.isDamaged || !isLinkTarget(content.bytes)
  }

  get size(): number | null {
    return this.#hasLaterSizes ? null : this.#header.size
  }

  /** Found by its local header, which leaves its sizes to what follows the data. */
  get #hasLaterSizes(): boolean {
    const { flags, packed } = this.#header
    return this.#header === this.#local && (flags & SIZES_FOLLOW) !== 0 && packed === 0
  }

  read(most: number): ReadMember {
    const local = this.#local
    if (local === null) return { bytes: Buffer.alloc(0), isDamaged: true }
    if (this.#hasLaterSizes) return this.#readToItsEnd(local, most)
    const tries = this.#header === local ? [local] : [this.#header, local]
    const isEncrypted = tries.every(({ flags }) => (flags & ENCRYPTED) !== 0)
    const isCommon = tries.some(({ method }) => method === STORED || method === DEFLATED)
    if (tries.some(({ size }) => size > most)) return 'too-large'
    let begun: Buffer | null = null
    // One of the two may lie: about the sizes, about the method, or about a password that nobody needs.
    for (const header of tries) {
      for (const method of methodsOf(header)) {
        const bytes = unpack(this.#bytes, local.data, header, method, most)
        if (bytes !== null && bytes.length === header.size && crc32(bytes) === header.crc) {
          return { bytes, isDamaged: false }
        }
        if (bytes !== null && bytes.length > (begun?.length ?? -1)) begun = bytes
      }
    }
    return isEncrypted || !isCommon || begun === null ? 'unreadable' : { bytes: begun, isDamaged: true }
  }

  #readToItsEnd({ data, method, flags }: LocalHeader, most: number): ReadMember {
    if (method !== DEFLATED || (flags & ENCRYPTED) !== 0) return 'unreadable'
    const inflated = inflate(this.#bytes.subarray(data), most)
    if (inflated === 'too-large') return inflated
    const { bytes, consumed, isWhole } = inflated
    const after = data + consumed
    const signed = this.#bytes.toString('latin1', after, after + 4) === 'PK\x07\x08' ? 4 : 0
    const hasSum = isWhole && after + signed + 4 <= this.#bytes.length
    return { bytes, isDamaged: !hasSum || this.#bytes.readUInt32LE(after + signed) !== crc32(bytes) }
  }
}

function methodsOf({ method, packed, size }: Header): readonly number[] {
  if (method === STORED || method === DEFLATED) return [method]
  // Android takes a method that it does not know for one that it does; so do those who hide from everybody else.
  return packed === size ? [STORED, DEFLATED] : [DEFLATED]
}

function unpack(bytes: Buffer, data: number, { packed, size }: Header, method: number, most: number): Buffer | null {
  const content = bytes.subarray(data, Math.min(bytes.length, data + packed))
  if (method === STORED) return content
  const inflated = inflate(content, Math.min(most, size))
  return inflated === 'too-large' ? null : inflated.bytes
}
