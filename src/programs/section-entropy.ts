/** Of larger parts, blocks that lie evenly in them are measured, so much together. */
const MOST_MEASURED = 1024 * 1024
const BLOCK = 4096
const NOTHING = new Int32Array(0)

/**
 * Shannon's entropy of parts of a file, in bits a byte. Headers may claim any number of large parts that lie on each
 * other, so all parts together are at most as many bytes as the file has; those beyond that are not measured.
 */
export class EntropyMeter {
  readonly #bytes: Uint8Array
  #left: number
  // Equal bytes in a row would wait for the count before them to be stored: each place of a word is counted apart.
  readonly #counts = new Int32Array(4 * 256)

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#left = bytes.length
  }

  /** Null for no bytes, and where the budget is used up. */
  measure(from: number, length: number): number | null {
    const to = Math.min(from + length, this.#bytes.length)
    if (!(from >= 0 && to > from) || to - from > this.#left) return null
    this.#left -= to - from
    this.#counts.fill(0)
    if (to - from <= MOST_MEASURED) {
      this.#count(from, to)
      return this.#bits(to - from)
    }
    const blocks = MOST_MEASURED / BLOCK
    for (let n = 0; n < blocks; n++) {
      const at = from + Math.floor(((to - from - BLOCK) * n) / (blocks - 1))
      this.#count(at, at + BLOCK)
    }
    return this.#bits(MOST_MEASURED)
  }

  /** Four bytes at a time, from the first one that stands where words may. */
  #count(from: number, to: number): void {
    const bytes = this.#bytes
    const counts = this.#counts
    const aligned = from + ((4 - ((bytes.byteOffset + from) & 3)) & 3)
    // A part of one or two bytes may end before there is such a place, and views elsewhere are refused.
    const start = Math.min(to, aligned)
    const words = aligned < to ? new Int32Array(bytes.buffer, bytes.byteOffset + start, (to - start) >> 2) : NOTHING
    for (let at = from; at < start; at++) (counts[bytes[at] as number] as number)++
    for (let n = 0; n < words.length; n++) {
      const word = words[n] as number
      ;(counts[word & 0xff] as number)++
      ;(counts[0x100 + ((word >>> 8) & 0xff)] as number)++
      ;(counts[0x200 + ((word >>> 16) & 0xff)] as number)++
      ;(counts[0x300 + (word >>> 24)] as number)++
    }
    for (let at = start + 4 * words.length; at < to; at++) (counts[bytes[at] as number] as number)++
  }

  #bits(length: number): number {
    const counts = this.#counts
    const of = (place: number, byte: number) => counts[0x100 * place + byte] as number
    let sum = 0
    for (let byte = 0; byte < 256; byte++) {
      const count = of(0, byte) + of(1, byte) + of(2, byte) + of(3, byte)
      if (count > 0) sum += count * Math.log2(count)
    }
    return Math.round(Math.max(0, Math.log2(length) - sum / length) * 1_000) / 1_000
  }
}
