import { Unreadable } from './byte-reader.ts'
import { type Listed, MOST_EXPORTS, MOST_NAME } from './facts.ts'
import { DIRECTORY, type PeImage } from './pe-image.ts'

/** Functions have numbers of 16 bits. */
const MOST_FUNCTIONS = 65_536

/**
 * The export directory: numbers of functions (20) and names (24), addresses of the functions (28) and of the names (32).
 * `count` is of functions; some have no name.
 */
export function readExports(image: PeImage): Listed<string> {
  const { reader } = image
  const directory = image.directory(DIRECTORY.exports)
  if (directory === null) return { count: 0, first: [] }
  const at = image.offsetOf(directory.at)
  const [functions, names] = [reader.u32(at + 20), reader.u32(at + 24)]
  if (functions > MOST_FUNCTIONS || names > MOST_FUNCTIONS) throw new Unreadable()
  if (functions === 0) return { count: 0, first: [] }
  const addresses = image.offsetOf(reader.u32(at + 28))
  let count = 0
  for (let n = 0; n < functions; n++) if (reader.u32(addresses + 4 * n) !== 0) count++
  const first: string[] = []
  const nameTable = names === 0 ? 0 : image.offsetOf(reader.u32(at + 32))
  for (let n = 0; n < names && first.length < MOST_EXPORTS; n++) {
    const name = reader.textAt(image.offsetOf(reader.u32(nameTable + 4 * n)), 8 * MOST_NAME)
    if (name.length <= MOST_NAME) first.push(name)
  }
  return { count, first }
}
