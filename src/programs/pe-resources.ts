import { Unreadable } from './byte-reader.ts'
import { type Listed, MOST_RESOURCE_KINDS, type ResourceKind } from './facts.ts'
import { DIRECTORY, type PeImage } from './pe-image.ts'

/** Real programs have up to some thousands. */
const MOST_ENTRIES = 16_384
const IS_FOLDER = 0x8000_0000

const kinds: Readonly<Record<number, string>> = {
  1: 'cursor',
  2: 'bitmap',
  3: 'icon',
  4: 'menu',
  5: 'dialog',
  6: 'string table',
  7: 'font folder',
  8: 'font',
  9: 'accelerator',
  10: 'raw bytes',
  11: 'message table',
  12: 'cursor group',
  14: 'icon group',
  16: 'version',
  17: 'dialog include',
  19: 'plug and play',
  20: 'VxD',
  21: 'animated cursor',
  22: 'animated icon',
  23: 'HTML',
  24: 'manifest',
}

/** One that has bytes; `at` is their address in memory. */
export interface Resource {
  readonly type: number | string
  readonly at: number
  readonly size: number
}

export function readResources(image: PeImage): Listed<ResourceKind> {
  const byKind = new Map<string, { count: number; bytes: number }>()
  let count = 0
  for (const { type, size } of resourcesOf(image)) {
    const name = typeof type === 'number' ? (kinds[type] ?? `type ${type}`) : type
    const kind = byKind.get(name) ?? { count: 0, bytes: 0 }
    kind.count++
    kind.bytes += size
    byKind.set(name, kind)
    count++
  }
  const first = [...byKind].slice(0, MOST_RESOURCE_KINDS).map(([type, kind]) => ({ type, ...kind }))
  return { count, first }
}

/**
 * The resource directory is a tree of three levels: kind, name, language. Each folder has the numbers of its entries with
 * names (12) and with numbers (14), and 8 bytes for each: its number or where its name is, and where it leads. Folders
 * that lead to each other end at the third level.
 */
export function* resourcesOf(image: PeImage): Generator<Resource> {
  const { reader } = image
  const directory = image.directory(DIRECTORY.resources)
  if (directory === null) return
  const root = image.offsetOf(directory.at)
  let left = MOST_ENTRIES
  function* walk(folder: number, level: number, kind: number | string | null): Generator<Resource> {
    const entries = reader.u16(folder + 12) + reader.u16(folder + 14)
    for (let n = 0; n < entries; n++) {
      if (--left < 0) throw new Unreadable()
      const at = folder + 16 + n * 8
      const named = reader.u32(at)
      const to = reader.u32(at + 4)
      const type = kind ?? ((named & IS_FOLDER) !== 0 ? nameAt(root + (named & ~IS_FOLDER)) : named)
      const place = root + (to & ~IS_FOLDER)
      if ((to & IS_FOLDER) === 0) yield { type, at: reader.u32(place), size: reader.u32(place + 4) }
      else if (level < 3) yield* walk(place, level + 1, type)
    }
  }
  /** Two bytes of a length in characters, and the characters. */
  const nameAt = (at: number): string => reader.slice(at + 2, Math.min(64, reader.u16(at)) * 2).toString('utf16le')
  yield* walk(root, 1, null)
}
