import { createHash } from 'node:crypto'
import type { SignedSample } from './segment-writer.ts'
import { sign } from './signing.ts'

/** Material for the tests of this folder: repeatable random bytes and samples that look a little like real files. */
export interface Random {
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number
  fill(bytes: Uint8Array): void
  /** A mixture of text, UTF-16 text, code-like and random bytes, and zeros. */
  sample(length: number): Uint8Array
}

/** The seed is printed with the test that uses it; `BACKTRAIL_SEED` replaces it. */
export function randomFrom(seed: string): Random {
  const chosen = process.env.BACKTRAIL_SEED ?? seed
  console.log(`seed: ${chosen}`)
  const start = createHash('sha256').update(chosen).digest()
  const state = new Int32Array([0, 4, 8, 12].map((offset) => start.readInt32LE(offset)))
  // xoshiro128**, by Blackman and Vigna.
  const next = (): number => {
    const [a, b, c, d] = state as unknown as [number, number, number, number]
    const scrambled = Math.imul(b, 5)
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9)
    const c1 = c ^ a
    const d1 = d ^ b
    state[1] = b ^ c1
    state[0] = a ^ d1
    state[2] = c1 ^ (b << 9)
    state[3] = (d1 << 11) | (d1 >>> 21)
    return result >>> 0
  }
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit)
  const fill = (bytes: Uint8Array) => {
    for (let i = 0; i < bytes.length; i += 4) {
      const word = next()
      for (let k = 0; k < 4 && i + k < bytes.length; k++) bytes[i + k] = word >>> (8 * k)
    }
  }
  const words = ['Kernel32.dll', 'GetProcAddress', ' the ', 'HTTP/1.1', 'SOFTWARE\\Microsoft', '<html>', 'invoice']
  const pieces: readonly ((length: number) => Uint8Array)[] = [
    () => Buffer.from(words[below(words.length)] as string),
    () => Buffer.from(words[below(words.length)] as string, 'utf16le'),
    (length) => new Uint8Array(length),
    (length) => {
      const bytes = new Uint8Array(length)
      fill(bytes)
      return bytes
    },
    (length) => Uint8Array.from({ length }, () => [0x8b, 0x45, 0xfc, 0xe8, 0, 0, 0x83, 0xc4][below(8)] as number),
  ]
  const sample = (length: number) => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; ) {
      const piece = (pieces[below(pieces.length)] as (length: number) => Uint8Array)(1 + below(Math.max(8, length / 4)))
      bytes.set(piece.subarray(0, length - at), at)
      at += piece.length
    }
    return bytes
  }
  return { below, fill, sample }
}

/** Signs a sample under its real digests. */
export function signed(id: number, bytes: Uint8Array): SignedSample {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest()
  return { id, record: sign(bytes, { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }) }
}
