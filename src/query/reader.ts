/** The characters of a query, one after the other, with where they stand. */
import type { Pattern } from './condition.ts'
import type { Written } from './values.ts'

/** A problem with a place in the text: `from` to `to`, in UTF-16 units. */
export class Misplaced extends Error {
  readonly from: number
  readonly to: number

  constructor(message: string, from: number, to: number) {
    super(message)
    this.from = from
    this.to = to
  }
}

/** Each is a choice for the database, where it looks through a text: more are never needed. */
const MOST_WILDCARDS = 8

export class Reader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length
  }

  /** The character here; empty at the end. */
  get next(): string {
    return this.text[this.at] ?? ''
  }

  skipBlanks(): void {
    while (!this.isAtEnd && isBlank(this.next)) this.at++
  }

  /** Steps over `mark` where it stands here. */
  take(mark: string): boolean {
    if (!this.text.startsWith(mark, this.at)) return false
    this.at += mark.length
    return true
  }

  /** An operator that stands here as a word of its own, in capitals or not; stays here where there is none. */
  peekWord(...words: readonly string[]): string | null {
    for (const word of words) {
      const end = this.at + word.length
      const after = this.text[end] ?? ' '
      if (this.text.slice(this.at, end).toUpperCase() === word && (isBlank(after) || '()]'.includes(after))) return word
    }
    return null
  }

  /** `field ::= letter (letter | digit | "." | "_" | "-")* ":"`, without its colon; null where there is none. */
  field(): string | null {
    const letters = /[A-Za-z][A-Za-z0-9._-]{0,63}:/y
    letters.lastIndex = this.at
    const found = letters.exec(this.text)?.[0]
    if (found === undefined) return null
    this.at += found.length
    return found.slice(0, -1)
  }

  /**
   * `value ::= '"' (character | "\" character)* '"' | word`. In both, `*` and `?` are wildcards, and a backslash before
   * them, before a quotation mark or a backslash takes their meaning away.
   */
  value(ends: string): Written {
    const from = this.at
    const isQuoted = this.take('"')
    const pieces: (string | { wildcard: 'many' | 'one' })[] = []
    let literal = ''
    let text = ''
    const flush = () => {
      if (literal !== '') pieces.push(literal)
      literal = ''
    }
    for (;;) {
      if (this.isAtEnd) {
        if (isQuoted) throw new Misplaced('This quotation mark is not closed.', from, from + 1)
        break
      }
      const character = this.next
      if (isQuoted ? character === '"' : isBlank(character) || ends.includes(character)) break
      this.at++
      text += character
      if (character === '*' || character === '?') {
        flush()
        pieces.push({ wildcard: character === '*' ? 'many' : 'one' })
      } else if (character === '\\' && '*?"\\'.includes(this.next || ' ')) {
        literal += this.next
        text = text.slice(0, -1) + this.next
        this.at++
      } else literal += character
    }
    if (isQuoted) this.at++
    flush()
    const wildcards = pieces.filter((piece) => typeof piece !== 'string').length
    if (wildcards > MOST_WILDCARDS) {
      throw new Misplaced(`A value has at most ${MOST_WILDCARDS} wildcards.`, from, this.at)
    }
    return { pattern: pieces as Pattern, text }
  }
}

function isBlank(character: string): boolean {
  return character === ' ' || character === '\t' || character === '\n' || character === '\r' || character === '\u00a0'
}
