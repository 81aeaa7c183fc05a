import { type ByteReader, Unreadable } from './byte-reader.ts'

const PE32 = 0x10b
const PE32_PLUS = 0x20b
/** Windows takes no more than 96. */
const MOST_READ = 256
const SECTION_BYTES = 40

/** Places in the table of data directories. */
export const DIRECTORY = { exports: 0, imports: 1, resources: 2, certificates: 4, debug: 6, dotnet: 14 } as const

export interface PeSection {
  readonly name: string
  readonly address: number
  readonly virtualSize: number
  /** In the file. */
  readonly offset: number
  readonly size: number
}

/**
 * The headers of a Portable Executable, and what they say of where things are:
 *
 * ```
 * 0x3c  offset of `PE\0\0`
 *       file header: machine (2), number of sections (2), time (4), symbols (8), size of what follows (2), flags (2)
 *       optional header: 0x10b or 0x20b for 32 or 64 bits, …, entry point (16), …, subsystem (68), …, data directories
 *       sections, 40 bytes each: name (8), size and address in memory, size and offset in the file, …
 * ```
 *
 * Directories name addresses in memory; `offsetOf` finds them in the file by the sections.
 */
export class PeImage {
  readonly reader: ByteReader
  /** Of `PE\0\0`. */
  readonly at: number
  readonly isPlus: boolean
  readonly sections: readonly PeSection[]
  readonly #directories: number
  readonly #directoryCount: number
  #last: PeSection | undefined

  private constructor(reader: ByteReader) {
    this.reader = reader
    if (reader.u16(0) !== 0x5a4d) throw new Unreadable()
    this.at = reader.u32(0x3c)
    if (reader.u32(this.at) !== 0x4550) throw new Unreadable()
    const optional = this.at + 24
    const magic = reader.u16(optional)
    if (magic !== PE32 && magic !== PE32_PLUS) throw new Unreadable()
    this.isPlus = magic === PE32_PLUS
    this.#directories = optional + (this.isPlus ? 112 : 96)
    // A header that is cut off has the directories before that.
    const room = Math.floor((reader.length - this.#directories) / 8)
    this.#directoryCount = Math.min(16, reader.u32(this.#directories - 4), room)
    this.sections = readSections(reader, optional + reader.u16(this.at + 20), reader.u16(this.at + 6))
  }

  /** Throws `Unreadable` for what is none. */
  static of(reader: ByteReader): PeImage {
    return new PeImage(reader)
  }

  get machine(): number {
    return this.reader.u16(this.at + 4)
  }

  get timestamp(): number {
    return this.reader.u32(this.at + 8)
  }

  get entry(): number {
    return this.reader.u32(this.at + 40)
  }

  get subsystem(): number {
    return this.reader.u16(this.at + 92)
  }

  /** Null for one that is empty. `at` is an address in memory, but for certificates. */
  directory(n: number): { readonly at: number; readonly size: number } | null {
    if (n >= this.#directoryCount) return null
    const at = this.reader.u32(this.#directories + n * 8)
    const size = this.reader.u32(this.#directories + n * 8 + 4)
    return at === 0 ? null : { at, size }
  }

  /** Where in the file an address lies. Throws `Unreadable` for one that is not in it. */
  offsetOf(address: number): number {
    const section = this.#sectionOf(address)
    if (section === undefined) {
      const isInHeader = this.sections.every((each) => address < each.address)
      if (!isInHeader) throw new Unreadable()
      return address
    }
    const offset = address - section.address + section.offset
    this.reader.demand(offset, 0)
    return offset
  }

  #sectionOf(address: number): PeSection | undefined {
    const holds = ({ address: from, virtualSize, size }: PeSection) =>
      address >= from && address < from + Math.max(virtualSize, size)
    // What follows each other mostly lies in one section.
    if (this.#last !== undefined && holds(this.#last)) return this.#last
    this.#last = this.sections.find(holds)
    return this.#last
  }
}

function readSections(reader: ByteReader, table: number, count: number): PeSection[] {
  const sections: PeSection[] = []
  for (let n = 0; n < Math.min(count, MOST_READ); n++) {
    const at = table + n * SECTION_BYTES
    // A table that is cut off has the sections before that.
    if (at + SECTION_BYTES > reader.length) break
    sections.push({
      name: reader.field(at, 8),
      virtualSize: reader.u32(at + 8),
      address: reader.u32(at + 12),
      size: reader.u32(at + 16),
      offset: reader.u32(at + 20),
    })
  }
  return sections
}
