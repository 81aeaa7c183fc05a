/**
 * The query language of the sample search, as the vendor's appliances have it, with fields of ours.
 *
 * ```
 * query ::= or
 * or    ::= and ("OR" and)*
 * and   ::= not ("AND"? not)*
 * not   ::= ("NOT" | "-") not | "(" or ")" | term
 * term  ::= field ":" test | value
 * test  ::= "[" value "TO" value "]" | "[" list "]" | "(" list ")" | (">" | ">=" | "<" | "<=")? value
 * list  ::= value (("," | "OR")? value)*
 * ```
 *
 * A value without a field is the beginning of a digest, or a part of a name; a query of nothing but digests means any of
 * them. The text comes from strangers: its length, its depth and its number of terms are bounded, and it is read in one
 * pass without going back.
 */
import { type Condition, hashDigits } from './condition.ts'
import { type FieldMeaning, fieldNamed, namesLike } from './fields.ts'
import { Misplaced, Reader } from './reader.ts'
import { type Comparison, conditionOf, InvalidValue, rangeOf, type Written } from './values.ts'

export const MOST_CHARACTERS = 8_000
const MOST_TERMS = 256
const MOST_LEVELS = 32
/** Fewer digits of a digest are more likely a part of a name. */
const LEAST_DIGITS = 6

export interface QueryProblem {
  /** What is wrong and what to do, a sentence. */
  readonly message: string
  /** The characters at fault, in UTF-16 units; `to` is behind the last. */
  readonly from: number
  readonly to: number
}

/** A condition, null for a query that asks for nothing; or what is wrong with the text. */
export type ParsedQuery =
  | { readonly condition: Condition | null; readonly problem: null }
  | { readonly condition: null; readonly problem: QueryProblem }

export function parseQuery(text: string): ParsedQuery {
  return guarded(() => new Parser(text).query())
}

/** A query as an object: every field fits, with one of its values. Positions are those in the value at fault. */
export function parseQueryObject(query: Readonly<Record<string, unknown>>): ParsedQuery {
  return guarded(() => {
    const of = Object.entries(query).map(([name, value]): Condition => {
      const values = [value].flat().map((each) => new Parser(String(each)).test(meaningOf(name, 0, 0)))
      return values.length === 1 ? (values[0] as Condition) : { kind: 'any', of: values }
    })
    if (of.length > MOST_TERMS) throw new Misplaced(`A query has at most ${MOST_TERMS} terms.`, 0, 0)
    return of.length === 0 ? null : { kind: 'all', of }
  })
}

function guarded(read: () => Condition | null): ParsedQuery {
  try {
    return { condition: read(), problem: null }
  } catch (error) {
    if (!(error instanceof Misplaced)) throw error
    return { condition: null, problem: { message: error.message, from: error.from, to: error.to } }
  }
}

class Parser {
  readonly #reader: Reader
  #terms = 0
  #levels = 0

  constructor(text: string) {
    if (text.length > MOST_CHARACTERS) {
      throw new Misplaced(`A query has at most ${MOST_CHARACTERS} characters.`, MOST_CHARACTERS, text.length)
    }
    this.#reader = new Reader(text)
  }

  query(): Condition | null {
    const reader = this.#reader
    reader.skipBlanks()
    if (reader.isAtEnd) return null
    const condition = this.#or()
    if (!reader.isAtEnd) {
      throw new Misplaced('This parenthesis closes none that is open.', reader.at, reader.at + 1)
    }
    return condition
  }

