import { createHash } from 'node:crypto'
import { noteText } from '../../src/index/fixtures.ts'
import { type EngineFacts, HEAD_BYTES, LONG_BYTES, nothingKnown } from '../../src/index/index.ts'
import type { SampleSignature } from '../../src/planner/index.ts'

/**
 * The signature that a sample would have if bits were never shared: it knows exactly which windows occur. It rules out
 * more than a real one does, and so shows mistakes of a plan that a real signature hides by chance.
 */
export function exactSignature(bytes: Uint8Array, facts: EngineFacts = nothingKnown): SampleSignature {
  const grams = { plain: new Set<number>(), wide: new Set<number>() }
  const fold = (at: number) => {
    const byte = bytes[at] as number
    return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte
  }
  const gram = (at: number, step: number) =>
    (fold(at) | (fold(at + step) << 8) | (fold(at + 2 * step) << 16) | (fold(at + 3 * step) << 24)) >>> 0
  for (let at = 0; at + 4 <= bytes.length; at++) grams.plain.add(gram(at, 1))
  for (let at = 0; at + 8 <= bytes.length; at++) {
    if (bytes[at + 1] === 0 && bytes[at + 3] === 0 && bytes[at + 5] === 0 && bytes[at + 7] === 0) {
      grams.wide.add(gram(at, 2))
    }
  }
  const long = { plain: new Set<number>(), wide: new Set<number>() }
  const longGram = (at: number, step: number) => {
    let whole = 0
    for (let i = LONG_BYTES - 1; i >= 0; i--) whole = whole * 256 + fold(at + i * step)
    return whole
  }
  for (let at = 0; at + LONG_BYTES <= bytes.length; at++) long.plain.add(longGram(at, 1))
  const zeros = Array.from({ length: LONG_BYTES }, (_, i) => 2 * i + 1)
  for (let at = 0; at + 2 * LONG_BYTES <= bytes.length; at++)
    if (zeros.every((ahead) => bytes[at + ahead] === 0)) long.wide.add(longGram(at, 2))
  const [text, words] = [new Set<number>(), new Set<number>()]
  noteText(Uint8Array.from(bytes.keys(), fold), {
    text: (_channel, hash) => text.add(hash),
    word: (_channel, hash) => words.add(hash),
  })
  return {
    size: bytes.length,
    head: bytes.subarray(0, HEAD_BYTES),
    md5: digest('md5', bytes),
    sha1: digest('sha1', bytes),
    sha256: digest('sha256', bytes),
    ...facts,
    has: (channel, gram) => grams[channel].has(gram),
    hasLongGram: (channel, gram) => long[channel].has(gram),
    hasText: (hash) => text.has(hash),
    hasWord: (hash) => words.has(hash),
  }
}

function digest(algorithm: string, bytes: Uint8Array): Uint8Array {
  return createHash(algorithm).update(bytes).digest()
}
