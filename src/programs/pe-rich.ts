import { hash } from 'node:crypto'
import type { PeImage } from './pe-image.ts'

const DANS = 0x536e6144
const RICH = 0x68636952
const LINKER_STUB_FROM = 0x40
/** It stands between two small headers. */
const MOST_BYTES = 0x1000

/**
 * What Microsoft's linkers write between the DOS header and the PE header: which tools made how many objects, exclusive
 * or with a key that stands behind the word `Rich`. Its hash is of the bytes with the key taken away, from `DanS` on.
 */
export function richHashOf({ reader, at }: PeImage): string | null {
  const end = Math.min(at, LINKER_STUB_FROM + MOST_BYTES)
  for (let rich = LINKER_STUB_FROM; rich + 8 <= end; rich += 4) {
    if (reader.u32(rich) !== RICH) continue
    const key = reader.u32(rich + 4)
    for (let start = rich - 4; start >= LINKER_STUB_FROM; start -= 4) {
      if ((reader.u32(start) ^ key) >>> 0 !== DANS) continue
      const clear = Buffer.from(reader.slice(start, rich - start))
      for (let n = 0; n < clear.length; n += 4) clear.writeUInt32LE((clear.readUInt32LE(n) ^ key) >>> 0, n)
      return hash('md5', clear, 'hex')
    }
    return null
  }
  return null
}