  /** The whole text as what stands behind the colon of a field. */
  test(meaning: FieldMeaning): Condition {
    const reader = this.#reader
    const condition = /^[[(<>"]/.test(reader.text) ? this.#test(meaning) : this.#one(meaning, '=', '')
    reader.skipBlanks()
    if (!reader.isAtEnd) {
      throw new Misplaced('The value ends before this; put it in quotes.', reader.at, reader.text.length)
    }
    return condition
  }

  #or(): Condition {
    const of = [this.#and()]
    while (this.#takeOperator('OR')) of.push(this.#and())
    return of.length === 1 ? (of[0] as Condition) : { kind: 'any', of }
  }

  #and(): Condition {
    const of = [this.#not()]
    for (;;) {
      const reader = this.#reader
      reader.skipBlanks()
      if (reader.isAtEnd || reader.next === ')' || reader.peekWord('OR')) break
      this.#takeOperator('AND')
      of.push(this.#not())
    }
    if (of.length === 1) return of[0] as Condition
    // Whoever pastes digests means each of them.
    return { kind: of.every(isWholeHash) ? 'any' : 'all', of }
  }

  #not(): Condition {
    const reader = this.#reader
    reader.skipBlanks()
    if (++this.#levels > MOST_LEVELS) {
      throw new Misplaced(`A query has at most ${MOST_LEVELS} levels.`, reader.at, reader.at + 1)
    }
    try {
      const from = reader.at
      if (reader.next === '-' && !' )'.includes(reader.text[reader.at + 1] ?? ' ')) {
        reader.at++
        return { kind: 'not', of: this.#not() }
      }
      if (this.#takeOperator('NOT')) return { kind: 'not', of: this.#not() }
      if (reader.take('(')) {
        const inner = this.#or()
        if (!reader.take(')')) throw new Misplaced('This parenthesis is not closed.', from, from + 1)
        return inner
      }
      return this.#term()
    } finally {
      this.#levels--
    }
  }

  #takeOperator(word: 'AND' | 'OR' | 'NOT'): boolean {
    const reader = this.#reader
    reader.skipBlanks()
    const at = reader.at
    if (!reader.peekWord(word)) return false
    reader.at += word.length
    reader.skipBlanks()
    if (reader.isAtEnd || reader.next === ')') {
      throw new Misplaced(`Something must follow ${word}.`, at, at + word.length)
    }
    return true
  }

  #term(): Condition {
    const reader = this.#reader
    const from = reader.at
    if (reader.isAtEnd) throw new Misplaced('Something is missing here.', from, from)
    const operator = reader.peekWord('AND', 'OR')
    if (operator) throw new Misplaced(`Something must stand before ${operator}.`, from, from + operator.length)
    if (reader.next === ')') throw new Misplaced('Something is missing before this parenthesis.', from, from + 1)
    const field = reader.field()
    if (field !== null) {
      return this.#test(meaningOf(field, from, reader.at))
    }
    this.#count(from)
    const isQuoted = reader.next === '"'
    const written = reader.value('()')
    this.#endOfValue(written, from)
    return wordOf(written, isQuoted)
  }

  #test(meaning: FieldMeaning): Condition {
    const reader = this.#reader
    const from = reader.at
    if (reader.take('[')) return this.#brackets(meaning, from)
    if (reader.take('(')) return this.#list(meaning, ')', from, [])
    const comparison = (['>=', '<=', '>', '<'] as const).find((mark) => reader.take(mark)) ?? '='
    return this.#one(meaning, comparison, '()', comparison === '=' ? reader.at : from)
  }

  #one(meaning: FieldMeaning, comparison: Comparison, ends: string, from = this.#reader.at): Condition {
    const reader = this.#reader
    this.#count(from)
    // A value of an object is all of its text.
    const written = ends === '' ? wholeOf(reader) : reader.value(ends)
    this.#endOfValue(written, from)
    return this.#fit(from, () => conditionOf(meaning, comparison, written))
  }

  #brackets(meaning: FieldMeaning, opened: number): Condition {
    const reader = this.#reader
    reader.skipBlanks()
    const from = reader.at
    if (reader.next === ']' || reader.isAtEnd) return this.#list(meaning, ']', opened, [])
    const first = reader.value(',]')
    const firstEnd = reader.at
    reader.skipBlanks()
    if (!reader.peekWord('TO')) return this.#list(meaning, ']', opened, [{ written: first, from, to: firstEnd }])
    reader.at += 2
    reader.skipBlanks()
    this.#count(from)
    const second = reader.value(']')
    const to = reader.at
    reader.skipBlanks()
    if (!reader.take(']')) throw new Misplaced('This bracket is not closed.', opened, opened + 1)
    return this.#fit(from, () => rangeOf(meaning, boundOf(first), boundOf(second)), to)
  }

  #list(
    meaning: FieldMeaning,
    close: ')' | ']',
    opened: number,
    before: readonly { readonly written: Written; readonly from: number; readonly to: number }[],
  ): Condition {
    const reader = this.#reader
    const of = before.map(({ written, from, to }) => {
      this.#count(from)
      return this.#fit(from, () => conditionOf(meaning, '=', written), to)
    })
    for (;;) {
      reader.skipBlanks()
      if (of.length > 0) {
        if (reader.take(',')) reader.skipBlanks()
        else if (reader.peekWord('OR')) {
          reader.at += 2
          reader.skipBlanks()
        }
      }
      if (reader.take(close)) break
      if (reader.isAtEnd) {
        throw new Misplaced(`This ${close === ')' ? 'parenthesis' : 'bracket'} is not closed.`, opened, opened + 1)
      }
      const from = reader.at
      this.#count(from)
      const written = reader.value(`,${close}`)
      of.push(this.#fit(from, () => conditionOf(meaning, '=', written)))
    }
    if (of.length === 0) throw new Misplaced('There is no value in here.', opened, reader.at)
    return of.length === 1 ? (of[0] as Condition) : { kind: 'any', of }
  }

  /** Reads a value that has been taken; what is wrong with it is so at its place. */
  #fit(from: number, read: () => Condition, to = this.#reader.at): Condition {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof InvalidValue)) throw error
      const { message } = error
      throw new Misplaced(`${message[0]?.toUpperCase()}${message.slice(1)}.`, from, to)
    }
  }

  #endOfValue({ text }: Written, from: number): void {
    const reader = this.#reader
    if (text === '' && reader.at === from) throw new Misplaced('A value is missing here.', from, from)
    if (reader.next === '(' || reader.next === '"') {
      throw new Misplaced('The value ends before this; put it in quotes.', reader.at, reader.at + 1)
    }
  }

  #count(from: number): void {
    if (++this.#terms > MOST_TERMS) throw new Misplaced(`A query has at most ${MOST_TERMS} terms.`, from, from + 1)
  }
}

