import { attempt, guidOf, Unreadable } from './byte-reader.ts'
import { MOST_PATH } from './facts.ts'
import { DIRECTORY, type PeImage } from './pe-image.ts'

const ENTRY_BYTES = 28
const MOST_ENTRIES = 64
const CODE_VIEW = 2
const REPRODUCIBLE = 16
const RSDS = 0x53445352
const NB10 = 0x3031424e

export interface Debug {
  readonly pdb: string | null
  /** GUID and age, as symbol servers name files. */
  readonly id: string | null
  readonly isReproducible: boolean
}

/** The debug directory: entries of 28 bytes with their kind (12), size (16), and offset in the file (24). */
export function readDebug(image: PeImage): Debug {
  const { reader } = image
  const directory = image.directory(DIRECTORY.debug)
  let found: Debug = { pdb: null, id: null, isReproducible: false }
  if (directory === null) return found
  const start = image.offsetOf(directory.at)
  const entries = Math.min(MOST_ENTRIES, Math.floor(directory.size / ENTRY_BYTES))
  for (let n = 0; n < entries; n++) {
    const at = start + n * ENTRY_BYTES
    const kind = reader.u32(at + 12)
    if (kind === REPRODUCIBLE) found = { ...found, isReproducible: true }
    if (kind === CODE_VIEW && found.pdb === null) found = { ...found, ...attempt(() => codeView(image, at)) }
  }
  return found
}

/** `RSDS`, GUID, age, path; of old linkers `NB10`, offset, time, age, path. */
function codeView({ reader }: PeImage, entry: number): Pick<Debug, 'pdb' | 'id'> {
  const at = reader.u32(entry + 24)
  const kind = reader.u32(at)
  if (kind === RSDS) {
    const id = `${guidOf(reader.slice(at + 4, 16))}-${reader.u32(at + 20)}`
    return { pdb: reader.textAt(at + 24, MOST_PATH) || null, id }
  }
  if (kind !== NB10) throw new Unreadable()
  return { pdb: reader.textAt(at + 16, MOST_PATH) || null, id: null }
}
