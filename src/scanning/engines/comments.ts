/**
 * The engines need time that grows with the square of the number of comments that follow each other on lines of their own:
 * 40,000 of them take YARA-X 1.7.1 and 1.20 three seconds, and 280,000 two and a half minutes. So where a text has very
 * many, those that reach to the end of their line are left out. Every line stays where it is, and so does every column of
 * what is left.
 */
import { type Diagnostic, endOfLongText } from '../../yara/index.ts'
import type { Engine } from '../engine.ts'
import { spanAt } from '../engine-report.ts'

/** With as many, the engines need some ten milliseconds. */
const MANY = 2_000

/** `engine`, which gets texts of very many comments without them, and speaks of the places of the whole text. */
export function sparingComments(engine: Engine): Engine {
  return {
    ...engine,
    diagnose(text) {
      const left = withoutManyComments(text)
      return left === text ? engine.diagnose(text) : inPlace(text, engine.diagnose(left))
    },
    compile(text) {
      const left = withoutManyComments(text)
      const compiled = engine.compile(left)
      return left === text ? compiled : { ...compiled, warnings: () => inPlace(text, compiled.warnings()) }
    },
  }
}

function inPlace(text: string, found: readonly Diagnostic[]): Diagnostic[] {
  return found.map((one) => {
    const { from } = spanAt(text, one.line, one.column, 0)
    return { ...one, span: { from, to: from + one.span.to - one.span.from } }
  })
}

/** The same text where it has few comments. */
export function withoutManyComments(text: string): string {
  if (!hasMany(text)) return text
  const pieces: string[] = []
  let kept = 0
  const opening = /["/]/g
  for (let found = opening.exec(text); found !== null; found = opening.exec(text)) {
    const from = found.index
    const end = endOf(text, from)
    // A block that is not closed is the engine's to complain about.
    if (end === null) break
    opening.lastIndex = end
    if (!isComment(text, from) || !isLastOfItsLine(text, end)) continue
    pieces.push(text.slice(kept, from), '\n'.repeat(linesWithin(text, from, end)))
    kept = end
  }
  return pieces.length === 0 ? text : pieces.join('') + text.slice(kept)
}

function hasMany(text: string): boolean {
  let count = 0
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 2)) {
    if (isComment(text, at) && ++count > MANY) return true
  }
  return false
}

function isComment(text: string, at: number): boolean {
  return text[at] === '/' && (text[at + 1] === '/' || text[at + 1] === '*')
}

/** Behind the comment, the string or the regular expression that begins at `from`; null for a block without an end. */
function endOf(text: string, from: number): number | null {
  if (isComment(text, from)) {
    const isBlock = text[from + 1] === '*'
    const end = text.indexOf(isBlock ? '*/' : '\n', from + 2)
    if (end < 0) return isBlock ? null : text.length
    return isBlock ? end + 2 : end
  }
  const long = endOfLongText(text, from)
  if (long !== null) return long
  const closing = text[from]
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === closing) return at + 1
    else if (text[at] === '\n') return at
  }
  return text.length
}

function isLastOfItsLine(text: string, end: number): boolean {
  let at = end
  while (text[at] === ' ' || text[at] === '\t' || text[at] === '\r') at++
  return at === text.length || text[at] === '\n'
}

function linesWithin(text: string, from: number, to: number): number {
  let count = 0
  for (let at = text.indexOf('\n', from); at >= 0 && at < to; at = text.indexOf('\n', at + 1)) count++
  return count
}
