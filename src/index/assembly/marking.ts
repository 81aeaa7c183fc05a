/**
 * The loops that every byte of every sample runs through, in AssemblyScript: `npm run assembly` makes
 * `../marking.generated.wasm` of it, 16 bytes a step, more than twice as fast as the same in JavaScript.
 * `../sample-bits.ts` calls it, `../signing.ts` says what it is for, and `../gram.ts` what windows, channels and hashes
 * are.
 *
 * Memory: from INPUT on the bytes whose windows are to be marked, and from BITS on the bit array, as long as it has to
 * be. `shift` is how far a hash is shifted down to give a bit of the array. The bits of text windows, where they are
 * wanted, are set in the array at the address `text`: a second one of the same length, or the same; 0 where they are not.
 * Where only the first `limit` bits of the arrays are wanted, the arrays are no longer than that.
 *
 * The compiler is told not to warn of vectors that functions are given (112): those that are exported here take numbers only.
 */

import { everySecond, hash, LAST_MULTIPLIER, MULTIPLIER, setSixteen, setWithin } from './hashing'
import { markText, markTextAt } from './text-windows'

export const INPUT: usize = 0
export const INPUT_BYTES: usize = 1 << 16
export const BITS: usize = INPUT + INPUT_BYTES

// As in gram.ts; a test compares signatures with what that file gives.
const PLAIN_SEED: u32 = 0x7feb352d
const WIDE_SEED: u32 = 0x2c1b3c6d
const WORD_SEED: u32 = 0x811c9dc5
const WORD_WIDE_SEED: u32 = 0x27d4eb2f
const WORD_STEP: u32 = 0x01000193
const SHORTEST_WORD: u32 = 3
const LONGEST_WORD: u32 = 32

/** What `markBlocks` looks at beyond the windows that it marks: the longest word in UTF-16LE, and what ends it. */
export const LOOK_AHEAD: usize = 80

/** Which bits `markWindows` sets, told to the compiler: without a test for each bit where all are wanted. */
type All = u32
type First = f32

// Where a letter or a digit stands before the bytes that come, no word begins with them. Of the last byte, and of the last
// two whether each has a zero behind it: a word of the wide channel has its characters two bytes apart.
let openLetter: u32 = 0
let openPairs: u32 = 0

/** Before the first bytes of a sample. */
export function begin(): void {
  openLetter = 0
  openPairs = 0
}

/**
 * Sets the bits of the windows that start in the first `length` bytes, a multiple of 16, and of the words that begin there;
 * LOOK_AHEAD bytes more have to be there. Folds all of them where they are.
 */
export function markBlocks(length: u32, shift: u32, text: usize): void {
  markWindows<All>(length, shift, text, 0xffffffff)
}

/** The same for those among the first `limit` bits. */
export function markBlocksWithin(length: u32, shift: u32, text: usize, limit: u32): void {
  markWindows<First>(length, shift, text, limit)
}

function markWindows<Which>(length: u32, shift: u32, text: usize, limit: u32): void {
  // A bit for each of the 64 bytes from `at` on.
  let zeros: u64 = 0
  let letters: u64 = 0
  let texts: u64 = 0
  let hasMarkedZeros = false
  foldBlock(INPUT)
  foldBlock(INPUT + 16)
  for (let ahead = INPUT; ahead < INPUT + length + 48; ahead += 16) {
    foldBlock(ahead + 32)
    const block = v128.load(ahead)
    zeros = (zeros >>> 16) | (zerosOf(block) << 48)
    letters = (letters >>> 16) | (lettersOf(block) << 48)
    texts = (texts >>> 16) | (textOf(block) << 48)
    if (ahead < INPUT + 48) continue
    const at = ahead - 48
    if (<u32>zeros == 0xffffffff) {
      openLetter = 0
      openPairs = 0
      // Runs of zeros are so common in binaries that it pays to know their windows.
      if (!hasMarkedZeros) {
        setWithin(BITS, hash(0, PLAIN_SEED) >>> shift, limit)
        setWithin(BITS, hash(0, WIDE_SEED) >>> shift, limit)
        hasMarkedZeros = true
      }
      continue
    }
    setSixteen<Which>(
      BITS,
      bitsOfFour(at, shift),
      bitsOfFour(at + 1, shift),
      bitsOfFour(at + 2, shift),
      bitsOfFour(at + 3, shift),
      limit,
    )
    // A bit for each byte of this block that a window of UTF-16LE text with characters below 256 starts at.
    let wide = <u32>((zeros >>> 1) & (zeros >>> 3) & (zeros >>> 5) & (zeros >>> 7)) & 0xffff
    while (wide != 0) {
      setWithin(BITS, wideBit(at + ctz(wide), shift), limit)
      wide &= wide - 1
    }
    if (text != 0) markText<Which>(at, <u32>texts, <u32>zeros, shift, text, limit)
    markWords(at, letters, shift, limit)
    markWideWords(at, letters & (zeros >>> 1), shift, limit)
  }
}

