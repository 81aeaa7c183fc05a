import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Kept between samples; what a larger sample needed is given back after it. */
export const KEPT = 32 * 1024 * 1024
const CHUNK = 16 * 1024 * 1024

/** Holds one sample at a time, in memory that is used again for the next. */
export class SampleBuffer {
  #memory = Buffer.alloc(0)

  /**
   * The whole file; valid until the next call. `progress` is called as chunks arrive. Throws when the file has another
   * size than the sample: what is left of a damaged content would only miss matches.
   */
  read(path: string, expected: number, progress: () => void): Buffer {
    const file = openSync(path, 'r')
    try {
      const size = fstatSync(file).size
      if (size !== expected) throw new Error(`the content has ${size} bytes instead of ${expected}`)
      this.#reserve(size)
      let length = 0
      while (length < size) {
        const count = readSync(file, this.#memory, length, Math.min(CHUNK, size - length), length)
        if (count === 0) break
        length += count
        if (length < size) progress()
      }
      return this.#memory.subarray(0, length)
    } finally {
      closeSync(file)
    }
  }

  /** Memory for at least so many bytes; valid until the next call of any method. */
  room(size: number): Buffer {
    this.#reserve(size)
    return this.#memory
  }

  #reserve(size: number): void {
    if (size <= this.#memory.length && this.#memory.length <= KEPT) return
    // By powers of two below the kept size, so that growing samples do not each bring a new buffer.
    const length = size > KEPT ? size : Math.max(64 * 1024, 2 ** Math.ceil(Math.log2(Math.max(size, 1))))
    if (length === this.#memory.length) return
    const hadMuch = this.#memory.length > KEPT
    this.#memory = Buffer.alloc(0)
    if (hadMuch) globalThis.gc?.()
    this.#memory = Buffer.allocUnsafeSlow(length)
  }
}

/** The first `length` bytes of a file. */
export function readHead(path: string, length: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.allocUnsafeSlow(length)
    return head.subarray(0, readSync(file, head, 0, length, 0))
  } finally {
    closeSync(file)
  }
}
