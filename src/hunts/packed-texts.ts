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
  const pieces = new Pieces(Readable.from([stored]).compose(createZstdDecompress({ chunkSize: PIECE })))
  const heads: PackedText[] = JSON.parse(await pieces.line())
  const texts: HuntText[] = []
  for (const { bytes, ...text } of heads) texts.push({ ...text, content: await pieces.text(bytes) })
  return texts
}

/** Texts from a stream of bytes. */
class Pieces {
  readonly #source: AsyncIterator<Buffer>
  /** What was read and not used. */
  #rest: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]()
  }

  /** What comes before the next line feed, which is left out. */
  async line(): Promise<string> {
    const line: Buffer[] = []
    let end = this.#rest.indexOf(LINE_FEED)
    while (end < 0) {
      line.push(this.#rest)
      await this.#read()
      end = this.#rest.indexOf(LINE_FEED)
    }
    line.push(this.#rest.subarray(0, end))
    this.#rest = this.#rest.subarray(end + 1)
    return Buffer.concat(line).toString()
  }

  /** The next `bytes` bytes. */
  async text(bytes: number): Promise<string> {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    const pieces: string[] = []
    for (let left = bytes; left > 0; ) {
      if (this.#rest.length === 0) await this.#read()
      const piece = this.#rest.subarray(0, left)
      pieces.push(decoder.decode(piece, { stream: true }))
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
    }
    return inTurn({ length: bytes }, () => pieces.join(''))
  }

  async #read(): Promise<void> {
    const { done, value } = await this.#source.next()
    if (done) throw new Error('The stored texts of a hunt end too early.')
    this.#rest = value
  }
}
