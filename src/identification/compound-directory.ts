/**
 * The directory of a compound file: the names of its streams, and the class of what it is. It may lie anywhere:
 *
 *     header   at 30 the size of a sector as a power of two, at 48 the first sector of the directory, at 76 the first
 *              sectors of the allocation table
 *     sectors  number n begins at (n + 1) × size; the allocation table says for each which one follows it
 */
import type { Head } from './head.ts'

const SECTORS_IN_HEADER = 109
/** Of the directory: 64 KB with the usual size. */
const MOST_SECTORS = 128

/** As Latin-1 text, as much of it as is at hand. */
export function compoundDirectory(head: Head): string {
  const shift = head.u16(30)
  if (shift < 7 || shift > 16) return ''
  const size = 1 << shift
  const word = (offset: number): number => {
    const bytes = head.beyond(offset, 4)
    return bytes.length < 4 ? END : Buffer.from(bytes).readUInt32LE()
  }
  let directory = ''
  let sector = head.u32(48)
  for (let n = 0; n < MOST_SECTORS && sector < END; n++) {
    directory += Buffer.from(head.beyond((sector + 1) * size, size)).toString('latin1')
    const table = Math.floor((sector * 4) / size)
    // A table that goes on outside of the header is that of a very large file.
    if (table >= SECTORS_IN_HEADER) break
    sector = word((head.u32(76 + table * 4) + 1) * size + ((sector * 4) % size))
  }
  return directory
}

/** Sectors from here on are none: the end of a chain, or free. */
const END = 0xffff_fffa
