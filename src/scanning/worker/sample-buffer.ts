import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/** Kept between samples; what a larger sample needed is given back after it. */
export const KEPT = 64 * 1024 * 1024
const CHUNK = 16 * 1024 * 1024

/** Holds one sample at a time, in memory that is used again for the next. */
export class SampleBuffer {
  #kept = Buffer.allocUnsafeSlow(0)
  #large: Buffer<ArrayBuffer> | null = null

  /**
   * The whole file; valid until the next call. `progress` is called as chunks arrive. Throws when the file has another
   * size than the sample: what is left of a damaged content would only miss matches.
   */
  read(path: string, expected: number, progress: () => void): Buffer {
    const file = openSync(path, 'r')
    try {
      const size = fstatSync(file).size
      if (size !== expected) throw new Error(`the content has ${size} bytes instead of ${expected}`)
      const memory = this.room(size)
      let length = 0
      while (length < size) {
        const count = readSync(file, memory, length, Math.min(CHUNK, size - length), length)
        if (count === 0) break
        length += count
        if (length < size) progress()
      }
      return memory.subarray(0, length)
    } finally {
      closeSync(file)
    }
  }

  /** Memory for at least so many bytes; valid until the next call of any method. */
  room(size: number): Buffer {
    if (this.#large !== null && this.#large.length !== size) {
      release(this.#large)
      this.#large = null
    }
    if (size > KEPT) {
      this.#large ??= Buffer.allocUnsafeSlow(size)
      return this.#large
    }
    if (size > this.#kept.length || this.#kept.length === 0) {
      release(this.#kept)
      // By powers of two, so that growing samples do not each bring new memory.
      this.#kept = Buffer.allocUnsafeSlow(Math.max(64 * 1024, 2 ** Math.ceil(Math.log2(Math.max(size, 1)))))
    }
    return this.#kept
  }
}

/** Gives memory back at once: the collector would come late, and takes long in a worker that holds many plans. */
function release(memory: Buffer<ArrayBuffer>): void {
  memory.buffer.transfer(0)
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
