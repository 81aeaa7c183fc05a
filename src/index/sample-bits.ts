/**
 * The bits of one sample while it is being signed. They lie in the memory of a small WebAssembly module
 * (`assembly/marking.ts`), which all samples of a process share, one after the other: nothing is allocated for a sample,
 * and what a large one needed is kept for the next.
 */
import { readFileSync } from 'node:fs'
import { MAX_BITS, MIN_BITS } from './signature.ts'

/** Node has it, but its types do not. */
declare const WebAssembly: {
  readonly Module: new (code: Uint8Array) => object
  readonly Instance: new (module: object) => { readonly exports: object }
}

/** What `assembly/marking.ts` exports. */
interface Marking {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): void }
  readonly INPUT: { readonly value: number }
  readonly INPUT_BYTES: { readonly value: number }
  readonly BITS: { readonly value: number }
  readonly LOOK_AHEAD: { readonly value: number }
  begin(): void
  markBlocks(length: number, shift: number, text: number): void
  markBlocksWithin(length: number, shift: number, text: number, limit: number): void
  markEnd(length: number, shift: number, text: number, limit: number): void
  countBits(length: number): number
  countPairs(length: number): number
  countUnion(length: number, text: number): number
  unite(length: number, text: number): void
  halve(length: number): void
}

const PAGE_BYTES = 1 << 16

/** Loaded by the first sample: most processes sign none. */
let loaded: Marking | null = null

function load(): Marking {
  const code = new WebAssembly.Module(readFileSync(new URL('marking.generated.wasm', import.meta.url)))
  return new WebAssembly.Instance(code).exports as Marking
}

/** A sample that sets more than this part of MAX_BITS cannot be filtered usefully: it gets no bits. */
export const SATURATED_FILL = 0.8

/** Where the bits of text windows go, if anywhere: into an array of their own until `addText`, or to the others at once. */
export type TextBits = 'none' | 'apart' | 'together'

/** The latest one only is to be used: the others have lost their memory to it. */
export class SampleBits {
  readonly #marking: Marking
  readonly #input: Uint8Array
  /** Of the array, in bits. */
  readonly length: number
  /** How many of its first bits are there. */
  readonly limit: number
  /** These; bit i is bit `i & 7` of byte `i >> 3`. */
  readonly bytes: Uint8Array
  readonly #shift: number
  /** Where the array of the text windows is in the module's memory; 0: there is none. */
  readonly #text: number
  /** Bytes of the input whose windows are not marked yet. */
  #waiting = 0

  /**
   * An array of `length` bits, a power of two from MIN_BITS to MAX_BITS; none is set. With a `limit`, a power of two from 64 on, only
   * its first bits are there: a part of the windows, by which all can be estimated.
   */
  constructor(length: number, text: TextBits = 'none', limit = length) {
    this.length = length
    this.limit = limit
    loaded ??= load()
    this.#marking = loaded
    this.#marking.begin()
    const { memory, INPUT, INPUT_BYTES, BITS } = this.#marking
    const missing = BITS.value + (text === 'apart' ? 2 : 1) * (limit / 8) - memory.buffer.byteLength
    if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
    this.#input = new Uint8Array(memory.buffer, INPUT.value, INPUT_BYTES.value)
    this.bytes = new Uint8Array(memory.buffer, BITS.value, limit / 8).fill(0)
    this.#shift = Math.clz32(length) + 1
    this.#text = { none: 0, together: BITS.value, apart: BITS.value + limit / 8 }[text]
    if (text === 'apart') new Uint8Array(memory.buffer, this.#text, limit / 8).fill(0)
  }

  /** Sets the bits of all windows and words in the next bytes of the sample, but for the last few. */
  mark(chunk: Uint8Array): void {
    for (let taken = 0; taken < chunk.length; ) {
      const part = chunk.subarray(taken, taken + this.#input.length - this.#waiting)
      this.#input.set(part, this.#waiting)
      this.#waiting += part.length
      taken += part.length
      if (this.#waiting === this.#input.length) this.#markBlocks()
    }
  }

  /** Sets the bits of the last windows and words, after which no more bytes may come. */
  markEnd(): void {
    this.#markBlocks()
    this.#marking.markEnd(this.#waiting, this.#shift, this.#text, this.limit)
    this.#waiting = 0
  }

  /** How many of the first bits are set, without those of text windows that are apart. */
  count(first = this.limit): number {
    return this.#marking.countBits(first)
  }

  /** The same with those of text windows. */
  countWithText(first = this.limit): number {
    return this.#text === 0 ? this.count(first) : this.#marking.countUnion(first, this.#text)
  }

  /** Sets the bits of the text windows as well. */
  addText(): void {
    if (this.#text !== 0) this.#marking.unite(this.length, this.#text)
  }

  /**
   * Halves the array for as long as at most `fill` of it stays set. Gives what is left, which is empty when it has
   * MAX_BITS and is too full to be of use; it is valid until the next sample.
   */
  condense(fill: number): Uint8Array {
    let { length } = this
    while (length > MIN_BITS && this.#marking.countPairs(length) <= (fill * length) / 2) {
      this.#marking.halve(length)
      length /= 2
    }
    const isSaturated = length === MAX_BITS && this.#marking.countBits(length) > SATURATED_FILL * MAX_BITS
    return this.bytes.subarray(0, isSaturated ? 0 : length / 8)
  }

  #markBlocks(): void {
    const marked = Math.max(0, this.#waiting - this.#marking.LOOK_AHEAD.value) & ~15
    if (marked === 0) return
    if (this.limit === this.length) this.#marking.markBlocks(marked, this.#shift, this.#text)
    else this.#marking.markBlocksWithin(marked, this.#shift, this.#text, this.limit)
    this.#input.copyWithin(0, marked, this.#waiting)
    this.#waiting -= marked
  }
}
