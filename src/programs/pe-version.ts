import { Unreadable } from './byte-reader.ts'
import { MOST_NAME, MOST_VERSION_TEXTS } from './facts.ts'
import type { PeImage } from './pe-image.ts'
import { resourcesOf } from './pe-resources.ts'

const VERSION = 16
const MOST_BYTES = 64 * 1024
const MOST_BLOCKS = 1_024
const HEADER_BYTES = 6

/**
 * The texts of the version resource. It consists of blocks: length (2), length of the value (2), kind (2), key in UTF-16
 * with a zero behind it, the value at the next multiple of four, and blocks inside. Texts lie in
 * `StringFileInfo`, there in a block for each language; of two languages the first one that has a text counts.
 */
export function readVersion(image: PeImage): Readonly<Record<string, string>> {
  for (const { type, at, size } of resourcesOf(image)) {
    if (type !== VERSION) continue
    const bytes = image.reader.slice(image.offsetOf(at), Math.min(size, MOST_BYTES))
    return Object.fromEntries(textsOf(bytes))
  }
  return {}
}

interface Block {
  readonly key: string
  readonly value: Buffer
  /** Where the blocks inside begin, and where it ends. */
  readonly inside: number
  readonly end: number
}

function textsOf(bytes: Buffer): Map<string, string> {
  const texts = new Map<string, string>()
  const root = blockAt(bytes, 0, bytes.length)
  if (root.key !== 'VS_VERSION_INFO') throw new Unreadable()
  let left = MOST_BLOCKS
  function* inside({ inside, end }: Block): Generator<Block> {
    for (let at = inside; at + HEADER_BYTES < end; ) {
      if (--left < 0) return
      const block = blockAt(bytes, at, end)
      yield block
      at = aligned(block.end)
    }
  }
  for (const info of inside(root)) {
    if (info.key !== 'StringFileInfo') continue
    for (const table of inside(info)) {
      for (const { key, value } of inside(table)) {
        const text = upToZero(value)
        if (key === '' || text === '' || key.length > MOST_NAME || text.length > MOST_NAME) continue
        if (!texts.has(key) && texts.size < MOST_VERSION_TEXTS) texts.set(key, text)
      }
    }
  }
  return texts
}

function blockAt(bytes: Buffer, at: number, most: number): Block {
  if (at + HEADER_BYTES > bytes.length) throw new Unreadable()
  const end = Math.min(most, at + bytes.readUInt16LE(at))
  if (end <= at + HEADER_BYTES) throw new Unreadable()
  const isText = bytes.readUInt16LE(at + 4) === 1
  const key = upToZero(bytes.subarray(at + HEADER_BYTES, end))
  const value = aligned(at + HEADER_BYTES + key.length * 2 + 2)
  // The length of a text is in characters, as its linkers have it.
  const valueBytes = bytes.readUInt16LE(at + 2) * (isText ? 2 : 1)
  const valueEnd = Math.min(end, value + valueBytes)
  return {
    key,
    value: bytes.subarray(value, Math.max(value, valueEnd)),
    inside: aligned(Math.max(value, valueEnd)),
    end,
  }
}

function upToZero(bytes: Buffer): string {
  const text = bytes.toString('utf16le', 0, bytes.length & ~1)
  const end = text.indexOf('\0')
  return end < 0 ? text : text.slice(0, end)
}

const aligned = (at: number): number => (at + 3) & ~3
