import { isUtf8 } from 'node:buffer'

/** Something lies behind the end of the file, or is what it cannot be. */
export class Unreadable extends Error {}

/** What `read` gives; null where that part of the file cannot be read. Defects are thrown on. */
export function attempt<T>(read: () => T): T | null {
  try {
    return read()
  } catch (error) {
    if (error instanceof Unreadable) return null
    throw error
  }
}

/** Numbers and texts of a file by their offsets. Reads beyond its end throw `Unreadable`. */
export class ByteReader {
  readonly bytes: Buffer
  readonly isLittle: boolean

  constructor(bytes: Buffer, isLittle = true) {
    this.bytes = bytes
    this.isLittle = isLittle
  }

  get length(): number {
    return this.bytes.length
  }

  u8(at: number): number {
    this.demand(at, 1)
    return this.bytes[at] as number
  }

  u16(at: number): number {
    this.demand(at, 2)
    return this.isLittle ? this.bytes.readUInt16LE(at) : this.bytes.readUInt16BE(at)
  }

  u32(at: number): number {
    this.demand(at, 4)
    return this.isLittle ? this.bytes.readUInt32LE(at) : this.bytes.readUInt32BE(at)
  }

  /** Numbers that are not exact any more are no place in a file. */
  u64(at: number): number {
    this.demand(at, 8)
    const value = Number(this.isLittle ? this.bytes.readBigUInt64LE(at) : this.bytes.readBigUInt64BE(at))
    if (!Number.isSafeInteger(value)) throw new Unreadable()
    return value
  }

  slice(at: number, length: number): Buffer {
    this.demand(at, length)
    return this.bytes.subarray(at, at + length)
  }

  /** Up to the next zero byte; fails where there is none within `most` bytes. */
  textAt(at: number, most: number): string {
    this.demand(at, 0)
    const { bytes } = this
    const limit = Math.min(bytes.length, at + most + 1)
    let all = 0
    let end = at
    for (; end < limit && bytes[end] !== 0; end++) all |= bytes[end] as number
    if (end === limit) throw new Unreadable()
    // Most are ASCII and short, and there are hundreds in a program: no part of the file is made an object for them.
    return all < 0x80 ? bytes.toString('latin1', at, end) : textOf(bytes.subarray(at, end))
  }

  /** Of a field of fixed length: up to the first zero byte in it. */
  field(at: number, length: number): string {
    const bytes = this.slice(at, length)
    const end = bytes.indexOf(0)
    return textOf(end < 0 ? bytes : bytes.subarray(0, end))
  }

  demand(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.bytes.length)) throw new Unreadable()
  }
}

/** Bytes that are no UTF-8 stand for themselves. */
export function textOf(bytes: Buffer): string {
  return bytes.toString(isUtf8(bytes) ? 'utf8' : 'latin1')
}

/** The text of a GUID as Windows lays it out. */
export function guidOf(bytes: Buffer): string {
  const parts = [
    bytes.readUInt32LE(0).toString(16).padStart(8, '0'),
    bytes.readUInt16LE(4).toString(16).padStart(4, '0'),
    bytes.readUInt16LE(6).toString(16).padStart(4, '0'),
    bytes.toString('hex', 8, 10),
    bytes.toString('hex', 10, 16),
  ]
  return parts.join('-')
}
