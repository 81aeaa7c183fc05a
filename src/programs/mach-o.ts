import { machOMachines } from '../identification/index.ts'
import { attempt, ByteReader, guidOf, Unreadable } from './byte-reader.ts'
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

const FAT = 0xcafebabe
/** Java's class files begin alike, with a version of 45 and more. */
const MOST_ARCHITECTURES = 39
const MOST_COMMANDS = 4_096
const MOST_SYMBOLS = 200_000

const COMMAND = { segment: 1, symbols: 2, wideSegment: 0x19, uuid: 0x1b, main: 0x80000028 } as const
/** Needed, may be missing, passed on, needed when it is used. */
const LIBRARIES: ReadonlySet<number> = new Set([0xc, 0x80000018, 0x8000001f, 0x20, 0x80000023])

/** A program of macOS; of a universal binary its first part, with the machines of all. Null for what is none. */
export function readMachO(bytes: Buffer): ProgramFacts | null {
  if (bytes.length < 8) return null
  if (bytes.readUInt32BE(0) !== FAT) return attempt(() => readThin(bytes))
  const count = bytes.readUInt32BE(4)
  if (count === 0 || count > MOST_ARCHITECTURES) return null
  return attempt(() => readFat(bytes, count))
}

/** For each part: processor (4), variant (4), offset (4), size (4), alignment (4). */
function readFat(bytes: Buffer, count: number): ProgramFacts {
  const reader = new ByteReader(bytes, false)
  const parts = Array.from({ length: count }, (_, n) => {
    const at = 8 + n * 20
    return { machine: machineName(reader.u32(at)), offset: reader.u32(at + 8), size: reader.u32(at + 12) }
  })
  const [first] = parts
  if (first === undefined) throw new Unreadable()
  const facts = readThin(reader.slice(first.offset, first.size))
  return {
    ...facts,
    format: 'Mach-O universal',
    machines: [...new Set(parts.map(({ machine }) => machine))],
  }
}

const machineName = (processor: number): string => machOMachines[processor] ?? `0x${processor.toString(16)}`

interface Found {
  sections: Section[]
  sectionCount: number
  libraries: string[]
  uuid: string | null
  entry: number | null
  symbols: ReturnType<typeof symbolsOf> | null
}

/** The header says how many commands follow it; each has its kind (4) and its length (4). */
function readThin(bytes: Buffer): ProgramFacts {
  if (bytes.length < 8) throw new Unreadable()
  const magic = bytes.readUInt32BE(0)
  const isLittle = magic === 0xcefaedfe || magic === 0xcffaedfe
  if (!isLittle && magic !== 0xfeedface && magic !== 0xfeedfacf) throw new Unreadable()
  const isWide = magic === 0xcffaedfe || magic === 0xfeedfacf
  const reader = new ByteReader(bytes, isLittle)
  const commands = reader.u32(16)
  const found: Found = { sections: [], sectionCount: 0, libraries: [], uuid: null, entry: null, symbols: null }
  const meter = new EntropyMeter(bytes)
  const isComplete = attempt(() => {
    if (commands > MOST_COMMANDS) throw new Unreadable()
    let at = isWide ? 32 : 28
    for (let n = 0; n < commands; n++) {
      const length = reader.u32(at + 4)
      if (length < 8) throw new Unreadable()
      readCommand(reader, at, isWide, meter, found)
      at += length
    }
    return true
  })
  const facts = {
    ...noProgramFacts(isWide ? 'Mach-O 64' : 'Mach-O 32'),
    machines: [machineName(reader.u32(4))],
    entry: found.entry,
    resources: { count: 0, first: [] },
    buildId: found.uuid,
  }
  if (!isComplete) return facts
  const libraries = found.libraries.filter((name) => name.length <= MOST_NAME).slice(0, MOST_LIBRARIES)
  return {
    ...facts,
    sections: { count: found.sectionCount, first: found.sections },
    imports: { count: found.libraries.length, first: libraries.map((name) => ({ name, functions: null })) },
    importedFunctions: found.symbols?.imported ?? null,
    exports: found.symbols?.exported ?? null,
  }
}

function readCommand(reader: ByteReader, at: number, isWide: boolean, meter: EntropyMeter, found: Found): void {
  const kind = reader.u32(at)
  if (kind === COMMAND.segment || kind === COMMAND.wideSegment) readSections(reader, at, kind, meter, found)
  else if (LIBRARIES.has(kind)) found.libraries.push(reader.textAt(at + reader.u32(at + 8), 4 * MOST_NAME))
  else if (kind === COMMAND.uuid) found.uuid = uuidText(reader.slice(at + 8, 16))
  else if (kind === COMMAND.main) found.entry = attempt(() => reader.u64(at + 8))
  else if (kind === COMMAND.symbols) found.symbols = attempt(() => symbolsOf(reader, at, isWide))
}

/** Bytes as they stand, unlike a GUID of Windows. */
function uuidText(bytes: Buffer): string {
  return guidOf(
    Buffer.concat([
      Buffer.from(bytes.subarray(0, 4)).swap32(),
      Buffer.from(bytes.subarray(4, 8)).swap16(),
      bytes.subarray(8),
    ]),
  )
}

/** Name of the section (16), of its segment (16), address, size, offset in the file. */
function readSections(reader: ByteReader, at: number, kind: number, meter: EntropyMeter, found: Found): void {
  const isWide = kind === COMMAND.wideSegment
  const count = reader.u32(at + (isWide ? 64 : 48))
  const bytes = isWide ? 80 : 68
  const table = at + (isWide ? 72 : 56)
  reader.demand(table, count * bytes)
  found.sectionCount += count
  for (let n = 0; n < count && found.sections.length < MOST_SECTIONS; n++) {
    const section = table + n * bytes
    const size = isWide ? reader.u64(section + 40) : reader.u32(section + 36)
    const offset = reader.u32(section + (isWide ? 48 : 40))
    const flags = reader.u32(section + (isWide ? 64 : 56))
    // Filled with zeros when it is loaded.
    const inFile = [1, 12, 18].includes(flags & 0xff) ? 0 : size
    found.sections.push({
      name: `${reader.field(section + 16, 16)},${reader.field(section, 16)}`,
      size: inFile,
      virtualSize: size,
      entropy: meter.measure(offset, inFile),
    })
  }
}

/** Where the symbols are (8), how many (12), where their names are (16); of each its name (4), kind (1), section (1). */
function symbolsOf(
  reader: ByteReader,
  at: number,
  isWide: boolean,
): { readonly imported: number; readonly exported: NonNullable<ProgramFacts['exports']> } {
  const [table, count, names] = [reader.u32(at + 8), reader.u32(at + 12), reader.u32(at + 16)]
  if (count > MOST_SYMBOLS) throw new Unreadable()
  const bytes = isWide ? 16 : 12
  let imported = 0
  let exported = 0
  const first: string[] = []
  for (let n = 0; n < count; n++) {
    const symbol = table + n * bytes
    const kind = reader.u8(symbol + 4)
    // Of debuggers, or not seen by others.
    if ((kind & 0xe0) !== 0 || (kind & 0x10) !== 0 || (kind & 1) === 0) continue
    if ((kind & 0x0e) === 0) {
      imported++
      continue
    }
    exported++
    if (first.length >= MOST_EXPORTS) continue
    const name = reader.textAt(names + reader.u32(symbol), 8 * MOST_NAME)
    if (name !== '' && name.length <= MOST_NAME) first.push(name)
  }
  return { imported, exported: { count: exported, first } }
}
