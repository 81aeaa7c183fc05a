import { guidOf, Unreadable } from './byte-reader.ts'
import { MOST_NAME, type ProgramFacts } from './facts.ts'
import { DIRECTORY, type PeImage } from './pe-image.ts'

const METADATA = 0x424a5342
const MOST_STREAMS = 64
const GUID_BYTES = 16

/**
 * The metadata of a .NET assembly (ECMA-335, II.24): `BSJB`, a version, and streams with their names. The stream `#~` holds
 * tables; the first of them, `Module`, has one row with the module's name and its GUID, by their places in the streams
 * `#Strings` and `#GUID`.
 */
export function readDotnet(image: PeImage): ProgramFacts['dotnet'] {
  const { reader } = image
  const directory = image.directory(DIRECTORY.dotnet)
  if (directory === null) return null
  const root = image.offsetOf(reader.u32(image.offsetOf(directory.at) + 8))
  if (reader.u32(root) !== METADATA) throw new Unreadable()
  const versionBytes = reader.u32(root + 12)
  const version = reader.field(root + 16, Math.min(versionBytes, MOST_NAME))
  const streams = readStreams(image, root, root + 16 + versionBytes)
  return { version, ...moduleOf(image, streams) }
}

function readStreams({ reader }: PeImage, root: number, header: number): Map<string, number> {
  const streams = new Map<string, number>()
  const count = Math.min(MOST_STREAMS, reader.u16(header + 2))
  let at = header + 4
  for (let n = 0; n < count; n++) {
    const name = reader.textAt(at + 8, 32)
    if (!streams.has(name)) streams.set(name, root + reader.u32(at))
    at += 8 + ((name.length + 4) & ~3)
  }
  return streams
}

function moduleOf({ reader }: PeImage, streams: ReadonlyMap<string, number>): Module {
  const tables = streams.get('#~') ?? streams.get('#-')
  const texts = streams.get('#Strings')
  const guids = streams.get('#GUID')
  if (tables === undefined)
    return { module: null, mvid: guids === undefined ? null : guidOf(reader.slice(guids, GUID_BYTES)) }
  const widths = reader.u8(tables + 6)
  let rows = 0
  for (let bits = BigInt(reader.u32(tables + 8)) | (BigInt(reader.u32(tables + 12)) << 32n); bits > 0n; bits >>= 1n)
    if ((bits & 1n) === 1n) rows++
  // The numbers of rows of each table that is there, then the rows: a number of two bytes, the name, the GUID.
  const name = tables + 24 + 4 * rows + 2
  const isWide = (bit: number) => (widths & bit) !== 0
  const guid = name + (isWide(1) ? 4 : 2)
  const nameAt = isWide(1) ? reader.u32(name) : reader.u16(name)
  const guidAt = isWide(2) ? reader.u32(guid) : reader.u16(guid)
  const module = texts === undefined ? '' : reader.textAt(texts + nameAt, 4 * MOST_NAME)
  return {
    module: module !== '' && module.length <= MOST_NAME ? module : null,
    mvid:
      guids === undefined || guidAt === 0 ? null : guidOf(reader.slice(guids + (guidAt - 1) * GUID_BYTES, GUID_BYTES)),
  }
}

type Module = Pick<NonNullable<ProgramFacts['dotnet']>, 'module' | 'mvid'>