function meaningOf(name: string, from: number, to: number): FieldMeaning {
  const field = fieldNamed(name)
  if (field === null) throw unknownField(name, from, to)
  return field.meaning
}

function unknownField(name: string, from: number, to: number): Misplaced {
  const like = namesLike(name)
  const hint = like.length > 0 ? `did you mean ${like.join(', ')}?` : 'a text with a colon is put in quotes.'
  return new Misplaced(`There is no field ${name}; ${hint}`, from, to)
}

function wholeOf(reader: Reader): Written {
  const quoted = new Reader(`"${reader.text.replaceAll('"', '\\"')}"`)
  reader.at = reader.text.length
  return quoted.value('')
}

function boundOf(written: Written): Written | null {
  return written.text === '*' ? null : written
}

const isWhole = (digits: string): boolean => Object.values(hashDigits).includes(digits.length)

function isWholeHash(condition: Condition): boolean {
  if (condition.kind === 'any') return condition.of.every(isWholeHash)
  return condition.kind === 'hash' && condition.of === 'any' && isWhole(condition.digits)
}

/** The beginning of a digest, or a part of a name; with wildcards, all of a name. */
function wordOf({ pattern, text }: Written, isQuoted: boolean): Condition {
  const pasted = isQuoted
    ? []
    : text
        .toLowerCase()
        .split(/[,;]/)
        .filter((each) => each !== '')
  if (pasted.length > 0 && pasted.every((digits) => /^[0-9a-f]+$/.test(digits) && isWhole(digits))) {
    const of = pasted.map((digits) => ({ kind: 'hash', of: 'any', digits }) as const)
    return of.length === 1 ? (of[0] as Condition) : { kind: 'any', of }
  }
  const digits = text.replace(/\*$/, '').toLowerCase()
  const isHash = !isQuoted && /^[0-9a-f]{1,128}$/.test(digits)
  const many = { wildcard: 'many' } as const
  const hasWildcard = pattern.some((piece) => typeof piece !== 'string')
  const name: Condition = { kind: 'text', field: 'name', pattern: hasWildcard ? pattern : [many, ...pattern, many] }
  if (!isHash || digits.length < LEAST_DIGITS) return name
  return { kind: 'any', of: [{ kind: 'hash', of: 'any', digits }, name] }
}
