import { elfMachines } from '../identification/index.ts'
import { attempt, ByteReader, Unreadable } from './byte-reader.ts'
import {
  MOST_EXPORTS,
  MOST_LIBRARIES,
  MOST_NAME,
  MOST_SECTIONS,
  noProgramFacts,
  type ProgramFacts,
  type Section,
} from './facts.ts'
import { EntropyMeter } from './section-entropy.ts'

const SECTION_NO_BYTES = 8
const SECTION_DYNAMIC = 6
const SECTION_NOTE = 7
const SECTION_SYMBOLS = 11
const NEEDED = 1
const GNU_BUILD_ID = 3

/** Global, weak, unique. */
const SEEN_BINDINGS = (1 << 1) | (1 << 2) | (1 << 10)
/** No kind, data, function, thread-local, chosen when it is loaded. */
const SEEN_KINDS = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 6) | (1 << 10)

const MOST_HEADERS = 4_096
const MOST_DYNAMIC = 4_096
const MOST_SYMBOLS = 200_000
const MOST_NOTES = 64

/** Of the section header table. */
interface Header {
  readonly nameAt: number
  readonly type: number
  readonly offset: number
  readonly size: number
  readonly link: number
  readonly entryBytes: number
}

/**
 * A program in the Executable and Linkable Format; null for what is none. What is asked of libraries is read by the table
 * of sections: of one without that table, as packers leave it, imports and exports are not known.
 */
export function readElf(bytes: Buffer): ProgramFacts | null {
  if (bytes.toString('latin1', 0, 4) !== '\x7fELF') return null
  return attempt(() => read(bytes))
}

function read(bytes: Buffer): ProgramFacts {
  const isWide = bytes[4] === 2
  if (!isWide && bytes[4] !== 1) throw new Unreadable()
  const elf = new ElfFile(new ByteReader(bytes, bytes[5] !== 2), isWide)
  const headers = attempt(() => elf.headers())
  const table = headers?.length ? headers : null
  const symbols = table && attempt(() => symbolsOf(elf, table))
  return {
    ...noProgramFacts(isWide ? 'ELF64' : 'ELF32'),
    machines: [elfMachines[elf.machine] ?? `0x${elf.machine.toString(16)}`],
    entry: attempt(() => elf.word(24)) || null,
    sections: headers && attempt(() => sectionsOf(elf, headers, bytes)),
    imports: table && attempt(() => librariesOf(elf, table)),
    importedFunctions: symbols?.imported ?? null,
    exports: symbols?.exported ?? null,
    signers: [],
    buildId: table && attempt(() => buildIdOf(elf, table)),
    resources: { count: 0, first: [] },
  }
}

class ElfFile {
  readonly reader: ByteReader
  readonly isWide: boolean

  constructor(reader: ByteReader, isWide: boolean) {
    this.reader = reader
    this.isWide = isWide
  }

  get machine(): number {
    return this.reader.u16(18)
  }

  /** Of 4 or 8 bytes. */
  word(at: number): number {
    return this.isWide ? this.reader.u64(at) : this.reader.u32(at)
  }

  headers(): Header[] {
    const { reader, isWide } = this
    const table = this.word(isWide ? 40 : 32)
    const entryBytes = reader.u16(isWide ? 58 : 46)
    const count = reader.u16(isWide ? 60 : 48)
    if (table === 0 || count === 0) return []
    if (count > MOST_HEADERS || entryBytes < (isWide ? 64 : 40)) throw new Unreadable()
    return Array.from({ length: count }, (_, n) => {
      const at = table + n * entryBytes
      return {
        nameAt: reader.u32(at),
        type: reader.u32(at + 4),
        offset: this.word(at + (isWide ? 24 : 16)),
        size: this.word(at + (isWide ? 32 : 20)),
        link: reader.u32(at + (isWide ? 40 : 24)),
        entryBytes: this.word(at + (isWide ? 56 : 36)),
      }
    })
  }

  /** A text of a section that holds texts. */
  text(section: Header | undefined, at: number): string {
    if (section === undefined || at >= section.size) throw new Unreadable()
    return this.reader.textAt(section.offset + at, 8 * MOST_NAME)
  }
}

