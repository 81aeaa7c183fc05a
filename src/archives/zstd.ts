/**
 * Where Zstandard frames end: by their headers alone, without unpacking (RFC 8878). Node unpacks them, and does not tell.
 *
 *     frame       magic 28 b5 2f fd | descriptor | [window] | [dictionary] | [content size] | block … | [checksum]
 *     block       u24: last (1 bit), type (2 bits), size (21 bits) | bytes; of a repeated byte one
 *     skippable   magic 5? 2a 4d 18 | u32 size | bytes
 */
import { type Effort, spend } from './effort.ts'

const FRAME = 0xfd2f_b528
const SKIPPABLE = 0x184d_2a50
const LARGEST_BLOCK = 128 * 1024
const REPEATED = 1
const COMPRESSED = 2
const RESERVED = 3

export function isZstd(bytes: Buffer, at: number): boolean {
  return at + 8 <= bytes.length && bytes.readUInt32LE(at) === FRAME
}

/** The end of all whole frames that follow each other; null where the first one is cut off or none, or takes too much effort. */
export function zstdEnd(bytes: Buffer, from: number, effort: Effort | null = null): number | null {
  let end: number | null = null
  for (let next = frameEnd(bytes, from, effort); next !== null; next = frameEnd(bytes, next, effort)) end = next
  return end
}

/** Whether unpacking finds out that it is none: it has its size or its checksum, or begins with a compressed block. */
export function showsDamage(bytes: Buffer, from: number): boolean {
  const descriptor = bytes[from + 4] as number
  if ((descriptor & 0xe4) !== 0) return true
  const block = from + 6 + ([0, 1, 2, 4][descriptor & 3] as number)
  return (((bytes[block] ?? 0) >>> 1) & 3) === COMPRESSED
}

function frameEnd(bytes: Buffer, from: number, effort: Effort | null): number | null {
  if (from + 8 > bytes.length || !spend(effort, 1)) return null
  const magic = bytes.readUInt32LE(from)
  if (magic >>> 4 === SKIPPABLE >>> 4) return within(bytes, from + 8 + bytes.readUInt32LE(from + 4))
  if (magic !== FRAME) return null
  const descriptor = bytes[from + 4] as number
  if ((descriptor & 0x08) !== 0) return null
  const isSingle = (descriptor & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][descriptor & 3] as number
  const size = [isSingle ? 1 : 0, 2, 4, 8][descriptor >>> 6] as number
  let at = from + 5 + (isSingle ? 0 : 1) + dictionary + size
  for (;;) {
    if (at + 3 > bytes.length || !spend(effort, 1)) return null
    const block = bytes.readUIntLE(at, 3)
    const type = (block >>> 1) & 3
    if (type === RESERVED || (block >>> 3 > LARGEST_BLOCK && type !== REPEATED)) return null
    at += 3 + (type === REPEATED ? 1 : block >>> 3)
    if ((block & 1) === 1) break
  }
  return within(bytes, at + ((descriptor & 0x04) !== 0 ? 4 : 0))
}

function within(bytes: Buffer, end: number): number | null {
  return end <= bytes.length ? end : null
}
