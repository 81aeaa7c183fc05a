/**
 * Long texts as they are stored. They may have 32 MB, and the database is written by the thread that answers everybody:
 * so they are compressed elsewhere (zstd), and both ways go in small pieces.
 *
 * A text of up to 64 KB is stored as it is, in UTF-8. Which of both it is says its beginning: no UTF-8 has the first four
 * bytes of zstd.
 */
import { createHash, type Hash } from 'node:crypto'
import { pipeline, Readable, type Transform } from 'node:stream'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { inTurn } from '../turns/index.ts'
import { slicesOf } from './text-digest.ts'

const MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
/** Bytes that are decompressed at a time, and of a text that is stored as it is. */
const PIECE = 64 * 1024

export interface PackedText {
  /** SHA-256 of the text in UTF-8, in hexadecimal digits. */
  readonly digest: string
  readonly packed: Uint8Array
}

export async function packText(text: string): Promise<PackedText> {
  return packPieces(encoded(text))
}

/** Of a text in UTF-8 that came in pieces. */
export async function packPieces(pieces: Iterable<Uint8Array>): Promise<PackedText> {
  const hash = createHash('sha256')
  const rest = pieces[Symbol.iterator]()
  const first: Uint8Array[] = []
  let length = 0
  for (let next = rest.next(); ; next = rest.next()) {
    if (next.done) {
      const packed = Buffer.concat(first)
      return { digest: hash.update(packed).digest('hex'), packed }
    }
    first.push(next.value)
    length += next.value.length
    if (length > PIECE) break
  }
  const packed = await compress(hashed(hash, first, { [Symbol.iterator]: () => rest }))
  return { digest: hash.digest('hex'), packed }
}

/** The pieces of what `compress` made, or of a text that is stored as it is. Fails where it is damaged. */
export function piecesOf(packed: Uint8Array): Readable {
  const stored = Readable.from([packed], { objectMode: false })
  if (!MAGIC.equals(packed.subarray(0, MAGIC.length))) return stored
  return through(stored, createZstdDecompress({ chunkSize: PIECE }))
}

export async function unpackText(packed: Uint8Array): Promise<string> {
  // Buffers are put together, not strings: the collector would copy pieces of strings before they are.
  const whole = await gather(piecesOf(packed))
  return inTurn(whole, () => whole.toString())
}

export async function compress(pieces: Iterable<Uint8Array>): Promise<Buffer> {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })
  return Buffer.concat(await Array.fromAsync(through(Readable.from(pieces), compressor) as AsyncIterable<Buffer>))
}

/** Whoever reads it hears of failures. */
function through(from: Readable, to: Transform): Readable {
  pipeline(from, to, () => {})
  return to
}

/** All pieces as one. */
export async function gather(pieces: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<Buffer> {
  const all = await Array.fromAsync(pieces)
  const length = all.reduce((sum, piece) => sum + piece.length, 0)
  return inTurn({ length }, () => Buffer.concat(all, length))
}

/** In UTF-8. */
export function* encoded(text: string): Generator<Buffer> {
  for (const slice of slicesOf(text)) yield Buffer.from(slice)
}

function* hashed(hash: Hash, ...parts: readonly Iterable<Uint8Array>[]): Generator<Uint8Array> {
  for (const pieces of parts) {
    for (const piece of pieces) {
      hash.update(piece)
      yield piece
    }
  }
}
