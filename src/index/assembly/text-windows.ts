/** Text windows: five, six and eight characters of text, in both channels. `marking.ts` says what the arguments are. */
import { everySecond, LAST_MULTIPLIER, lastHash, MULTIPLIER, setMarked, setWithin } from './hashing'

// As in gram.ts.
const FIVE_SEED: u32 = 0x1f83d9ab
const SIX_SEED: u32 = 0x5be0cd19
const EIGHT_SEED: u32 = 0x3c6ef372
const FIVE_WIDE_SEED: u32 = 0x6a09e667
const SIX_WIDE_SEED: u32 = 0x4cf5ad43
const EIGHT_WIDE_SEED: u32 = 0x2745937f

/** Windows of text in a block from which on all are hashed at once. */
const TOGETHER_FROM: u32 = 5

/** `marks` has a bit for each byte of this block and the next that is a character of text, `zeros` for each zero. */
export function markText<Which>(at: usize, marks: u32, zeros: u32, shift: u32, text: usize, limit: u32): void {
  const two = marks & (marks >>> 1)
  const four = two & (two >>> 2)
  const five = four & (marks >>> 4) & 0xffff
  if (five != 0) {
    const six = four & (two >>> 4)
    const eight = four & (four >>> 4)
    if (popcnt(five) >= TOGETHER_FROM) markTextTogether<Which>(at, five, six, eight, shift, text, limit)
    else markTextOneByOne(at, five, six, eight, shift, text, limit)
  }
  const pairs = marks & (zeros >>> 1)
  const wideTwo = pairs & (pairs >>> 2)
  const wideFour = wideTwo & (wideTwo >>> 4)
  let wideFive = wideFour & (pairs >>> 8) & 0xffff
  if (wideFive == 0) return
  const wideSix = wideFour & (wideTwo >>> 8)
  const wideEight = wideFour & (wideFour >>> 8)
  for (; wideFive != 0; wideFive &= wideFive - 1) {
    const i = ctz(wideFive)
    setWithin(text, wideTextBit(at + i, 1, FIVE_WIDE_SEED, shift), limit)
    if (((wideSix >>> i) & 1) != 0) setWithin(text, wideTextBit(at + i, 2, SIX_WIDE_SEED, shift), limit)
    if (((wideEight >>> i) & 1) != 0) setWithin(text, wideTextBit(at + i, 4, EIGHT_WIDE_SEED, shift), limit)
  }
}

/** Sets the bits of the text windows that start at a byte, near the end of a sample. */
export function markTextAt(at: usize, end: usize, shift: u32, text: usize, limit: u32): void {
  const plain = charactersAt(at, 1, end)
  if (plain >= 5) setWithin(text, lastHash(load<u32>(at), load<u32>(at + 1), FIVE_SEED) >>> shift, limit)
  if (plain >= 6) setWithin(text, lastHash(load<u32>(at), load<u32>(at + 2), SIX_SEED) >>> shift, limit)
  if (plain >= 8) setWithin(text, lastHash(load<u32>(at), load<u32>(at + 4), EIGHT_SEED) >>> shift, limit)
  const wide = charactersAt(at, 2, end)
  if (wide >= 5) setWithin(text, wideTextBit(at, 1, FIVE_WIDE_SEED, shift), limit)
  if (wide >= 6) setWithin(text, wideTextBit(at, 2, SIX_WIDE_SEED, shift), limit)
  if (wide >= 8) setWithin(text, wideTextBit(at, 4, EIGHT_WIDE_SEED, shift), limit)
}

/** `five`, `six` and `eight` have a bit for each byte that so many characters of text start at. */
function markTextOneByOne(at: usize, five: u32, six: u32, eight: u32, shift: u32, text: usize, limit: u32): void {
  for (let left = five; left != 0; left &= left - 1) {
    const i = ctz(left)
    const first = load<u32>(at + i)
    setWithin(text, lastHash(first, load<u32>(at + i + 1), FIVE_SEED) >>> shift, limit)
    if (((six >>> i) & 1) != 0) setWithin(text, lastHash(first, load<u32>(at + i + 2), SIX_SEED) >>> shift, limit)
    if (((eight >>> i) & 1) != 0) setWithin(text, lastHash(first, load<u32>(at + i + 4), EIGHT_SEED) >>> shift, limit)
  }
}

/** The same, for all sixteen bytes at once. */
function markTextTogether<Which>(
  at: usize,
  five: u32,
  six: u32,
  eight: u32,
  shift: u32,
  text: usize,
  limit: u32,
): void {
  const a = v128.load(at)
  const b = v128.load(at + 1)
  const c = v128.load(at + 2)
  const d = v128.load(at + 3)
  const lastB = lastPart(b)
  const lastC = lastPart(c)
  const lastD = lastPart(d)
  const lastE = lastPart(v128.load(at + 4))
  const lastF = lastPart(v128.load(at + 5))
  const lastG = lastPart(v128.load(at + 6))
  const lastH = lastPart(v128.load(at + 7))
  setMarked<Which>(
    text,
    textBits(a, lastB, FIVE_SEED, shift),
    textBits(b, lastC, FIVE_SEED, shift),
    textBits(c, lastD, FIVE_SEED, shift),
    textBits(d, lastE, FIVE_SEED, shift),
    five,
    limit,
  )
  setMarked<Which>(
    text,
    textBits(a, lastC, SIX_SEED, shift),
    textBits(b, lastD, SIX_SEED, shift),
    textBits(c, lastE, SIX_SEED, shift),
    textBits(d, lastF, SIX_SEED, shift),
    six,
    limit,
  )
  setMarked<Which>(
    text,
    textBits(a, lastE, EIGHT_SEED, shift),
    textBits(b, lastF, EIGHT_SEED, shift),
    textBits(c, lastG, EIGHT_SEED, shift),
    textBits(d, lastH, EIGHT_SEED, shift),
    eight,
    limit,
  )
}

/** What the last four characters of four windows add to their hashes. */
function lastPart(last: v128): v128 {
  return i32x4.mul(last, i32x4.splat(LAST_MULTIPLIER))
}

/** As `lastHash`, of four windows. */
function textBits(first: v128, last: v128, seed: u32, shift: u32): v128 {
  const firstPart = i32x4.mul(v128.xor(first, i32x4.splat(seed)), i32x4.splat(MULTIPLIER))
  return i32x4.shr_u(i32x4.add(firstPart, last), shift)
}

/** Of a wide window whose last four characters begin `last` characters behind its first. */
function wideTextBit(at: usize, last: usize, seed: u32, shift: u32): u32 {
  return lastHash(everySecond(at), everySecond(at + 2 * last), seed) >>> shift
}

/** How many characters of text stand here, every `step` bytes with zeros between, up to eight. */
function charactersAt(at: usize, step: usize, end: usize): u32 {
  let count: u32 = 0
  for (; count < 8 && at + step <= end && isText(load<u8>(at)); at += step) {
    if (step == 2 && load<u8>(at + 1) != 0) break
    count++
  }
  return count
}

function isText(byte: u8): bool {
  return byte - 0x20 < 95
}
