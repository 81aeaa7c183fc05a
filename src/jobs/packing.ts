/**
 * Parts of hunts on their way between processes of one cluster and one version: as V8 writes values, so that lists of ids
 * stay typed arrays. Rules, which may have 32 MB, are compressed elsewhere, a ruleset at a time:
 *
 *   zstd( for each ruleset: its length in four bytes, the value )
 */
import { Readable } from 'node:stream'
import { deserialize, serialize } from 'node:v8'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import type { RunnableRuleset } from '../scanning/index.ts'
import { inTurn } from '../turns/index.ts'

export function pack(value: unknown): Uint8Array {
  return serialize(value)
}

/** Fails on what is cut off or of another version: the part is done by the server then. */
export function unpack<T>(bytes: Uint8Array): T {
  return deserialize(bytes) as T
}

export async function packRules(rulesets: readonly RunnableRuleset[]): Promise<Uint8Array> {
  const compressor = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } })
  return Buffer.concat(
    await Array.fromAsync(Readable.from(unpacked(rulesets)).compose(compressor) as AsyncIterable<Buffer>),
  )
}

async function* unpacked(rulesets: readonly RunnableRuleset[]): AsyncGenerator<Buffer> {
  for (const ruleset of rulesets) {
    const value = await inTurn(ruleset.content, () => serialize(ruleset))
    const length = Buffer.alloc(4)
    length.writeUInt32BE(value.length)
    yield length
    yield value
  }
}

export async function unpackRules(packed: Uint8Array): Promise<RunnableRuleset[]> {
  const decompressor = createZstdDecompress()
  const pieces = await Array.fromAsync(Readable.from([packed]).compose(decompressor) as AsyncIterable<Buffer>)
  const whole = Buffer.concat(pieces)
  const rulesets: RunnableRuleset[] = []
  for (let from = 0; from < whole.length; ) {
    const to = from + 4 + whole.readUInt32BE(from)
    const value = whole.subarray(from + 4, to)
    rulesets.push(await inTurn(value, () => deserialize(value) as RunnableRuleset))
    from = to
  }
  return rulesets
}