/** Sets the bits of the windows that lie within the first `length` bytes, which are few: the end of a sample. */
export function markEnd(length: u32, shift: u32, text: usize, limit: u32): void {
  const end = INPUT + length
  for (let at = INPUT; at < end; at++) store<u8>(at, fold(load<u8>(at)))
  for (let at = INPUT; at < end; at++) {
    const isLetter: u32 = u32(isLetterOrDigit(load<u8>(at)))
    const isPair: u32 = isLetter & u32(at + 1 < end && load<u8>(at + 1) == 0)
    if (isLetter > openLetter) setWord(at, 1, lettersAt(at, end), WORD_SEED, shift, limit)
    if (isPair > (openPairs & 1)) setWord(at, 2, pairsAt(at, end), WORD_WIDE_SEED, shift, limit)
    openLetter = isLetter
    openPairs = (openPairs >>> 1) | (isPair << 1)
    if (at + 4 > end) continue
    setWithin(BITS, hash(load<u32>(at), PLAIN_SEED) >>> shift, limit)
    if (at + 8 <= end && (load<u64>(at) & 0xff00ff00ff00ff00) == 0) setWithin(BITS, wideBit(at, shift), limit)
    if (text == 0) continue
    markTextAt(at, end, shift, text, limit)
  }
}

/** Sets the bits of the words that begin in this block; `letters` has a bit for each of 64 bytes that is a letter or a digit. */
function markWords(at: usize, letters: u64, shift: u32, limit: u32): void {
  const three = letters & (letters >>> 1) & (letters >>> 2)
  let starts = <u32>(three & ~(letters << 1)) & 0xffff & ~openLetter
  openLetter = <u32>(letters >>> 15) & 1
  for (; starts != 0; starts &= starts - 1) {
    const i = ctz(starts)
    setWord(at + i, 1, <u32>ctz(~(letters >>> i)), WORD_SEED, shift, limit)
  }
}

/** The same in the wide channel; `pairs` has a bit for each of 64 bytes that is a letter or a digit and has a zero behind it. */
function markWideWords(at: usize, pairs: u64, shift: u32, limit: u32): void {
  const three = pairs & (pairs >>> 2) & (pairs >>> 4)
  let starts = <u32>(three & ~(pairs << 2)) & 0xffff & ~openPairs
  openPairs = <u32>(pairs >>> 14) & 3
  for (; starts != 0; starts &= starts - 1) {
    const start = at + ctz(starts)
    setWord(start, 2, pairsAt(start, start + 2 * LONGEST_WORD + 2), WORD_WIDE_SEED, shift, limit)
  }
}

/** How many letters and digits stand here, before `end`. */
function lettersAt(at: usize, end: usize): u32 {
  const begin = at
  while (at < end && isLetterOrDigit(load<u8>(at))) at++
  return <u32>(at - begin)
}

/** How many letters and digits with a zero behind each stand here, before `end`. */
function pairsAt(at: usize, end: usize): u32 {
  const begin = at
  while (at + 1 < end && isLetterOrDigit(load<u8>(at)) && load<u8>(at + 1) == 0) at += 2
  return <u32>(at - begin) / 2
}

