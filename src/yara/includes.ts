/*
 * `include "x.yar"`, resolved where the files are, whatever holds them: a folder of a disk, an archive, a repository.
 * The engine never opens a path that a text names.
 *
 *     a.yar   include "b.yar"          rule b { … }      ← b.yar, its own lines
 *             rule a { b }        →    rule a { b }      ← a.yar
 *
 * A file's rules come in once, however many files include it. Every place of the whole text can be found in the file that
 * it came from.
 */
import { Failure } from '../errors/index.ts'
import { decodeRules } from './source-text.ts'
import { statementsOf } from './tokens.ts'

/** No text of rules is as large. In characters, and in bytes of a file. */
export const LONGEST_SOURCE = 64 * 1024 * 1024

const DEEPEST = 32
const MOST_FILES = 20_000

/** What the files are in. A `key` names a file wherever it is included from. */
export interface IncludeFolder {
  /** The file that `target` names where the file `from` includes it. Throws IncludeRefusal. */
  find(from: string, target: string, isFirst: boolean): Promise<{ readonly key: string; readonly size: number }>
  /** Throws IncludeRefusal. */
  read(key: string): Promise<Uint8Array>
  /** How a file is shown where files include one another in a circle. */
  show(key: string): string
}

/** Why a file cannot be included: the end of a sentence. */
export class IncludeRefusal extends Error {}

export interface Place {
  readonly path: string
  readonly line: number
  readonly column: number
}

/** Where a part of a whole text begins, and where it comes from; lines and columns from 1, columns in characters. */
export interface Piece {
  readonly line: number
  readonly column: number
  readonly from: Place
}

export interface Assembled {
  readonly text: string
  readonly pieces: readonly Piece[]
  /** The keys of the files that the first one includes itself. */
  readonly includes: ReadonlySet<string>
  /** It has rules of its own, and not only includes. */
  readonly hasRules: boolean
}

/**
 * The text with everything that it includes. `path` is how people call the file. Fails with `rules.unreadable`, which
 * names the file, the line and the column of the include.
 */
export async function assemble(
  file: { readonly path: string; readonly key: string; readonly text: string },
  folder: IncludeFolder,
): Promise<Assembled> {
  const whole = new WholeText()
  const included = new Set<string>()
  const includes = new Set<string>()
  let hasRules = false
  const visit = async (path: string, key: string, source: string, above: readonly string[]): Promise<void> => {
    const statements = statementsOf(source)
    if (above.length === 0) hasRules = statements.some(({ kind }) => kind === 'rule')
    let done = 0
    let place: TextPosition = { line: 1, column: 1 }
    const add = (to: number) => {
      whole.add({ path, ...place }, source.slice(done, to))
      place = moved(place, source.slice(done, to))
      done = to
    }
    for (const { kind, name, from, to } of statements) {
      if (kind !== 'include') continue
      add(from)
      const { line, column } = place
      const refuse = (what: string): never => {
        throw new Failure('rules.unreadable', `${path}:${line}:${column}: include "${name}": ${what}`)
      }
      const orRefuse = (error: unknown): never => {
        if (error instanceof IncludeRefusal) return refuse(error.message)
        throw error
      }
      place = moved(place, source.slice(from, to))
      done = to
      const target = name.replace(/\\+/g, '/')
      if (target.startsWith('/') || /^[a-z]:/i.test(target))
        refuse('the path must be relative to the file that includes it')
      const found = await folder.find(key, target, above.length === 0).catch(orRefuse)
      if (above.length === 0) includes.add(found.key)
      const chain = [...above, key]
      if (chain.includes(found.key))
        refuse(`the file includes itself (${[...chain, found.key].map((one) => folder.show(one)).join(' → ')})`)
      if (included.has(found.key)) continue
      if (chain.length > DEEPEST) refuse(`there are more than ${DEEPEST} files that include one another`)
      if (included.size >= MOST_FILES) refuse(`there are more than ${MOST_FILES} files`)
      if (found.size + whole.text.length > LONGEST_SOURCE)
        refuse(`all of it is longer than ${LONGEST_SOURCE / 1024 / 1024} MB`)
      included.add(found.key)
      const bytes = await folder.read(found.key).catch(orRefuse)
      // On lines of its own: it may begin or end with a comment.
      whole.breakLine()
      await visit(joinPaths(path, target), found.key, decodeRules(bytes), chain)
      whole.breakLine()
    }
    add(source.length)
  }
  await visit(file.path, file.key, file.text, [])
  return { text: whole.text, pieces: whole.pieces, includes, hasRules }
}

/** Where a line and column of the whole text come from. */
export function placeIn(pieces: readonly Piece[], line: number, column: number): Place {
  const isBefore = (piece: Piece) => piece.line < line || (piece.line === line && piece.column <= column)
  const { from, ...begin } = pieces.findLast(isBefore) ?? (pieces[0] as Piece)
  return line === begin.line
    ? { path: from.path, line: from.line, column: from.column + column - begin.column }
    : { path: from.path, line: from.line + line - begin.line, column }
}

interface TextPosition {
  readonly line: number
  readonly column: number
}

class WholeText {
  readonly pieces: Piece[] = []
  text = ''
  #end: TextPosition = { line: 1, column: 1 }

  add(from: Place, part: string): void {
    this.pieces.push({ ...this.#end, from })
    this.#append(part)
  }

  breakLine(): void {
    this.#append('\n')
  }

  #append(part: string): void {
    this.text += part
    this.#end = moved(this.#end, part)
  }
}

/** The position behind a part that begins at `at`. */
function moved({ line, column }: TextPosition, part: string): TextPosition {
  let start = -1
  let lines = 0
  for (let end = part.indexOf('\n'); end >= 0; end = part.indexOf('\n', end + 1)) {
    lines++
    start = end
  }
  let characters = 0
  for (const _ of part.slice(start + 1)) characters++
  return { line: line + lines, column: lines === 0 ? column + characters : characters + 1 }
}

/** How a person would write the path of a file that is named from another one. */
function joinPaths(from: string, target: string): string {
  const steps: string[] = from.split('/').slice(0, -1)
  for (const step of target.split('/')) {
    if (step === '.' || step === '') continue
    const last = steps.at(-1)
    if (step === '..' && last !== undefined && last !== '..' && last !== '') steps.pop()
    else steps.push(step)
  }
  return steps.join('/')
}
