/**
 * The loops that every byte of every sample runs through, in AssemblyScript: `npm run assembly` makes
 * `../marking.generated.wasm` of it, 16 bytes a step, more than twice as fast as the same in JavaScript.
 * `../sample-bits.ts` calls it, `../signing.ts` says what it is for, and `../gram.ts` what windows, channels and hashes
 * are.
 *
 * Memory: from INPUT on the bytes whose windows are to be marked, and from BITS on the bit array, as long as it has to
 * be. `shift` is how far a hash is shifted down to give a bit of the array. The bits of long windows, where they are
 * wanted, are set in the array at the address `long`: a second one of the same length, or the same; 0 where they are not.
 * Where only the first `limit` bits of the arrays are wanted, the arrays are no longer than that.
 */

export const INPUT: usize = 0
export const INPUT_BYTES: usize = 1 << 16
export const BITS: usize = INPUT + INPUT_BYTES

// As in gram.ts; a test compares signatures with what that file gives.
const MULTIPLIER: u32 = 0x9e3779b1
const PLAIN_SEED: u32 = 0x7feb352d
const WIDE_SEED: u32 = 0x2c1b3c6d
const LONG_SEED: u32 = 0x51ed270b
const LONG_WIDE_SEED: u32 = 0x68e31da4
const LONG_MULTIPLIER: u32 = 0x85ebca6b
const LONG_BYTES: usize = 6
/** Where the last four bytes of a long window begin. */
const LAST_FOUR: usize = LONG_BYTES - 4

/** What `markBlocks` looks at beyond the windows that it marks. */
export const LOOK_AHEAD: usize = 16

/** Which bits `markWindows` sets, told to the compiler: without a test for each bit where all are wanted. */
type All = u32
type First = f32

/**
 * Sets the bits of the windows that start in the first `length` bytes, a multiple of 16; LOOK_AHEAD bytes more have to be
 * there. Folds all of them where they are.
 */
export function markBlocks(length: u32, shift: u32, long: usize): void {
  markWindows<All>(length, shift, long, 0xffffffff)
}

/** The same for those among the first `limit` bits. */
export function markBlocksWithin(length: u32, shift: u32, long: usize, limit: u32): void {
  markWindows<First>(length, shift, long, limit)
}

