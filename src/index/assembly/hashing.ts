/** Hashes of windows, and the setting of bits. */

// As in gram.ts; a test compares signatures with what that file gives.
export const MULTIPLIER: u32 = 0x9e3779b1
export const LAST_MULTIPLIER: u32 = 0x85ebca6b

/** Four bytes, every second from this one on, where those between are zero. */
export function everySecond(at: usize): u32 {
  const low = load<u32>(at)
  const high = load<u32>(at + 4)
  return ((low | (low >>> 8)) & 0xffff) | ((high | (high >>> 8)) << 16)
}

export function hash(gram: u32, seed: u32): u32 {
  return (gram ^ seed) * MULTIPLIER
}

/** Of a window of more than four bytes: its first four, and its last four. */
export function lastHash(first: u32, last: u32, seed: u32): u32 {
  return (first ^ seed) * MULTIPLIER + last * LAST_MULTIPLIER
}

export function setSixteen<Which>(array: usize, a: v128, b: v128, c: v128, d: v128, limit: u32): void {
  // Of the first bits, most blocks have none: one look at all sixteen.
  if (isFloat<Which>() && !hasAnyBelow(a, b, c, d, limit)) return
  setFour<Which>(array, a, limit)
  setFour<Which>(array, b, limit)
  setFour<Which>(array, c, limit)
  setFour<Which>(array, d, limit)
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

/** Sets the bits of windows that start at 0, 4, 8 and 12 (`a`), at 1, 5, 9 and 13 (`b`) and so on, where `marks` has a bit. */
export function setMarked<Which>(array: usize, a: v128, b: v128, c: v128, d: v128, marks: u32, limit: u32): void {
  if (isFloat<Which>() && !hasAnyBelow(a, b, c, d, limit)) return
  setMarkedFour(array, a, marks, limit)
  setMarkedFour(array, b, marks >>> 1, limit)
  setMarkedFour(array, c, marks >>> 2, limit)
  setMarkedFour(array, d, marks >>> 3, limit)
}

function setMarkedFour(array: usize, bits: v128, marks: u32, limit: u32): void {
  if ((marks & 1) != 0) setWithin(array, i32x4.extract_lane(bits, 0), limit)
  if ((marks & 16) != 0) setWithin(array, i32x4.extract_lane(bits, 1), limit)
  if ((marks & 256) != 0) setWithin(array, i32x4.extract_lane(bits, 2), limit)
  if ((marks & 4096) != 0) setWithin(array, i32x4.extract_lane(bits, 3), limit)
}

/** `limit` is a power of two. */
function hasAnyBelow(a: v128, b: v128, c: v128, d: v128, limit: u32): bool {
  const above = 31 - clz(limit)
  const none = i32x4.splat(0)
  const ab = v128.or(i32x4.eq(i32x4.shr_u(a, above), none), i32x4.eq(i32x4.shr_u(b, above), none))
  const cd = v128.or(i32x4.eq(i32x4.shr_u(c, above), none), i32x4.eq(i32x4.shr_u(d, above), none))
  return v128.any_true(v128.or(ab, cd))
}

export function setWithin(array: usize, bit: u32, limit: u32): void {
  if (bit < limit) set(array, bit)
}

function set(array: usize, bit: u32): void {
  const at = array + ((bit >>> 5) << 2)
  store<u32>(at, load<u32>(at) | (1 << bit))
}
