import type { Readable } from 'node:stream'

/** Takes lines and counted bytes from a stream, in turn. Rejects when the stream ends too early. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(stream: Readable) {
    this.#pieces = (stream as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  }

  /** Without its end. */
  async line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a)
      if (end >= 0) return this.#cut(end + 1).toString('utf8', 0, end)
      this.#rest = Buffer.concat([this.#rest, await this.#next()])
    }
  }

  async bytes(count: number): Promise<Buffer> {
    const pieces = [this.#rest]
    let length = this.#rest.length
    while (length < count) {
      const piece = await this.#next()
      pieces.push(piece)
      length += piece.length
    }
    this.#rest = Buffer.concat(pieces)
    return this.#cut(count)
  }

  #cut(count: number): Buffer {
    const part = this.#rest.subarray(0, count)
    this.#rest = this.#rest.subarray(count)
    return part
  }

  async #next(): Promise<Buffer> {
    const { done, value } = await this.#pieces.next()
    if (done) throw new Error('The stream ended too early.')
    return value
  }
}