function markWindows<Which>(length: u32, shift: u32, long: usize, limit: u32): void {
  let nextZeros = zerosOf(foldBlock(INPUT))
  let hasMarkedZeros = false
  const end = INPUT + length
  for (let at = INPUT; at < end; at += 16) {
    const followingZeros = zerosOf(foldBlock(at + 16))
    // A bit for each byte of this block and the next, set where it is zero.
    const zeros = nextZeros | (followingZeros << 16)
    nextZeros = followingZeros
    if (zeros == 0xffffffff) {
      // Runs of zeros are so common in binaries that it pays to know their windows.
      if (!hasMarkedZeros) {
        setWithin(BITS, hash(0, PLAIN_SEED) >>> shift, limit)
        setWithin(BITS, hash(0, WIDE_SEED) >>> shift, limit)
        if (long != 0) {
          setWithin(long, longHash(0, 0, LONG_SEED) >>> shift, limit)
          setWithin(long, longHash(0, 0, LONG_WIDE_SEED) >>> shift, limit)
        }
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
    let wide = (zeros >>> 1) & (zeros >>> 3) & (zeros >>> 5) & (zeros >>> 7) & 0xffff
    if (long != 0) {
      setSixteen<Which>(
        long,
        longBitsOfFour(at, shift),
        longBitsOfFour(at + 1, shift),
        longBitsOfFour(at + 2, shift),
        longBitsOfFour(at + 3, shift),
        limit,
      )
      let longWide = wide
      for (let odd: u32 = 9; odd < 2 * <u32>LONG_BYTES; odd += 2) longWide &= zeros >>> odd
      while (longWide != 0) {
        setWithin(long, longWideBit(at + ctz(longWide), shift), limit)
        longWide &= longWide - 1
      }
    }
    while (wide != 0) {
      setWithin(BITS, wideBit(at + ctz(wide), shift), limit)
      wide &= wide - 1
    }
  }
}

/** Sets the bits of the windows that lie within the first `length` bytes, which are few: the end of a sample. */
export function markEnd(length: u32, shift: u32, long: usize, limit: u32): void {
  const end = INPUT + length
  for (let at = INPUT; at < end; at++) store<u8>(at, fold(load<u8>(at)))
  for (let at = INPUT; at + 4 <= end; at++) {
    setWithin(BITS, hash(load<u32>(at), PLAIN_SEED) >>> shift, limit)
    if (at + 8 <= end && (load<u64>(at) & 0xff00ff00ff00ff00) == 0) setWithin(BITS, wideBit(at, shift), limit)
    if (long == 0) continue
    if (at + LONG_BYTES <= end) {
      setWithin(long, longHash(load<u32>(at), load<u32>(at + LAST_FOUR), LONG_SEED) >>> shift, limit)
    }
    if (at + 2 * LONG_BYTES <= end && isWide(at)) setWithin(long, longWideBit(at, shift), limit)
  }
}

/** Whether a long window of UTF-16LE text with characters below 256 starts here. */
function isWide(at: usize): bool {
  for (let odd: usize = 1; odd < 2 * LONG_BYTES; odd += 2) if (load<u8>(at + odd) != 0) return false
  return true
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
export function countUnion(length: u32, long: usize): u32 {
  let count: u32 = 0
  for (let at: usize = 0; at < length >>> 3; at += 8) count += <u32>popcnt(load<u64>(BITS + at) | load<u64>(long + at))
  return count
}

/** Adds the bits of the long windows to the others. */
export function unite(length: u32, long: usize): void {
  for (let at: usize = 0; at < length >>> 3; at += 8) store<u64>(BITS + at, load<u64>(BITS + at) | load<u64>(long + at))
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

/** The same for long windows. */
function longBitsOfFour(at: usize, shift: u32): v128 {
  const first = i32x4.mul(v128.xor(v128.load(at), i32x4.splat(LONG_SEED)), i32x4.splat(MULTIPLIER))
  const last = i32x4.mul(v128.load(at + LAST_FOUR), i32x4.splat(LONG_MULTIPLIER))
  return i32x4.shr_u(i32x4.add(first, last), shift)
}

/** Of a window of eight bytes, every other of which is zero, in the wide channel. */
function wideBit(at: usize, shift: u32): u32 {
  return hash(everySecond(at), WIDE_SEED) >>> shift
}

/** Of a window of 2 LONG_BYTES bytes, every other of which is zero, in the wide channel. */
function longWideBit(at: usize, shift: u32): u32 {
  return longHash(everySecond(at), everySecond(at + 2 * LAST_FOUR), LONG_WIDE_SEED) >>> shift
}

/** Four bytes, every second from this one on, where those between are zero. */
function everySecond(at: usize): u32 {
  const low = load<u32>(at)
  const high = load<u32>(at + 4)
  return ((low | (low >>> 8)) & 0xffff) | ((high | (high >>> 8)) << 16)
}

function hash(gram: u32, seed: u32): u32 {
  return (gram ^ seed) * MULTIPLIER
}

function longHash(first: u32, last: u32, seed: u32): u32 {
  return (first ^ seed) * MULTIPLIER + last * LONG_MULTIPLIER
}

function setSixteen<Which>(array: usize, a: v128, b: v128, c: v128, d: v128, limit: u32): void {
  // Of the first bits, most blocks have none: one look at all sixteen.
  if (isFloat<Which>() && !hasAnyBelow(a, b, c, d, limit)) return
  setFour<Which>(array, a, limit)
  setFour<Which>(array, b, limit)
  setFour<Which>(array, c, limit)
  setFour<Which>(array, d, limit)
}

/** `limit` is a power of two. */
function hasAnyBelow(a: v128, b: v128, c: v128, d: v128, limit: u32): bool {
  const above = 31 - clz(limit)
  const none = i32x4.splat(0)
  const ab = v128.or(i32x4.eq(i32x4.shr_u(a, above), none), i32x4.eq(i32x4.shr_u(b, above), none))
  const cd = v128.or(i32x4.eq(i32x4.shr_u(c, above), none), i32x4.eq(i32x4.shr_u(d, above), none))
  return v128.any_true(v128.or(ab, cd))
}

function setFour<Which>(array: usize, bits: v128, limit: u32): void {
  setWanted<Which>(array, i32x4.extract_lane(bits, 0), limit)
  setWanted<Which>(array, i32x4.extract_lane(bits, 1), limit)
  setWanted<Which>(array, i32x4.extract_lane(bits, 2), limit)
  setWanted<Which>(array, i32x4.extract_lane(bits, 3), limit)
}

function setWanted<Which>(array: usize, bit: u32, limit: u32): void {
  if (isFloat<Which>()) setWithin(array, bit, limit)
  else set(array, bit)
}

function setWithin(array: usize, bit: u32, limit: u32): void {
  if (bit < limit) set(array, bit)
}

function set(array: usize, bit: u32): void {
  const at = array + ((bit >>> 5) << 2)
  store<u32>(at, load<u32>(at) | (1 << bit))
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

function zerosOf(block: v128): u32 {
  return i8x16.bitmask(i8x16.eq(block, i8x16.splat(0)))
}
