import { Unreadable } from './byte-reader.ts'

/** A value in DER: its tag, where it begins with that, and where its content is. */
export interface Element {
  readonly tag: number
  readonly at: number
  readonly from: number
  readonly to: number
}

/** Signatures of programs have some hundreds. */
const MOST_ELEMENTS = 20_000

/** Values of ITU-T X.690 with definite lengths: a tag of one byte, the length in one to five bytes, the content. */
export class Der {
  readonly #bytes: Buffer
  #left = MOST_ELEMENTS

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  first(): Element {
    return this.#at(0, this.#bytes.length)
  }

  /** The values that one consists of; fails without one. */
  inside(element: Element | undefined): Element[] {
    if (element === undefined) throw new Unreadable()
    const elements: Element[] = []
    for (let at = element.from; at < element.to; ) {
      const next = this.#at(at, element.to)
      elements.push(next)
      at = next.to
    }
    return elements
  }

  content({ from, to }: Element): Buffer {
    return this.#bytes.subarray(from, to)
  }

  /** With its tag and its length. */
  whole({ at, to }: Element): Buffer {
    return this.#bytes.subarray(at, to)
  }

  hex(element: Element): string {
    return this.content(element).toString('hex')
  }

  #at(at: number, end: number): Element {
    if (--this.#left < 0 || at + 2 > end) throw new Unreadable()
    const tag = this.#bytes[at] as number
    const short = this.#bytes[at + 1] as number
    const more = short < 0x80 ? 0 : short - 0x80
    const from = at + 2 + more
    if (short === 0x80 || more > 4 || from > end) throw new Unreadable()
    const length = more === 0 ? short : this.#bytes.readUIntBE(at + 2, more)
    if (from + length > end) throw new Unreadable()
    return { tag, at, from, to: from + length }
  }
}