function sectionsOf(elf: ElfFile, headers: readonly Header[], bytes: Buffer): ProgramFacts['sections'] {
  const names = headers[elf.reader.u16(elf.isWide ? 62 : 50)]
  const meter = new EntropyMeter(bytes)
  // The first entry of the table stands for no section.
  const first = headers.slice(1, 1 + MOST_SECTIONS).map(({ nameAt, type, offset, size }): Section => {
    const inFile = type === SECTION_NO_BYTES ? 0 : size
    const name = attempt(() => elf.text(names, nameAt)) ?? ''
    return { name, size: inFile, virtualSize: size, entropy: meter.measure(offset, inFile) }
  })
  return { count: Math.max(0, headers.length - 1), first }
}

/** The dynamic section: pairs of a tag and a value; for each library that is needed, where its name is. */
function librariesOf(elf: ElfFile, headers: readonly Header[]): ProgramFacts['imports'] {
  const dynamic = headers.find(({ type }) => type === SECTION_DYNAMIC)
  if (dynamic === undefined) return { count: 0, first: [] }
  const names: string[] = []
  const width = elf.isWide ? 8 : 4
  for (let n = 0; n < MOST_DYNAMIC && (n + 1) * 2 * width <= dynamic.size; n++) {
    const at = dynamic.offset + n * 2 * width
    const tag = elf.word(at)
    if (tag === 0) break
    if (tag === NEEDED) names.push(elf.text(headers[dynamic.link], elf.word(at + width)))
  }
  const first = names
    .filter((name) => name.length <= MOST_NAME)
    .slice(0, MOST_LIBRARIES)
    .map((name) => ({ name, functions: null }))
  return { count: names.length, first }
}

/** Symbols that a loader sees: those that are defined nowhere here are asked of libraries, the others can be asked for. */
function symbolsOf(
  elf: ElfFile,
  headers: readonly Header[],
): { readonly imported: number; readonly exported: NonNullable<ProgramFacts['exports']> } {
  const table = headers.find(({ type }) => type === SECTION_SYMBOLS)
  let imported = 0
  let count = 0
  const first: string[] = []
  if (table === undefined) return { imported, exported: { count, first } }
  const width = elf.isWide ? 24 : 16
  const symbols = Math.floor(table.size / width)
  if (table.entryBytes !== width || symbols > MOST_SYMBOLS) throw new Unreadable()
  const { bytes } = elf.reader
  elf.reader.demand(table.offset, symbols * width)
  // The first one stands for none.
  for (let n = 1; n < symbols; n++) {
    const at: number = table.offset + n * width
    const info = bytes[at + (elf.isWide ? 4 : 12)] as number
    const isHidden = ((bytes[at + (elf.isWide ? 5 : 13)] as number) & 3) % 3 !== 0
    if ((SEEN_BINDINGS & (1 << (info >> 4))) === 0 || (SEEN_KINDS & (1 << (info & 15))) === 0) continue
    const section = at + (elf.isWide ? 6 : 14)
    if (bytes[section] === 0 && bytes[section + 1] === 0) {
      imported++
      continue
    }
    if (isHidden) continue
    count++
    if (first.length >= MOST_EXPORTS) continue
    const name = elf.text(headers[table.link], elf.reader.u32(at))
    if (name !== '' && name.length <= MOST_NAME) first.push(name)
  }
  return { imported, exported: { count, first } }
}

/** Notes have the lengths of their name and of their content (4 each), and their kind (4); both are filled up to four bytes. */
function buildIdOf({ reader }: ElfFile, headers: readonly Header[]): string | null {
  for (const { offset, size } of headers.filter(({ type }) => type === SECTION_NOTE).slice(0, MOST_NOTES)) {
    let at = offset
    for (let n = 0; n < MOST_NOTES && at + 12 <= offset + size; n++) {
      const [nameBytes, bytes, kind] = [reader.u32(at), reader.u32(at + 4), reader.u32(at + 8)]
      const content = at + 12 + filled(nameBytes)
      if (kind === GNU_BUILD_ID && nameBytes === 4 && reader.field(at + 12, 4) === 'GNU' && bytes <= 64) {
        return reader.slice(content, bytes).toString('hex') || null
      }
      at = content + filled(bytes)
    }
  }
  return null
}

const filled = (bytes: number): number => Math.ceil(bytes / 4) * 4
