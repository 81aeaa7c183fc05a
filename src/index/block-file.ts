import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import {
  BLOCK_BYTES,
  damaged,
  decodeHeader,
  encodeHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from './segment-format.ts'

/**
 * The body of a segment file as a sequence of checksummed blocks.
 *
 * Reading verifies: a block's checksum is compared when something in the block is read for the first time after
 * opening; from then on its bytes are read as they are. So nothing unverified is ever used, a look-up touches only the
 * blocks it needs, and a hunt over an open segment does not pay again. (What changes under an open file is found by the
 * next process, or by `verifyAll`.)
 */
export class BlockReader {
  readonly path: string
  readonly header: SegmentHeader
  readonly #file: number
  readonly #checksums: Uint32Array
  /** 1 for every block whose checksum was found right. */
  readonly #verified: Uint8Array
  #open = true

  /** @throws Failure `segment.damaged`, also when the file is missing or cut off. */
  constructor(path: string) {
    this.path = path
    try {
      this.#file = openSync(path, 'r')
    } catch (error) {
      throw damaged(path, `it cannot be opened (${(error as NodeJS.ErrnoException).code})`)
    }
    try {
      this.header = decodeHeader(this.#readAt(0, Math.min(SEGMENT_HEADER_BYTES, this.fileBytes)), path)
      const { bodyBytes, checksumOfChecksums } = this.header
      const tableBytes = 4 * Math.ceil(bodyBytes / BLOCK_BYTES)
      if (this.fileBytes !== SEGMENT_HEADER_BYTES + bodyBytes + tableBytes) throw damaged(path, 'its length is wrong')
      const table = this.#readAt(SEGMENT_HEADER_BYTES + bodyBytes, tableBytes)
      if (crc32(table) !== checksumOfChecksums) throw damaged(path, 'the checksum of its checksums is wrong')
      this.#checksums = new Uint32Array(table.buffer, 0, tableBytes / 4)
      this.#verified = new Uint8Array(this.#checksums.length)
    } catch (error) {
      this.close()
      throw error
    }
  }

  get fileBytes(): number {
    return fstatSync(this.#file).size
  }

  /** Bytes of the body, verified, in memory of their own (so that typed arrays can be laid over it). */
  read(offset: number, length: number): Uint8Array {
    const { buffer, start } = this.view(offset, length)
    return buffer.slice(start, start + length)
  }

  /**
   * Bytes of the body, verified, as a place in memory that is overwritten by the next read: they are
   * `buffer[start]` to `buffer[start + length - 1]`.
   */
  view(offset: number, length: number): { readonly buffer: Uint8Array; readonly start: number } {
    if (length === 0) return { buffer: scratch, start: 0 }
    const first = Math.floor(offset / BLOCK_BYTES)
    const last = Math.floor((offset + length - 1) / BLOCK_BYTES)
    let unverified = first
    while (unverified <= last && this.#verified[unverified] === 1) unverified++
    if (unverified > last) {
      this.#readInto(offset, length)
      return { buffer: scratch, start: 0 }
    }
    const from = first * BLOCK_BYTES
    const to = Math.min((last + 1) * BLOCK_BYTES, this.header.bodyBytes)
    this.#readInto(from, to - from)
    for (let block = unverified; block <= last; block++) {
      const start = block * BLOCK_BYTES - from
      if (crc32(scratch.subarray(start, Math.min(start + BLOCK_BYTES, to - from))) !== this.#checksums[block])
        throw damaged(this.path, `the checksum of block ${block} is wrong`)
      this.#verified[block] = 1
    }
    return { buffer: scratch, start: offset - from }
  }

  /** Compares every checksum with what the disk holds now. @throws Failure `segment.damaged` */
  verifyAll(): void {
    this.#verified.fill(0)
    for (let offset = 0; offset < this.header.bodyBytes; offset += READ_AHEAD_BYTES)
      this.view(offset, Math.min(READ_AHEAD_BYTES, this.header.bodyBytes - offset))
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.#file)
  }

  #readInto(offset: number, length: number): void {
    if (scratch.length < length) scratch = new Uint8Array(length * 2)
    const got = readSync(this.#file, scratch, 0, length, SEGMENT_HEADER_BYTES + offset)
    segmentReads.reads++
    segmentReads.bytes += got
    if (got !== length) throw damaged(this.path, 'it was cut off')
  }

  #readAt(position: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    segmentReads.reads++
    segmentReads.bytes += length
    if (readSync(this.#file, bytes, 0, length, position) !== length) throw damaged(this.path, 'it was cut off')
    return bytes
  }
}

const READ_AHEAD_BYTES = 1 << 20

/** Of segment files, by this process since it began. */
export const segmentReads = { reads: 0, bytes: 0 }

/** Where reads land. Shared by all readers: what is read is used or copied before the next read. */
let scratch: Uint8Array = new Uint8Array(READ_AHEAD_BYTES + 2 * BLOCK_BYTES)

/** Writes a segment's body front to back, with the checksums behind it and the header, once all is known, before it. */
export class BlockWriter {
  readonly #file: number
  readonly #pending = new Uint8Array(256 * BLOCK_BYTES)
  #pendingLength = 0
  #flushed = 0
  readonly #checksums: number[] = []

  /** Creates the file; it must not exist. */
  constructor(path: string) {
    this.#file = openSync(path, 'wx')
  }

  write(bytes: Uint8Array): void {
    let taken = 0
    while (taken < bytes.length) {
      const part = bytes.subarray(taken, taken + this.#pending.length - this.#pendingLength)
      this.#pending.set(part, this.#pendingLength)
      this.#pendingLength += part.length
      taken += part.length
      if (this.#pendingLength === this.#pending.length) this.#flush()
    }
  }

  /** Completes and syncs the file. Returns its size in bytes. */
  finish(header: Omit<SegmentHeader, 'bodyBytes' | 'checksumOfChecksums'>): number {
    this.#flush()
    const table = new Uint8Array(Uint32Array.from(this.#checksums).buffer)
    writeFully(this.#file, table, SEGMENT_HEADER_BYTES + this.#flushed)
    const complete = { ...header, bodyBytes: this.#flushed, checksumOfChecksums: crc32(table) }
    writeFully(this.#file, encodeHeader(complete), 0)
    fsyncSync(this.#file)
    return SEGMENT_HEADER_BYTES + this.#flushed + table.length
  }

  close(): void {
    closeSync(this.#file)
  }

  #flush(): void {
    const bytes = this.#pending.subarray(0, this.#pendingLength)
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES)
      this.#checksums.push(crc32(bytes.subarray(at, at + BLOCK_BYTES)))
    writeFully(this.#file, bytes, SEGMENT_HEADER_BYTES + this.#flushed)
    this.#flushed += bytes.length
    this.#pendingLength = 0
  }
}

/** A single write may take less than it was given, for example where a file system is nearly full. */
function writeFully(file: number, bytes: Uint8Array, position: number): void {
  let written = 0
  while (written < bytes.length) written += writeSync(file, bytes, written, bytes.length - written, position + written)
}
