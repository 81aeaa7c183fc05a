import { hash } from 'node:crypto'
import { Unreadable } from './byte-reader.ts'
import { type ImportedLibrary, type Listed, MOST_LIBRARIES, MOST_NAME } from './facts.ts'
import { DIRECTORY, type PeImage } from './pe-image.ts'

const DESCRIPTOR_BYTES = 20
/** Real programs import some hundreds of functions of some dozens of libraries. */
const MOST_FUNCTIONS = 16_384
const MOST_DESCRIPTORS = 2_048

interface Library {
  readonly name: string
  readonly functions: readonly string[]
}

interface Imports {
  readonly libraries: readonly Library[]
  readonly listed: Listed<ImportedLibrary>
  readonly functions: number
}

/** Throws `Unreadable` also where there are more than any program has. */
export function readImports(image: PeImage): Imports {
  const libraries = readLibraries(image)
  const functions = libraries.reduce((sum, library) => sum + library.functions.length, 0)
  const first = libraries
    .filter(({ name }) => name.length <= MOST_NAME)
    .slice(0, MOST_LIBRARIES)
    .map(({ name, functions }) => ({ name, functions: functions.length }))
  return { libraries, listed: { count: libraries.length, first }, functions }
}

/**
 * The import directory: for each library a descriptor of 20 bytes, the last of them zero: addresses of the list of
 * functions (0), of the library's name (12), and of the list that the loader fills (16), which holds the same before.
 */
function readLibraries(image: PeImage): Library[] {
  const { reader } = image
  const directory = image.directory(DIRECTORY.imports)
  if (directory === null) return []
  const libraries: Library[] = []
  let left = MOST_FUNCTIONS
  const start = image.offsetOf(directory.at)
  for (let n = 0; n < MOST_DESCRIPTORS; n++) {
    const at = start + n * DESCRIPTOR_BYTES
    if (at + DESCRIPTOR_BYTES > reader.length) break
    const nameAt = reader.u32(at + 12)
    const thunks = reader.u32(at) || reader.u32(at + 16)
    if (nameAt === 0 || thunks === 0) break
    const name = reader.textAt(image.offsetOf(nameAt), 4 * MOST_NAME)
    const functions = readFunctions(image, thunks, left)
    left -= functions.length
    libraries.push({ name, functions })
  }
  return libraries
}

/** A list of 4 or 8 bytes each, the last one zero: a number where the highest bit is set, else where the name is. */
function readFunctions(image: PeImage, thunks: number, most: number): string[] {
  const { reader, isPlus } = image
  const width = isPlus ? 8 : 4
  const names: string[] = []
  for (let at = image.offsetOf(thunks); ; at += width) {
    const low = reader.u32(at)
    const isNumber = (reader.u32(isPlus ? at + 4 : at) & 0x8000_0000) !== 0
    if (low === 0 && !isNumber) return names
    if (names.length >= most) throw new Unreadable()
    // A name stands behind two bytes of a hint.
    names.push(isNumber ? `ord${low & 0xffff}` : reader.textAt(image.offsetOf(low) + 2, 4 * MOST_NAME))
  }
}

/**
 * The MD5 of `library.function,…` in lower case, without `.dll`, `.ocx` and `.sys`. The engine's differs where it has
 * names for the numbers of functions, as of `ws2_32.dll`.
 */
export function importHash(libraries: readonly Library[]): string {
  const imported = libraries.flatMap(({ name, functions }) => {
    const library = name.toLowerCase().replace(/\.(?:dll|ocx|sys)$/, '')
    return functions.map((one) => `${library}.${one.toLowerCase()}`)
  })
  return hash('md5', imported.join(','), 'hex')
}
