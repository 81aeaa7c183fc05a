/**
 * The texts of a hunt as they are stored. They may have 32 MB, and the database is written by the thread that answers
 * everybody: so they are compressed elsewhere, and both ways go in small pieces; short ones are compressed at once.
 *
 *   zstd( JSON list of { name, bytes, leftOut }, a line feed, the contents in UTF-8 one after the other )
 *
 * Up to schema 17 it was JSON.
 */
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compress, encoded, gather, piecesOf } from '../rulesets/index.ts'
import { inTurn } from '../turns/index.ts'
import type { LeftOut } from '../yara/index.ts'
import type { HuntText } from './hunt-text.ts'

interface PackedText {
  readonly name: string
  /** Of its content. */
  readonly bytes: number
  readonly leftOut?: readonly LeftOut[]
}

/** Characters that are compressed at once, and compressed bytes. */
const SHORT = 32 * 1024
const LINE_FEED = 0x0a
const OPEN_LIST = 0x5b

export async function packTexts(texts: readonly HuntText[]): Promise<Uint8Array> {
  const characters = texts.reduce((sum, { content }) => sum + content.length, 0)
  return characters <= SHORT ? zstdCompressSync(Buffer.concat([...unpacked(texts)])) : compress(unpacked(texts))
}

function* unpacked(texts: readonly HuntText[]): Generator<Buffer> {
  const heads = texts.map(({ content, ...text }): PackedText => ({ ...text, bytes: Buffer.byteLength(content) }))
  yield Buffer.from(`${JSON.stringify(heads)}\n`)
  for (const { content } of texts) yield* encoded(content)
}

/** What is stored, where it is short: it is done before another thread would begin. */
function shortOf(stored: Uint8Array): Buffer | null {
  if (stored.length > SHORT) return null
  try {
    return zstdDecompressSync(stored, { maxOutputLength: 4 * SHORT })
  } catch {
    // It is longer, or damaged: whoever reads it piece by piece hears of that.
    return null
  }
}

export async function unpackTexts(stored: Uint8Array): Promise<HuntText[]> {
  if (stored[0] === OPEN_LIST) return inTurn(stored, () => JSON.parse(Buffer.from(stored).toString()))
  const whole = shortOf(stored) ?? (await gather(piecesOf(stored)))
  const end = whole.indexOf(LINE_FEED)
  const heads: PackedText[] = JSON.parse(whole.toString('utf8', 0, end))
  const texts: HuntText[] = []
  let from = end + 1
  for (const { bytes, ...text } of heads) {
    const content = whole.subarray(from, from + bytes)
    texts.push({ ...text, content: await inTurn(content, () => content.toString()) })
    from += bytes
  }
  return texts
}
