import { decodeNames } from './code-pages.ts'
import { LONGEST_LINK } from './links.ts'

/**
 * What 7-Zip's `l -slt` says about an archive. Its output is a block of lines `Key = value` about the archive, a line of
 * ten dashes, and one block per member, in the order in which `x -so` writes their bytes. 7-Zip replaces line breaks in
 * names, so a member cannot forge lines; should one manage it elsewhere (a comment), the sizes no longer add up to what
 * is unpacked, and the reader of the listing finds out.
 */
export interface Listing {
  /** 7-Zip's name for the format, in lower case: `zip`, `7z`, `gzip`. */
  readonly format: string
  readonly members: readonly ListedMember[]
  /** What there was so much of that the rest was not listed; null when all is listed. */
  readonly cut: 'files' | 'others' | null
  /** Bytes of the archive; what follows them is something else. Null where the format does not tell. */
  readonly archiveBytes: number | null
}

export interface ListedMember {
  /** As text; '' where the format stores none. */
  readonly name: string
  /** As 7-Zip wrote it: each byte a character. */
  readonly listedName: string
  /** Null where only unpacking tells. */
  readonly size: number | null
  /** Of the unpacked bytes; null where the format has none. */
  readonly crc: number | null
  readonly encrypted: boolean
  /** Directories, links and devices are not files; 7-Zip may still write bytes for them (`size` of them). */
  readonly isFile: boolean
  /** It is a file if what comes out of it cannot be where a link leads. */
  readonly isLink: boolean
}

/** Folders, links and devices that are listed beside the files: their number is bounded by itself. */
export const MOST_OTHERS = 100_000

/**
 * Reads the output of `l -slt`, given in pieces in Latin-1, up to `limit` files. Names are bytes in any code page, as
 * the archive has them. `finish` is null when 7-Zip found no archive.
 */
export class ListingReader {
  readonly #limit: number
  #rest = ''
  #format: string | null = null
  #archiveBytes: number | null = null
  #inMembers = false
  #fields = new Map<string, string>()
  readonly #members: ListedMember[] = []
  #files = 0
  #cut: Listing['cut'] = null

  constructor(limit: number) {
    this.#limit = limit
  }

  /** False when the limit is reached and nothing more needs to be read. */
  push(text: string): boolean {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    return this.#cut === null
  }

  finish(): Listing | null {
    this.#line(this.#rest)
    this.#endOfBlock()
    if (this.#format === null) return null
    // Their sizes are not stored, or modulo 2^32 at the very end, where a cut leaves noise.
    const isStream = STREAM_FORMATS.has(this.#format)
    const names = decodeNames(this.#members.map(({ listedName }) => Buffer.from(listedName, 'latin1')))
    const members = this.#members.map((member, i) => ({
      ...member,
      name: names[i] ?? '',
      ...(isStream && { size: null, crc: null }),
    }))
    return { format: this.#format, members, cut: this.#cut, archiveBytes: this.#archiveBytes }
  }

  #line(line: string): void {
    if (line === '') {
      this.#endOfBlock()
      return
    }
    if (line === '----------') {
      const bytes = this.#fields.get('Physical Size') ?? ''
      this.#archiveBytes = /^\d+$/.test(bytes) ? Number(bytes) : null
      this.#inMembers = true
      this.#fields.clear()
      return
    }
    const separator = line.indexOf(' = ')
    if (separator < 0) {
      // An empty value loses its blank in some formats: `Size =`.
      if (line.endsWith(' =')) this.#fields.set(line.slice(0, -2), '')
      return
    }
    const key = line.slice(0, separator)
    const value = line.slice(separator + 3)
    if (!this.#inMembers && key === 'Type') this.#format = value.toLowerCase()
    else this.#fields.set(key, value)
  }

  #endOfBlock(): void {
    if (!this.#inMembers || this.#fields.size === 0) return
    // 7-Zip's own output may bring more blocks in the piece that is at hand.
    if (this.#cut !== null) return
    const member = this.#memberOf(this.#fields)
    if (member.isFile && this.#files >= this.#limit) this.#cut = 'files'
    else if (!member.isFile && this.#members.length - this.#files >= MOST_OTHERS) this.#cut = 'others'
    else this.#members.push(member)
    if (member.isFile) this.#files++
    this.#fields = new Map()
  }

  #memberOf(fields: ReadonlyMap<string, string>): ListedMember {
    const member = memberOf(fields)
    // Compound files have folders too, which 7-Zip marks by the size that they lack and by nothing else.
    return this.#format === 'compound' && member.size === null ? { ...member, isFile: false } : member
  }
}

/** Formats that compress one stream of bytes. */
const STREAM_FORMATS = new Set(['gzip', 'bzip2', 'xz', 'zstd', 'lzma', 'lzma86', 'z'])

/** Of `Mode` and `Attributes`: a folder or a link; and devices, pipes and sockets, which hide something if they have bytes. */
const FOLDER_MODE = /(?:^|\s)d[-rwxsStT]{9}/
const LINK_MODE = /(?:^|\s)l[-rwxsStT]{9}/
const DEVICE_MODE = /(?:^|\s)[cbps][-rwxsStT]{9}/

function memberOf(fields: ReadonlyMap<string, string>): ListedMember {
  const size = fields.get('Size')
  const attributes = `${fields.get('Attributes') ?? ''} ${fields.get('Mode') ?? ''}`
  const isLink = LINK_MODE.test(attributes) || Boolean(fields.get('Symbolic Link'))
  const isShort = !(Number(size) > LONGEST_LINK)
  return {
    name: '',
    listedName: fields.get('Path') ?? '',
    size: size !== undefined && /^\d+$/.test(size) ? Number(size) : null,
    crc: fields.get('CRC') ? Number.parseInt(fields.get('CRC') ?? '', 16) : null,
    encrypted: fields.get('Encrypted') === '+',
    isFile:
      fields.get('Folder') !== '+' &&
      !attributes.startsWith('D') &&
      !FOLDER_MODE.test(attributes) &&
      !(isLink && isShort) &&
      !(DEVICE_MODE.test(attributes) && !(Number(size) > 0)) &&
      !fields.get('Hard Link'),
    isLink: isLink && isShort && Number(size) > 0,
  }
}