/** Of a word whose characters are `step` bytes apart. */
function setWord(at: usize, step: usize, length: u32, seed: u32, shift: u32, limit: u32): void {
  if (length < SHORTEST_WORD || length > LONGEST_WORD) return
  let sum = seed
  for (const end = at + step * length; at < end; at += step) sum = (sum ^ load<u8>(at)) * WORD_STEP
  setWithin(BITS, ((sum ^ (sum >>> 15)) * MULTIPLIER) >>> shift, limit)
  setWithin(BITS, ((sum ^ (sum >>> 13)) * LAST_MULTIPLIER) >>> shift, limit)
}

/** How many of the first `length` bits are set. */
export function countBits(length: u32): u32 {
  let count: u32 = 0
  for (let at: usize = 0; at < length >>> 3; at += 8) count += <u32>popcnt(load<u64>(BITS + at))
  return count
}

/** How many pairs of neighbouring bits among the first `length` have a bit set. */
export function countPairs(length: u32): u32 {
  let count: u32 = 0
  for (let at: usize = 0; at < length >>> 3; at += 8) {
    const bits = load<u64>(BITS + at)
    count += <u32>popcnt((bits | (bits >>> 1)) & 0x5555555555555555)
  }
  return count
}

/** How many of the first `length` bits are set in one array or the other. */
export function countUnion(length: u32, text: usize): u32 {
  let count: u32 = 0
  for (let at: usize = 0; at < length >>> 3; at += 8) count += <u32>popcnt(load<u64>(BITS + at) | load<u64>(text + at))
  return count
}

/** Adds the bits of the text windows to the others. */
export function unite(length: u32, text: usize): void {
  for (let at: usize = 0; at < length >>> 3; at += 8) store<u64>(BITS + at, load<u64>(BITS + at) | load<u64>(text + at))
}

/** Makes the first `length` bits, 128 or more, half as many: each is two neighbouring ones, or-ed. */
export function halve(length: u32): void {
  for (let at: usize = 0; at < length >>> 3; at += 8) {
    const bits = load<u64>(BITS + at)
    let pairs = (bits | (bits >>> 1)) & 0x5555555555555555
    pairs = (pairs | (pairs >>> 1)) & 0x3333333333333333
    pairs = (pairs | (pairs >>> 2)) & 0x0f0f0f0f0f0f0f0f
    pairs = (pairs | (pairs >>> 4)) & 0x00ff00ff00ff00ff
    pairs = (pairs | (pairs >>> 8)) & 0x0000ffff0000ffff
    store<u32>(BITS + (at >>> 1), <u32>(pairs | (pairs >>> 16)))
  }
}

/** The bits of the windows that start at this byte, and 4, 8 and 12 bytes later. */
function bitsOfFour(at: usize, shift: u32): v128 {
  const hashes = i32x4.mul(v128.xor(v128.load(at), i32x4.splat(PLAIN_SEED)), i32x4.splat(MULTIPLIER))
  return i32x4.shr_u(hashes, shift)
}

/** Of a window of eight bytes, every other of which is zero, in the wide channel. */
function wideBit(at: usize, shift: u32): u32 {
  return hash(everySecond(at), WIDE_SEED) >>> shift
}

function foldBlock(at: usize): v128 {
  const block = v128.load(at)
  const isUpper = i8x16.lt_u(i8x16.sub(block, i8x16.splat(0x41)), i8x16.splat(26))
  const folded = v128.or(block, v128.and(isUpper, i8x16.splat(0x20)))
  v128.store(at, folded)
  return folded
}

function fold(byte: u8): u8 {
  return byte - 0x41 < 26 ? byte | 0x20 : byte
}

function zerosOf(block: v128): u64 {
  return <u64>i8x16.bitmask(i8x16.eq(block, i8x16.splat(0)))
}

/** Printable ASCII, after folding. */
function textOf(block: v128): u64 {
  return <u64>i8x16.bitmask(i8x16.lt_u(i8x16.sub(block, i8x16.splat(0x20)), i8x16.splat(95)))
}

function lettersOf(block: v128): u64 {
  const isLetter = i8x16.lt_u(i8x16.sub(block, i8x16.splat(0x61)), i8x16.splat(26))
  return <u64>i8x16.bitmask(v128.or(isLetter, i8x16.lt_u(i8x16.sub(block, i8x16.splat(0x30)), i8x16.splat(10))))
}

function isLetterOrDigit(byte: u8): bool {
  return byte - 0x61 < 26 || byte - 0x30 < 10
}
