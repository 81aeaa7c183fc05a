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
  /** More members than were asked for follow. */
  readonly cut: boolean
}

export interface ListedMember {
  /** As stored; '' where the format stores none. */
  readonly name: string
  /** Null where only unpacking tells. */
  readonly size: number | null
  /** Of the unpacked bytes; null where the format has none. */
  readonly crc: number | null
  readonly encrypted: boolean
  /** Directories, links and devices are not files; 7-Zip may still write bytes for them (`size` of them). */
  readonly isFile: boolean
}

/** Reads the output of `l -slt`, given in pieces, up to `limit` members. `finish` is null when 7-Zip found no archive. */
export class ListingReader {
  readonly #limit: number
  #rest = ''
  #format: string | null = null
  #inMembers = false
  #fields = new Map<string, string>()
  readonly #members: ListedMember[] = []
  #cut = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** False when the limit is reached and nothing more needs to be read. */
  push(text: string): boolean {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
    return !this.#cut
  }

  finish(): Listing | null {
    this.#line(this.#rest)
    this.#endOfBlock()
    if (this.#format === null) return null
    // Their sizes are not stored, or modulo 2^32 at the very end, where a cut leaves noise.
    const members = STREAM_FORMATS.has(this.#format)
      ? this.#members.map((member) => ({ ...member, size: null, crc: null }))
      : this.#members
    return { format: this.#format, members, cut: this.#cut }
  }

  #line(line: string): void {
    if (line === '') {
      this.#endOfBlock()
      return
    }
    if (line === '----------') {
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
    // Of nested formats (a .deb, a .tgz of some kinds) the last is the one whose members are listed.
    if (!this.#inMembers && key === 'Type') this.#format = value.toLowerCase()
    else this.#fields.set(key, value)
  }

  #endOfBlock(): void {
    if (!this.#inMembers || this.#fields.size === 0) return
    if (this.#members.length >= this.#limit) this.#cut = true
    else this.#members.push(memberOf(this.#fields))
    this.#fields = new Map()
  }
}

/** Formats that compress one stream of bytes. */
const STREAM_FORMATS = new Set(['gzip', 'bzip2', 'xz', 'zstd', 'lzma', 'lzma86', 'z'])

/** Of `Mode` and `Attributes`: a Unix mode that is neither a plain file's nor without a type. */
const SPECIAL_MODE = /(?:^|\s)[dlcbps][-rwxsStT]{9}/

function memberOf(fields: ReadonlyMap<string, string>): ListedMember {
  const size = fields.get('Size')
  const attributes = `${fields.get('Attributes') ?? ''} ${fields.get('Mode') ?? ''}`
  return {
    name: fields.get('Path') ?? '',
    size: size !== undefined && /^\d+$/.test(size) ? Number(size) : null,
    crc: fields.get('CRC') ? Number.parseInt(fields.get('CRC') ?? '', 16) : null,
    encrypted: fields.get('Encrypted') === '+',
    isFile:
      fields.get('Folder') !== '+' &&
      !attributes.startsWith('D') &&
      !SPECIAL_MODE.test(attributes) &&
      !fields.get('Symbolic Link') &&
      !fields.get('Hard Link'),
  }
}
