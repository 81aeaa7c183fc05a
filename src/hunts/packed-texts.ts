/**
 * The texts of a hunt as they are stored. They may have 32 MB, and the database is written by the thread that answers
 * everybody: so they are compressed elsewhere, and both ways go in small pieces.
 *
 *   zstd( JSON list of { name, bytes, leftOut }, a line feed, the contents in UTF-8 one after the other )
 *
 * Up to schema 17 it was JSON.
 */
import { Readable } from 'node:stream'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { slicesOf } from '../rulesets/index.ts'
import { inTurn } from '../turns/index.ts'
import type { LeftOut } from '../yara/index.ts'
import type { HuntText } from './hunt-text.ts'

interface PackedText {
  readonly name: string
  /** Of its content. */
  readonly bytes: number
  readonly leftOut?: readonly LeftOut[]
}

const LINE_FEED = 0x0a
const OPEN_LIST = 0x5b
/** Bytes that are decompressed at a time. */
const PIECE = 64 * 1024

export async function packTexts(texts: readonly HuntText[]): Promise<Uint8Array> {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })
  const packed = await Array.fromAsync(Readable.from(unpacked(texts)).compose(compressor) as AsyncIterable<Buffer>)
  return Buffer.concat(packed)
}

function* unpacked(texts: readonly HuntText[]): Generator<Buffer> {
  const heads = texts.map(({ content, ...text }): PackedText => ({ ...text, bytes: Buffer.byteLength(content) }))
  yield Buffer.from(`${JSON.stringify(heads)}\n`)
  for (const { content } of texts) for (const slice of slicesOf(content)) yield Buffer.from(slice)
}

export async function unpackTexts(stored: Uint8Array): Promise<HuntText[]> {
  if (stored[0] === OPEN_LIST) return inTurn(stored, () => JSON.parse(Buffer.from(stored).toString()))
  const decompressor = createZstdDecompress({ chunkSize: PIECE })
  const pieces = await Array.fromAsync(Readable.from([stored]).compose(decompressor) as AsyncIterable<Buffer>)
  // Buffers are put together, not strings: the collector would copy pieces of strings before they are.
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const whole = await inTurn({ length }, () => Buffer.concat(pieces, length))
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
