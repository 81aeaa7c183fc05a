/** Tells lines and columns of many offsets of one text, both from 1, columns in characters. */
export class Places {
  readonly #text: string
  /** Offsets at which lines begin; ascending. */
  readonly #starts: number[] = [0]

  constructor(text: string) {
    this.#text = text
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.#starts.push(at + 1)
  }

  /** `offset` in UTF-16 code units. */
  of(offset: number): { readonly line: number; readonly column: number } {
    let line = 0
    for (let above = this.#starts.length; above - line > 1; ) {
      const middle = (line + above) >> 1
      if ((this.#starts[middle] ?? 0) <= offset) line = middle
      else above = middle
    }
    return { line: line + 1, column: [...this.#text.slice(this.#starts[line], offset)].length + 1 }
  }
}
