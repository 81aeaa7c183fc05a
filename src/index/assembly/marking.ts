/**
 * The loops that every byte of every sample runs through, in AssemblyScript: `npm run assembly` makes
 * `../marking.generated.wasm` of it, 16 bytes a step, more than twice as fast as the same in JavaScript.
 * `../sample-bits.ts` calls it, `../signing.ts` says what it is for, and `../gram.ts` what windows, channels and hashes
 * are.
 *
 * Memory: from INPUT on the bytes whose windows are to be marked, and from BITS on the bit array, as long as it has to
 * be. `shift` is how far a hash is shifted down to give a bit of the array.
 */

export const INPUT: usize = 0
export const INPUT_BYTES: usize = 1 << 16
export const BITS: usize = INPUT + INPUT_BYTES

// As in gram.ts; a test compares signatures with what that file gives.
const MULTIPLIER: u32 = 0x9e3779b1
const PLAIN_SEED: u32 = 0x7feb352d
const WIDE_SEED: u32 = 0x2c1b3c6d

/** What `markBlocks` looks at beyond the windows that it marks. */
export const LOOK_AHEAD: usize = 16

/**
 * Sets the bits of the windows that start in the first `length` bytes, a multiple of 16; LOOK_AHEAD bytes more have to be
 * there. Folds all of them where they are.
 */
export function markBlocks(length: u32, shift: u32): void {
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
        set(hash(0, PLAIN_SEED) >>> shift)
        set(hash(0, WIDE_SEED) >>> shift)
        hasMarkedZeros = true
      }
      continue
    }
    for (let start = at; start < at + 4; start++) markEveryFourth(start, shift)
    // A bit for each byte of this block that a window of UTF-16LE text with characters below 256 starts at.
    let wide = (zeros >>> 1) & (zeros >>> 3) & (zeros >>> 5) & (zeros >>> 7) & 0xffff
    while (wide != 0) {
      markWide(at + ctz(wide), shift)
      wide &= wide - 1
    }
  }
}

/** Sets the bits of the windows that lie within the first `length` bytes, which are few: the end of a sample. */
export function markEnd(length: u32, shift: u32): void {
  const end = INPUT + length
  for (let at = INPUT; at < end; at++) store<u8>(at, fold(load<u8>(at)))
  for (let at = INPUT; at + 4 <= end; at++) {
    set(hash(load<u32>(at), PLAIN_SEED) >>> shift)
    if (at + 8 <= end && (load<u64>(at) & 0xff00ff00ff00ff00) == 0) markWide(at, shift)
  }
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

/** Marks the windows that start at this byte, and 4, 8 and 12 bytes later. */
function markEveryFourth(at: usize, shift: u32): void {
  const grams = v128.load(at)
  const hashes = i32x4.mul(v128.xor(grams, i32x4.splat(PLAIN_SEED)), i32x4.splat(MULTIPLIER))
  const bits = i32x4.shr_u(hashes, shift)
  set(i32x4.extract_lane(bits, 0))
  set(i32x4.extract_lane(bits, 1))
  set(i32x4.extract_lane(bits, 2))
  set(i32x4.extract_lane(bits, 3))
}

/** Marks a window of eight bytes, every other of which is zero, in the wide channel. */
function markWide(at: usize, shift: u32): void {
  const low = load<u32>(at)
  const high = load<u32>(at + 4)
  const gram = low | (low >>> 8)
  const rest = high | (high >>> 8)
  set(hash((gram & 0xffff) | (rest << 16), WIDE_SEED) >>> shift)
}

function hash(gram: u32, seed: u32): u32 {
  return (gram ^ seed) * MULTIPLIER
}

function set(bit: u32): void {
  const at = BITS + ((bit >>> 5) << 2)
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
