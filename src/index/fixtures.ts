/** Material for the tests of this folder: repeatable random bytes, and samples that look a little like real files. */
import { createCipheriv, createHash } from 'node:crypto'
import { type Channel, LONGEST_WORD, SHORTEST_WORD, TEXT_LENGTHS, textHash, wordHashes } from './gram.ts'
import type { SignedSample } from './segment-writer.ts'
import { type EngineFacts, nothingKnown, sign } from './signing.ts'

export interface Random {
  /** An integer from 0 to `limit - 1`. */
  below(limit: number): number
  bytes(length: number): Uint8Array
  /** A mixture of text, UTF-16 text, code-like and random bytes, and zeros. */
  sample(length: number): Uint8Array
}

/** The seed is printed with the test that uses it; `BACKTRAIL_SEED` replaces it. */
export function randomFrom(seed: string): Random {
  const chosen = process.env.BACKTRAIL_SEED ?? seed
  console.log(`seed: ${chosen}`)
  const key = createHash('sha256').update(chosen).digest()
  const stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  let drawn = Buffer.alloc(0)
  let at = 0
  const next = (): number => {
    if (at === drawn.length) {
      drawn = stream.update(Buffer.alloc(4096))
      at = 0
    }
    at += 4
    return drawn.readUInt32LE(at - 4)
  }
  const below = (limit: number) => Math.floor((next() / 2 ** 32) * limit)
  const bytes = (length: number) => stream.update(Buffer.alloc(length))
  const words = ['Kernel32.dll', 'GetProcAddress', ' the ', 'HTTP/1.1', 'SOFTWARE\\Microsoft', '<html>', 'invoice']
  const word = () => words[below(words.length)] as string
  const code = [0x8b, 0x45, 0xfc, 0xe8, 0, 0, 0x83, 0xc4]
  const pieces: readonly ((length: number) => Uint8Array)[] = [
    () => Buffer.from(word()),
    () => Buffer.from(word(), 'utf16le'),
    (length) => new Uint8Array(length),
    bytes,
    (length) => Uint8Array.from({ length }, () => code[below(code.length)] as number),
  ]
  const sample = (length: number) => {
    const whole = new Uint8Array(length)
    for (let filled = 0; filled < length; ) {
      const draw = pieces[below(pieces.length)] as (length: number) => Uint8Array
      const piece = draw(1 + below(Math.max(8, length / 4)))
      whole.set(piece.subarray(0, length - filled), filled)
      filled += piece.length
    }
    return whole
  }
  return { below, bytes, sample }
}

/** Signs a sample under its real digests. */
export function signed(id: number, bytes: Uint8Array, facts: EngineFacts = nothingKnown): SignedSample {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest()
  const digests = { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
  return { id, record: sign(bytes, digests, facts) }
}

/** What is taken down of a sample's text, by the offset at which it begins; tests leave some of it out. */
export interface TextNotes {
  text?(channel: Channel, hash: number, at: number): void
  word?(channel: Channel, hash: number, at: number): void
}

/** The obvious way to find the text windows and the words of a sample whose bytes are folded. */
export function noteText(folded: Uint8Array, { text = () => {}, word = () => {} }: TextNotes): void {
  note('plain', Buffer.from(folded).toString('latin1'), (at) => at)
  for (const parity of [0, 1]) {
    let characters = ''
    for (let at = parity; at + 1 < folded.length; at += 2)
      characters += String.fromCharCode(folded[at + 1] === 0 ? (folded[at] as number) : 0)
    note('wide', characters, (at) => parity + 2 * at)
  }

  function note(channel: Channel, characters: string, offsetOf: (at: number) => number): void {
    for (const { 0: run, index } of characters.matchAll(/[ -~]+/g))
      for (const length of TEXT_LENGTHS)
        for (let at = index; at + length <= index + run.length; at++)
          text(channel, textHash(channel, characters, at, length), offsetOf(at))
    for (const { 0: run, index } of characters.matchAll(/[a-z0-9]+/g))
      if (run.length >= SHORTEST_WORD && run.length <= LONGEST_WORD)
        for (const hash of wordHashes(channel, run)) word(channel, hash, offsetOf(index))
  }
}
