/**
 * Unpacks LZ4 frames, which neither 7-Zip nor Node knows.
 *
 *     frame    magic 04 22 4d 18 | flags, block size | [content size] | [dictionary] | checksum | block … | 0 | [checksum]
 *     block    u32 size, top bit: stored | bytes | [checksum]
 *     sequence token: literals (4 bits), match (4 bits) | [more] | literals | u16 distance | [more]
 *
 * Frames follow each other; skippable ones are passed over, and the old format of the Linux kernel is read as well.
 */
import { type Effort, spend } from './effort.ts'

const FRAME = 0x184d_2204
const LEGACY = 0x184c_2102
const SKIPPABLE = 0x184d_2a50
const LEGACY_BLOCK = 8 * 1024 * 1024
/** So far back a match may lie. */
const WINDOW = 64 * 1024

/** What could be unpacked; `isWhole` false when the content is damaged, cut off or has more than `most` bytes. */
export interface Lz4Content {
  readonly bytes: Buffer
  /** Where the last frame ends; where that is cut off, no more than where it begins: something else may lie behind it. */
  readonly end: number
  readonly isWhole: boolean
  readonly isTooLarge: boolean
}

export function isLz4(bytes: Buffer, at: number): boolean {
  if (at + 7 > bytes.length) return false
  const magic = bytes.readUInt32LE(at)
  return magic === LEGACY || (magic === FRAME && (bytes[at + 4] ?? 0) >>> 6 === 1)
}

export function unpackLz4(packed: Buffer, from: number, most: number): Lz4Content {
  const output = new Output(most)
  let at = from
  try {
    while (at + 4 <= packed.length) {
      const magic = packed.readUInt32LE(at)
      if (magic === FRAME) at = unpackFrame(packed, at + 4, output)
      else if (magic === LEGACY) at = unpackLegacy(packed, at + 4, output)
      else if (magic >>> 4 === SKIPPABLE >>> 4) at += 8 + packed.readUInt32LE(at + 4)
      else break
    }
    return { bytes: output.bytes(), end: Math.min(at, packed.length), isWhole: true, isTooLarge: false }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const end = lz4FrameEnd(packed, at) ?? at + 1
    return { bytes: output.bytes(), end, isWhole: false, isTooLarge: output.isFull }
  }
}

/** By the sizes of its blocks; null where the frame is cut off or none, or takes too much effort. */
export function lz4FrameEnd(packed: Buffer, from: number, effort: Effort | null = null): number | null {
  if (!isLz4(packed, from) || packed.readUInt32LE(from) !== FRAME) return null
  const flags = packed[from + 4] as number
  const largest = 1 << (8 + 2 * (((packed[from + 5] as number) >>> 4) & 7))
  // Bits that no frame has, and sizes of blocks that there are not.
  if ((flags & 0x02) !== 0 || ((packed[from + 5] as number) & 0x8f) !== 0 || largest < 64 * 1024) return null
  let at = headerEnd(from + 4, flags)
  while (at + 4 <= packed.length && spend(effort, 1)) {
    const size = packed.readUInt32LE(at) & 0x7fff_ffff
    at += 4
    if (size === 0) {
      const end = at + (flags & 0x04 ? 4 : 0)
      return end <= packed.length ? end : null
    }
    if (size > largest) return null
    at += size + (flags & 0x10 ? 4 : 0)
  }
  return null
}

/** `from` is where the flags are. */
function headerEnd(from: number, flags: number): number {
  return from + 2 + (flags & 0x08 ? 8 : 0) + (flags & 0x01 ? 4 : 0) + 1
}

function unpackFrame(packed: Buffer, from: number, output: Output): number {
  const flags = packed.readUInt8(from)
  const areLinked = (flags & 0x20) === 0
  let at = headerEnd(from, flags)
  const begin = output.length
  for (;;) {
    const size = packed.readUInt32LE(at)
    at += 4
    if (size === 0) break
    const length = size & 0x7fff_ffff
    if (at + length > packed.length) {
      // What there is of the last block.
      if (size >>> 31 === 1) output.copy(packed, at, packed.length)
      else unpackBlock(packed, at, packed.length, output, areLinked ? begin : output.length)
      throw new RangeError('cut off')
    }
    if (size >>> 31 === 1) output.copy(packed, at, at + length)
    else unpackBlock(packed, at, at + length, output, areLinked ? begin : output.length)
    at += length + (flags & 0x10 ? 4 : 0)
  }
  return at + (flags & 0x04 ? 4 : 0)
}

/** Blocks of 8 MB without an end mark, each by itself: the frame ends with the content, or where no size can stand. */
function unpackLegacy(packed: Buffer, from: number, output: Output): number {
  let at = from
  while (at + 4 <= packed.length) {
    const length = packed.readUInt32LE(at)
    if (length === 0 || length === FRAME || length === LEGACY || length > LEGACY_BLOCK + LEGACY_BLOCK / 255 + 16) break
    unpackBlock(packed, at + 4, Math.min(packed.length, at + 4 + length), output, output.length)
    if (at + 4 + length > packed.length) throw new RangeError('cut off')
    at += 4 + length
  }
  return at
}

function unpackBlock(packed: Buffer, from: number, to: number, output: Output, lowest: number): void {
  let at = from
  const length = (first: number): number => {
    let sum = first
    if (first !== 15) return sum
    for (let more = 255; more === 255; sum += more) {
      if (at >= to) throw new RangeError('cut off')
      more = packed[at++] ?? 0
    }
    return sum
  }
  while (at < to) {
    const token = packed[at++] ?? 0
    const literals = length(token >>> 4)
    output.copy(packed, at, Math.min(to, at + literals))
    at += literals
    if (at > to) throw new RangeError('cut off')
    if (at === to) return
    if (at + 2 > to) throw new RangeError('cut off')
    const distance = packed.readUInt16LE(at)
    at += 2
    output.repeat(distance, length(token & 15) + 4, lowest)
  }
}

/** Grows by doubling, up to a bound. */
class Output {
  readonly #most: number
  #memory = Buffer.allocUnsafe(256 * 1024)
  length = 0
  isFull = false

  constructor(most: number) {
    this.#most = most
  }

  bytes(): Buffer {
    return this.#memory.subarray(0, this.length)
  }

  copy(source: Buffer, from: number, to: number): void {
    this.#room(to - from)
    this.length += source.copy(this.#memory, this.length, from, to)
  }

  /** `count` bytes from `distance` back, which may overlap what is being written. */
  repeat(distance: number, count: number, lowest: number): void {
    const from = this.length - distance
    if (distance === 0 || distance > WINDOW || from < lowest) throw new RangeError('a match before the beginning')
    this.#room(count)
    const memory = this.#memory
    const end = this.length + count
    if (distance >= count) memory.copyWithin(this.length, from, from + count)
    else if (distance === 1) memory.fill(memory[from] ?? 0, this.length, end)
    else for (let to = this.length, source = from; to < end; ) memory[to++] = memory[source++] ?? 0
    this.length = end
  }

  #room(count: number): void {
    const needed = this.length + count
    if (needed > this.#most) {
      this.isFull = true
      throw new RangeError('too large')
    }
    if (needed <= this.#memory.length) return
    const larger = Buffer.allocUnsafe(Math.min(this.#most, Math.max(needed, this.#memory.length * 2)))
    this.#memory.copy(larger, 0, 0, this.length)
    this.#memory = larger
  }
}
