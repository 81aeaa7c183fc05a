/**
 * N-grams and the bits they stand for.
 *
 * A file is seen as the set of its *windows* of four bytes. Letters are folded first (`A`–`Z` become `a`–`z`), so that
 * `nocase` strings can be looked up too. A string of L bytes can only be in a file that has all of its L−3 windows. The
 * set itself would be larger than the file; so each window is hashed to one bit of a bit array of M bits, and only the
 * bits are kept. A bit that is not set proves that the window, and so the string, is not in the file. A bit that is set
 * proves nothing, and when half of the bits are set, a string of L bytes that is not there passes by chance with a
 * probability of about 2^−(L−3).
 *
 * Example: the text "AMZN" is the window `a m z n`, as a number 0x6e7a6d61 (first byte in the low bits). Its hash is
 * 0xb88df88c, and in a signature of 2^13 bits it stands for bit 0x1711, the top 13 bits of the hash.
 *
 * Text in UTF-16LE has a zero after every character, so its windows of four bytes hold two characters and tell little.
 * For it there is a second *channel*, `wide`: the windows of eight bytes `c0 00 c1 00 c2 00 c3 00`, as the four bytes
 * `c0 c1 c2 c3`, hashed under another seed into the same bit array.
 *
 * A large sample has every common window of four bytes somewhere, so it passes although the string is not in it. Most
 * strings of rules are text, and text is a small part of most large samples. So these have the bits of their *text
 * windows* too: of TEXT_LENGTHS characters of printable ASCII, in both channels.
 *
 * And every sample has the bits of its *words*, runs of letters and digits that end where something else comes, in either
 * channel. A `fullword` string is such a word, or begins and ends with one; a word between others stands in many strings:
 *
 *     "perror" fullword        the word `perror`: `xperror` does not have it
 *     "SELECT * FROM users"    the word `from`: what comes before the first word and after the last one is open
 *
 * Text windows and words are hashed under seeds of their own into the same bit array. Records and segments of versions 3
 * and 4 have *long windows* instead, of LONG_BYTES bytes whatever they are, in large samples only.
 */

export type Channel = 'plain' | 'wide'

/** Bytes, or characters of UTF-16LE text, in a long window. */
export const LONG_BYTES = 6

/** Which windows have their bits in a signature, in the order of the numbers that stand for them in the formats. */
export const windowKinds = [
  /** Those of four bytes. Versions 1 to 4. */
  'short',
  /** Long ones as well. Versions 3 and 4. */
  'long',
  /** Those of four bytes, and words. */
  'words',
  /** Text windows as well. */
  'text',
] as const

export type WindowKind = (typeof windowKinds)[number]

/** Characters in text windows. */
export const TEXT_LENGTHS = [5, 6, 8] as const
export type TextLength = (typeof TEXT_LENGTHS)[number]

/** Characters of the words that have bits. */
export const SHORTEST_WORD = 3
export const LONGEST_WORD = 32

/**
 * The hash is multiplicative (Knuth, The Art of Computer Programming 3, 6.4): a multiplication by 2^32 divided by the
 * golden ratio, of which the top bits are used. It spreads windows that differ a little, as those of code and tables do,
 * more evenly than a random function would, so fewer of them share a bit; hashes that mix better filter no better, and
 * the largest binaries worse (docs/index-design.md has the numbers). Signed, so that the hot loop need not leave 32-bit
 * integers.
 */
const MULTIPLIER = 0x9e3779b1 | 0
const PLAIN_SEED = 0x7feb352d
const WIDE_SEED = 0x2c1b3c6d
const LONG_SEED = 0x51ed270b
const LONG_WIDE_SEED = 0x68e31da4
/** For the last four bytes of a long window, as MULTIPLIER is for the first four. */
const LONG_MULTIPLIER = 0x85ebca6b | 0

const textSeeds: Readonly<Record<Channel, Readonly<Record<TextLength, number>>>> = {
  plain: { 5: 0x1f83d9ab, 6: 0x5be0cd19, 8: 0x3c6ef372 },
  wide: { 5: 0x6a09e667, 6: 0x4cf5ad43, 8: 0x2745937f },
}
const wordSeeds: Readonly<Record<Channel, number>> = { plain: 0x811c9dc5, wide: 0x27d4eb2f }
/** Fowler, Noll and Vo's. */
const WORD_STEP = 0x01000193

/**
 * The 32-bit hash of a window, as an unsigned number. `gram` holds four folded bytes, the first in the low bits.
 * Hash a plan's grams once; `bitOf` then gives the bit in signatures of any size. Ascending hashes give ascending bits,
 * whatever the size.
 */
export function gramHash(channel: Channel, gram: number): number {
  return Math.imul(gram ^ (channel === 'plain' ? PLAIN_SEED : WIDE_SEED), MULTIPLIER) >>> 0
}

/**
 * The hash of a long window, to be used as that of a short one. `gram` holds LONG_BYTES folded bytes, the first in the
 * low bits: up to 2^48, an integer that a number holds exactly.
 */
export function longGramHash(channel: Channel, gram: number): number {
  const first = gram ^ (channel === 'plain' ? LONG_SEED : LONG_WIDE_SEED)
  const last = Math.floor(gram / 2 ** (8 * (LONG_BYTES - 4)))
  return (Math.imul(first, MULTIPLIER) + Math.imul(last, LONG_MULTIPLIER)) >>> 0
}

/** The hash of a text window: `length` characters from `at` on, folded and all of them text. */
export function textHash(channel: Channel, text: string, at: number, length: TextLength): number {
  const first = fourAt(text, at) ^ textSeeds[channel][length]
  return (Math.imul(first, MULTIPLIER) + Math.imul(fourAt(text, at + length - 4), LONG_MULTIPLIER)) >>> 0
}

function fourAt(text: string, at: number): number {
  const code = (i: number) => text.charCodeAt(at + i)
  return code(0) | (code(1) << 8) | (code(2) << 16) | (code(3) << 24)
}

/** The two hashes of a word, which is folded; both of its bits are set. Words are few, so each may have two. */
export function wordHashes(channel: Channel, word: string): readonly [number, number] {
  let sum = wordSeeds[channel]
  for (let i = 0; i < word.length; i++) sum = Math.imul(sum ^ word.charCodeAt(i), WORD_STEP)
  return [Math.imul(sum ^ (sum >>> 15), MULTIPLIER) >>> 0, Math.imul(sum ^ (sum >>> 13), LONG_MULTIPLIER) >>> 0]
}

/** Printable ASCII. */
export function isText(code: number): boolean {
  return code >= 0x20 && code < 0x7f
}

/** Of a folded character. */
export function isLetterOrDigit(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)
}

/** The bit that a hash stands for in a signature of `bits` bits (a power of two): as many of its top bits as that takes. */
export function bitOf(hash: number, bits: number): number {
  return hash >>> (Math.clz32(bits) + 1)
}
