/*
 * Regular expressions, as the engine reads them with relaxed syntax.
 *
 * YARA's regular expressions look at bytes, not at characters: `.` is one byte, `\w` is ASCII, and a letter such as é
 * stands for the two bytes of its UTF-8 form. The index wants to know which bytes every match must contain, so what is
 * made here is the language of the expression, as a tree over bytes; greediness and captures say nothing about that
 * and are dropped.
 *
 * The rule of this file: a tree may describe more than the engine would match, never less, or a match would be missed.
 * Whatever is not known exactly makes the whole expression null, for "not known". Worked example, /ab+[c-e]/i:
 *
 *     sequence
 *       literal 61 nocase
 *       repeat 1..
 *         literal 62 nocase
 *       set 43-45 63-65
 *
 * Relaxed syntax means two things. An escape that has no meaning is the character itself (`\g` is g). A brace that does
 * not begin a repetition is the character `{` (`a{`, `a{x}`, `{2}a`, `a{3,1}`), while `a{,3}` and `a{ 1 , 3 }` do
 * repeat. All of this is held against the engine by `regexp.test.ts`.
 */

import type { RegexpNode } from './syntax.ts'

export interface RegexpFlags {
  readonly caseInsensitive: boolean
  readonly dotAll: boolean
}

/** The language of the expression between the slashes, or null when it holds something not known here. */
export function parseRegexp(source: string, flags: RegexpFlags, maxDepth: number): RegexpNode | null {
  try {
    return new RegexpParser(source, flags, maxDepth).parse()
  } catch (error) {
    if (error instanceof NotKnown) return null
    throw error
  }
}

class NotKnown extends Error {}

const encoder = new TextEncoder()

class RegexpParser {
  readonly #source: string
  readonly #maxDepth: number
  #flags: RegexpFlags
  #at = 0
  #depth = 0
  /** Where a brace stands that the engine has decided to read as a character, before it is reached. */
  #literalBrace = -1

  constructor(source: string, flags: RegexpFlags, maxDepth: number) {
    this.#source = source
    this.#flags = flags
    this.#maxDepth = maxDepth
  }

  parse(): RegexpNode {
    const node = this.#alternatives()
    if (this.#at < this.#source.length) throw new NotKnown('unopened group')
    return node
  }

  #peek(): string {
    return this.#source[this.#at] ?? ''
  }

