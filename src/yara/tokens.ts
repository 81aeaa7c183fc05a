/*
 * A rough reading of a YARA text, for what must work on texts that the parser cannot make sense of: where code is and
 * where comments, texts and regular expressions are, and where one rule ends and the next begins.
 *
 * Four facts make it this short: texts of one quote and regular expressions end with their line, division is written `\`, so a `/`
 * in code begins a comment or a regular expression, `rule`, `import` and `include` are no names, and hex strings hold
 * neither quotes nor words.
 */

export interface Token {
  readonly kind: 'word' | 'text' | 'regexp' | 'comment' | 'sign'
  /** UTF-16 offsets. */
  readonly from: number
  readonly to: number
  /** The section of a rule that it stands in; null outside. */
  readonly section: 'meta' | 'strings' | 'condition' | null
}

const NEWLINE = 0x0a
const SLASH = 0x2f
const BACKSLASH = 0x5c
const QUOTE = 0x22
const LONG = '"""'

/** Every token of the text, comments included, in order. Time grows with the length only, whatever the text holds. */
export function* tokensOf(text: string): Generator<Token> {
  let section: Token['section'] = null
  let heading: Token['section'] = null
  const word = /[\p{L}_][\p{L}\p{N}_]*/uy
  for (let from = 0; from < text.length; ) {
    const code = text.charCodeAt(from)
    if (code <= 0x20) {
      from++
      continue
    }
    word.lastIndex = from
    let kind: Token['kind']
    let to: number
    if (code === SLASH) [kind, to] = slash(text, from)
    else if (code === QUOTE) [kind, to] = ['text', endOfLongText(text, from) ?? endOfLiteral(text, from, QUOTE)]
    else if (word.test(text)) [kind, to] = ['word', word.lastIndex]
    else [kind, to] = ['sign', from + 1]
    if (kind === 'word') {
      const found = text.slice(from, to)
      if (topLevel.has(found)) section = null
      heading = sections.get(found) ?? null
    } else if (kind !== 'comment') {
      if (heading !== null && text[from] === ':') section = heading
      heading = null
    }
    yield { kind, from, to, section }
    from = to
  }
}

const sections: ReadonlyMap<string, Token['section']> = new Map([
  ['meta', 'meta'],
  ['strings', 'strings'],
  ['condition', 'condition'],
] as const)
const topLevel = new Set(['rule', 'import', 'include'])

function slash(text: string, from: number): [Token['kind'], number] {
  const second = text[from + 1]
  if (second === '/') {
    const end = text.indexOf('\n', from)
    return ['comment', end < 0 ? text.length : end]
  }
  if (second === '*') {
    const end = text.indexOf('*/', from + 2)
    return ['comment', end < 0 ? text.length : end + 2]
  }
  return ['regexp', endOfLiteral(text, from, SLASH)]
}

/**
 * Behind the text of three quotes that begins at `from`, which may have many lines; null where none begins, or where it
 * is not closed. As all engines read it, no quote stands in it without a backslash, and no backslash before a line's end.
 */
export function endOfLongText(text: string, from: number): number | null {
  if (!text.startsWith(LONG, from)) return null
  for (let at = from + LONG.length; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return text.startsWith(LONG, at) ? at + LONG.length : null
    if (code === BACKSLASH && text.charCodeAt(++at) === NEWLINE) return null
  }
  return null
}

/** Behind the closing sign, or at the end of the line where there is none. */
function endOfLiteral(text: string, from: number, closing: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === closing) return at + 1
    if (code === NEWLINE) return at
    if (code === BACKSLASH && text.charCodeAt(at + 1) !== NEWLINE) at++
  }
  return text.length
}

/** The stretches of the text outside comments, texts and regular expressions, in order. */
export function* codeRanges(text: string): Generator<{ readonly from: number; readonly to: number }> {
  let from = 0
  for (const token of tokensOf(text)) {
    if (token.kind === 'word' || token.kind === 'sign') continue
    if (token.from > from) yield { from, to: token.from }
    from = token.to
  }
  if (from < text.length) yield { from, to: text.length }
}

/** A statement at the top of a text. */
export interface Statement {
  readonly kind: 'rule' | 'import' | 'include'
  /** The rule's name; the module or the path, without quotes. */
  readonly name: string
  /** From its first modifier on. */
  readonly from: number
  /** Behind its last token, comments left out. */
  readonly to: number
  readonly isGlobal: boolean
  /** Of a rule: every word outside comments, texts and regular expressions; `a*` in a set is `a` here, and in `prefixes`. */
  readonly words: ReadonlySet<string>
  readonly prefixes: readonly string[]
}

/** The rules, imports and includes of a text, whatever is wrong inside them. */
export function statementsOf(text: string): Statement[] {
  const statements: Statement[] = []
  /** Of the rule that may follow, and where what stands before them ends. */
  const modifiers: { readonly from: number; readonly word: string; readonly before: number }[] = []
  let open: { kind: Statement['kind']; name: string | null; from: number; to: number; isGlobal: boolean } | null = null
  let words = new Set<string>()
  let prefixes: string[] = []
  let previous: Token | null = null
  const close = () => {
    if (open?.name != null) statements.push({ ...open, name: open.name, words, prefixes })
    open = null
  }
  for (const token of tokensOf(text)) {
    if (token.kind === 'comment') continue
    const word = token.kind === 'word' ? text.slice(token.from, token.to) : ''
    const isMember =
      previous !== null && '.$#@!'.includes(text.slice(previous.from, previous.to)) && previous.to === token.from
    if (topLevel.has(word) && !isMember) {
      const kind = word as Statement['kind']
      const from = kind === 'rule' ? (modifiers[0]?.from ?? token.from) : token.from
      if (open !== null && kind === 'rule' && modifiers.length > 0) open.to = modifiers[0]?.before ?? open.to
      close()
      open = { kind, name: null, from, to: token.to, isGlobal: modifiers.some((one) => one.word === 'global') }
      words = new Set()
      prefixes = []
      modifiers.length = 0
    } else {
      if (word === 'global' || (word === 'private' && isBetweenRules(text, previous, modifiers.length))) {
        modifiers.push({ from: token.from, word, before: open?.to ?? token.from })
      } else modifiers.length = 0
      if (open !== null) {
        open.to = token.to
        if (open.name === null) open.name = token.kind === 'text' ? unquoted(text, token) : word || null
        else if (word !== '' && !isMember) words.add(word)
        if (
          token.kind === 'sign' &&
          text[token.from] === '*' &&
          previous?.kind === 'word' &&
          previous.to === token.from
        ) {
          prefixes.push(text.slice(previous.from, previous.to))
        }
      }
    }
    previous = token
  }
  close()
  return statements
}

/** `private` is a modifier of strings too: of a rule it stands behind a rule's end, or at the start. */
function isBetweenRules(text: string, previous: Token | null, modifiers: number): boolean {
  return previous === null || modifiers > 0 || text[previous.to - 1] === '}' || previous.kind === 'text'
}

function unquoted(text: string, { from, to }: Token): string {
  if (endOfLongText(text, from) === to) return text.slice(from + LONG.length, to - LONG.length)
  return text.slice(from + 1, text[to - 1] === '"' && to > from + 1 ? to - 1 : to)
}