  /** alternatives := sequence ('|' sequence)* */
  #alternatives(): RegexpNode {
    const first = this.#sequence()
    if (this.#peek() !== '|') return first
    const options = [first]
    while (this.#peek() === '|') {
      this.#at++
      options.push(this.#sequence())
    }
    return { kind: 'alternatives', options }
  }

  /** sequence := (atom repetition*)* */
  #sequence(): RegexpNode {
    const items: RegexpNode[] = []
    while (this.#at < this.#source.length && this.#peek() !== '|' && this.#peek() !== ')') {
      const before = this.#at
      const atom = this.#atom()
      if (atom !== null) items.push(this.#repetitions(atom))
      else if (this.#at === before) throw new NotKnown('nothing read')
    }
    return joined(items)
  }

  /** atom := group | class | '.' | '^' | '$' | escape | character; null for flags such as (?i), which match nothing. */
  #atom(): RegexpNode | null {
    const character = this.#peek()
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return { kind: 'set', set: this.#class() }
      case '.':
        this.#at++
        return { kind: 'set', set: this.#flags.dotAll ? anyByte : anyByteButNewline }
      case '^':
      case '$':
        this.#at++
        return { kind: 'assertion', assertion: character }
      case '\\':
        return this.#escape()
      case '*':
      case '+':
      case '?':
        // The engine looks for an earlier brace to blame, and mostly refuses.
        throw new NotKnown('repetition of nothing')
      case '{':
        // A repetition of nothing, or a brace that does not begin a repetition.
        this.#at++
        return this.#literal(OPENING_BRACE)
      default: {
        const point = this.#source.codePointAt(this.#at) as number
        this.#at += point > 0xffff ? 2 : 1
        return this.#literal(point)
      }
    }
  }

  /** repetition := ('*' | '+' | '?' | '{' counts '}') '?'? */
  #repetitions(atom: RegexpNode): RegexpNode {
    let node = atom
    for (let depth = this.#depth; ; depth++) {
      const range = this.#repetition()
      if (range === null) return node
      // Laziness changes how long a match is, not whether there is one.
      if (this.#peek() === '?') this.#at++
      if (depth >= this.#maxDepth) throw new NotKnown('too deep')
      node = { kind: 'repeat', item: node, ...range }
    }
  }

  #repetition(): { min: number; max: number | null } | null {
    switch (this.#peek()) {
      case '*':
        this.#at++
        return { min: 0, max: null }
      case '+':
        this.#at++
        return { min: 1, max: null }
      case '?':
        this.#at++
        return { min: 0, max: 1 }
      case '{':
        return this.#counts()
      default:
        return null
    }
  }

  /** counts := '{' (n | n ',' | n ',' m | ',' m) '}' with blanks around numbers; null, and stays, for a plain brace. */
  #counts(): { min: number; max: number | null } | null {
    if (this.#at === this.#literalBrace) return null
    const rest = this.#source.slice(this.#at, this.#at + MAX_COUNTS_LENGTH)
    // Where the numbers go on and on, or the engine may know another blank than we do, it may be a repetition or not.
    const isCut = rest.length === MAX_COUNTS_LENGTH && /^\{[\s\d,]*$/.test(rest)
    if (isCut || /^\{[\s\d,]*[^\0-\x7f]/.test(rest)) throw new NotKnown('a brace')
    const counts = /^\{\s*(\d*)\s*(,?)\s*(\d*)\s*\}/.exec(rest)
    if (counts !== null) {
      const [whole, from = '', comma, to = ''] = counts
      const min = from === '' ? 0 : Number(from)
      const max = comma === '' ? min : to === '' ? null : Number(to)
      const isRange = comma === '' ? from !== '' && to === '' : from !== '' || to !== ''
      if (isRange && (max === null || min <= max)) {
        this.#at += whole.length
        return { min, max }
      }
    } else {
      // Where a number is missing because of another brace, the engine makes that one a character as well.
      const next = /^\{\s*(?:\d+\s*,\s*)?\{/.exec(rest)
      if (next !== null) this.#literalBrace = this.#at + next[0].length - 1
    }
    return null
  }

  /** group := '(' ('?:' | '?P<name>' | '?<name>' | '?' flags ':')? alternatives ')' | '(?' flags ')' */
  #group(): RegexpNode | null {
    if (++this.#depth > this.#maxDepth) throw new NotKnown('too deep')
    const opening = /^\((?:\?P?<[A-Za-z_][\w.[\]]*>|\?([isU]*)([:)]))?/.exec(
      this.#source.slice(this.#at, this.#at + 256),
    )
    if (opening === null || (opening[0] === '(' && this.#source[this.#at + 1] === '?')) {
      throw new NotKnown('a kind of group')
    }
    const [whole, letters = '', end] = opening
    const outer = this.#flags
    this.#at += whole.length
    this.#flags = {
      caseInsensitive: outer.caseInsensitive || letters.includes('i'),
      dotAll: outer.dotAll || letters.includes('s'),
    }
    if (end === ')') {
      // Holds for the rest of the enclosing group.
      if (letters === '' || '*+?{'.includes(this.#peek() || ' ')) throw new NotKnown('flags')
      this.#depth--
      return null
    }
    const inner = this.#alternatives()
    if (this.#peek() !== ')') throw new NotKnown('unclosed group')
    this.#at++
    this.#flags = outer
    this.#depth--
    return inner
  }

  #literal(point: number): RegexpNode {
    const bytes = point < 0x80 ? Uint8Array.of(point) : encoder.encode(String.fromCodePoint(point))
    return literalOf(bytes, this.#flags.caseInsensitive)
  }

  /** escape := '\' (assertion | class letter | control letter | code point | any other character, meaning itself) */
  #escape(): RegexpNode {
    const letter = this.#source[this.#at + 1] ?? ''
    if (letter in classLetters) {
      this.#at += 2
      return { kind: 'set', set: classLetters[letter] as Uint8Array }
    }
    if (letter === 'b' || letter === 'B' || letter === 'A' || letter === 'z') {
      // `\b{start}` and its kin are other assertions.
      if (letter === 'b' && this.#source[this.#at + 2] === '{') throw new NotKnown('a word boundary')
      this.#at += 2
      return { kind: 'assertion', assertion: `\\${letter}` }
    }
    const bytes = this.#escapedBytes()
    return literalOf(bytes, this.#flags.caseInsensitive)
  }

  /** The bytes of an escape that stands for one character, in a class or outside. */
  #escapedBytes(): Uint8Array {
    const letter = String.fromCodePoint(this.#source.codePointAt(this.#at + 1) ?? 0)
    if (letter === '\0' || letter === 'p' || letter === 'P' || (letter >= '0' && letter <= '9')) {
      throw new NotKnown('an escape')
    }
    const control = controlLetters[letter]
    if (control !== undefined) {
      this.#at += 2
      return Uint8Array.of(control)
    }
    if (letter === 'x' || letter === 'u' || letter === 'U') {
      const rest = this.#source.slice(this.#at, this.#at + 16)
      const code = /^\\(?:x([0-9a-fA-F]{2})|[xuU]\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest)
      if (code === null) throw new NotKnown('a code')
      this.#at += code[0].length
      if (code[1] !== undefined) return Uint8Array.of(Number.parseInt(code[1], 16))
      const point = Number.parseInt(code[2] ?? code[3] ?? code[4] ?? '', 16)
      if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) throw new NotKnown('a code point')
      return encoder.encode(String.fromCodePoint(point))
    }
    this.#at += 1 + letter.length
    return encoder.encode(letter)
  }

  /** class := '[' '^'? ']'? (range | posix | escape)* ']' */
  #class(): Uint8Array {
    this.#at++
    const isNegated = this.#peek() === '^'
    if (isNegated) this.#at++
    const set = new Uint8Array(32)
    for (let first = true; ; first = false) {
      const character = this.#peek()
      if (character === '') throw new NotKnown('unclosed class')
      if (character === ']' && !first) break
      this.#classItem(set)
    }
    this.#at++
    if (this.#flags.caseInsensitive) foldSet(set)
    return isNegated ? set.map((bits) => ~bits) : set
  }

  /** item := '[:' '^'? name ':]' | class letter | character ('-' character)? */
  #classItem(set: Uint8Array): void {
    const rest = this.#source.slice(this.#at, this.#at + 16)
    // Set operations and nested classes are known to the engine and not needed here.
    if (/^(?:&&|--|~~)/.test(rest)) throw new NotKnown('a set operation')
    if (rest.startsWith('[')) {
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(rest)
      const members = posixClasses.get(posix?.[2] ?? '')
      if (posix === null || members === undefined) throw new NotKnown('a nested class')
      this.#at += posix[0].length
      for (let i = 0; i < 32; i++)
        set[i] = (set[i] as number) | (posix[1] === '^' ? ~(members[i] as number) : (members[i] as number))
      return
    }
    const letter = rest.startsWith('\\') ? (rest[1] ?? '') : ''
    if (letter in classLetters) {
      this.#at += 2
      const members = classLetters[letter] as Uint8Array
      for (let i = 0; i < 32; i++) set[i] = (set[i] as number) | (members[i] as number)
      // What `[\w-z]` means is left to the engine, which refuses it.
      if (this.#peek() === '-' && this.#source[this.#at + 1] !== ']') throw new NotKnown('a range from a class')
      return
    }
    const from = this.#classByte()
    let to = from
    const after = this.#source[this.#at + 1]
    if (this.#peek() === '-' && after !== ']' && after !== '-' && after !== undefined) {
      this.#at++
      if (this.#peek() === '[') throw new NotKnown('a range to a class')
      to = this.#classByte()
      if (to < from) throw new NotKnown('a range backwards')
    }
    addRange(set, from, to)
  }

  /** One character of a class, which has to be one byte. */
  #classByte(): number {
    const character = this.#peek()
    if (character === '\\') {
      const letter = this.#source[this.#at + 1] ?? ''
      if (letter in classLetters || /[bBAz]/.test(letter)) throw new NotKnown('an escape in a class')
      const bytes = this.#escapedBytes()
      if (bytes.length !== 1) throw new NotKnown('more than a byte in a class')
      return bytes[0] as number
    }
    const code = character.charCodeAt(0)
    if (code > 0x7f) throw new NotKnown('more than a byte in a class')
    this.#at++
    return code
  }
}

const OPENING_BRACE = 0x7b

/** Longer than any repetition anybody writes; bounds how far one brace looks. */
const MAX_COUNTS_LENGTH = 64

const controlLetters: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, f: 12, v: 11, a: 7 }

const asciiLetters = setOf([0x41, 0x5a], [0x61, 0x7a])
const digits = setOf([0x30, 0x39])
const wordBytes = setOf([0x30, 0x39], [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a])
const blanks = setOf([0x09, 0x0d], [0x20, 0x20])
const anyByte = setOf([0, 0xff])
const anyByteButNewline = setOf([0, 0x09], [0x0b, 0xff])

const classLetters: Readonly<Record<string, Uint8Array>> = {
  d: digits,
  D: digits.map((bits) => ~bits),
  w: wordBytes,
  W: wordBytes.map((bits) => ~bits),
  s: blanks,
  S: blanks.map((bits) => ~bits),
}

const posixClasses: ReadonlyMap<string, Uint8Array> = new Map(
  Object.entries({
    alnum: setOf([0x30, 0x39], [0x41, 0x5a], [0x61, 0x7a]),
    alpha: asciiLetters,
    ascii: setOf([0, 0x7f]),
    blank: setOf([0x09, 0x09], [0x20, 0x20]),
    cntrl: setOf([0, 0x1f], [0x7f, 0x7f]),
    digit: digits,
    graph: setOf([0x21, 0x7e]),
    lower: setOf([0x61, 0x7a]),
    print: setOf([0x20, 0x7e]),
    punct: setOf([0x21, 0x2f], [0x3a, 0x40], [0x5b, 0x60], [0x7b, 0x7e]),
    space: blanks,
    upper: setOf([0x41, 0x5a]),
    word: wordBytes,
    xdigit: setOf([0x30, 0x39], [0x41, 0x46], [0x61, 0x66]),
  }),
)

function setOf(...ranges: readonly (readonly [number, number])[]): Uint8Array {
  const set = new Uint8Array(32)
  for (const [from, to] of ranges) addRange(set, from, to)
  return set
}

function addRange(set: Uint8Array, from: number, to: number): void {
  for (let byte = from; byte <= to; byte++) set[byte >> 3] = (set[byte >> 3] as number) | (1 << (byte & 7))
}

/** Adds the other case of every ASCII letter. */
function foldSet(set: Uint8Array): void {
  for (let upper = 0x41; upper <= 0x5a; upper++) {
    const lower = upper + 0x20
    if (hasByte(set, upper)) addRange(set, lower, lower)
    else if (hasByte(set, lower)) addRange(set, upper, upper)
  }
}

function hasByte(set: Uint8Array, byte: number): boolean {
  return ((set[byte >> 3] as number) & (1 << (byte & 7))) !== 0
}

function literalOf(bytes: Uint8Array, nocase: boolean): RegexpNode {
  return { kind: 'literal', bytes, nocase: nocase && bytes.some((byte) => hasByte(asciiLetters, byte)) }
}

/** A sequence with its neighbouring literals made one. */
function joined(items: readonly RegexpNode[]): RegexpNode {
  const result: RegexpNode[] = []
  let run: number[] = []
  let runNocase = false
  const flush = () => {
    if (run.length > 0) result.push({ kind: 'literal', bytes: Uint8Array.from(run), nocase: runNocase })
    run = []
    runNocase = false
  }
  for (const item of items) {
    if (item.kind === 'literal') {
      for (const byte of item.bytes) run.push(byte)
      // Within one expression only `(?i)` makes them differ; the wider meaning is the safe one.
      runNocase ||= item.nocase
    } else {
      flush()
      result.push(item)
    }
  }
  flush()
  if (result.length === 0) return { kind: 'empty' }
  return result.length === 1 ? (result[0] as RegexpNode) : { kind: 'sequence', items: result }
}
