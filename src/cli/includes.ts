/*
 * `include "x.yar"`, resolved on the machine where the files are: the server never opens a path that a text names.
 *
 *     a.yar   include "b.yar"          rule b { … }      ← b.yar, its own lines
 *             rule a { b }        →    rule a { b }      ← a.yar
 *
 * A file's rules come in once, however many files include it. Every place of the whole text can be told in the file that
 * it came from.
 */
import { readFile, realpath, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, relative, resolve } from 'node:path'
import { Failure } from '../errors/index.ts'
import { LONGEST_SOURCE } from './rule-source.ts'
import { reasonOf } from './walk.ts'

const DEEPEST = 32
const MOST_FILES = 20_000

export interface Place {
  readonly path: string
  readonly line: number
  readonly column: number
}

export interface Assembled {
  readonly text: string
  /** The files that it is made of beside the first, behind all links. */
  readonly included: ReadonlySet<string>
  /** It has rules of its own, and not only includes. */
  readonly hasRules: boolean
  /** Where a line and column of the text, both from 1, come from. */
  placeOf(line: number, column: number): Place
}

/** A stretch of the whole text, and where it begins in which file. */
interface Piece {
  readonly from: number
  readonly path: string
  readonly source: string
  readonly at: number
}

/**
 * The text with everything that it includes. `root` is the folder that no include leads out of, whatever links there
 * are. Fails with `rules.unreadable`, which names the file, the line and the column of the include.
 */
export async function assemble(
  file: { readonly path: string; readonly real: string; readonly text: string },
  root: string,
): Promise<Assembled> {
  const { decodeRules, statementsOf } = await import('../yara/index.ts')
  const pieces: Piece[] = []
  const included = new Set<string>()
  const realRoot = await realpath(root).catch(() => root)
  let text = ''
  let hasRules = false

  const add = (path: string, source: string, at: number, to: number): void => {
    pieces.push({ from: text.length, path, source, at })
    text += source.slice(at, to)
  }
  const visit = async (path: string, real: string, source: string, above: readonly string[]): Promise<void> => {
    const statements = statementsOf(source)
    if (above.length === 0) hasRules = statements.some(({ kind }) => kind === 'rule')
    let done = 0
    for (const { kind, name, from, to } of statements) {
      if (kind !== 'include') continue
      const refuse = (what: string): never => {
        const { line, column } = lineAndColumn(source, from)
        throw new Failure('rules.unreadable', `${path}:${line}:${column}: include "${name}": ${what}`)
      }
      add(path, source, done, from)
      done = to
      const target = name.replace(/\\+/g, '/')
      if (isAbsolute(target) || /^[a-z]:/i.test(target))
        refuse('the path must be relative to the file that includes it')
      const place = resolve(above.length === 0 && !isAbsolute(real) ? root : dirname(real), target)
      const found = await realpath(place).catch((error) => refuse(reasonOf(error)))
      const way = relative(realRoot, found)
      if (way === '..' || way.startsWith('../') || isAbsolute(way)) refuse(`it lies outside of ${root}`)
      const chain = [...above, real]
      if (chain.includes(found))
        refuse(`the file includes itself (${[...chain, found].map((one) => relative(realRoot, one)).join(' → ')})`)
      if (included.has(found)) continue
      if (chain.length > DEEPEST) refuse(`there are more than ${DEEPEST} files that include one another`)
      if (included.size >= MOST_FILES) refuse(`there are more than ${MOST_FILES} files`)
      const status = await stat(found).catch((error) => refuse(reasonOf(error)))
      if (!status.isFile()) refuse('it is not a file')
      if (status.size + text.length > LONGEST_SOURCE)
        refuse(`all of it is longer than ${LONGEST_SOURCE / 1024 / 1024} MB`)
      included.add(found)
      const bytes = await readFile(found).catch((error) => refuse(reasonOf(error)))
      // On lines of its own: it may begin or end with a comment.
      text += '\n'
      await visit(normalize(join(dirname(path), target)), found, decodeRules(bytes), chain)
      text += '\n'
    }
    add(path, source, done, source.length)
  }
  await visit(file.path, file.real, file.text, [])
  return { text, included, hasRules, placeOf: (line, column) => placeIn(text, pieces, line, column) }
}

function placeIn(text: string, pieces: readonly Piece[], line: number, column: number): Place {
  let start = 0
  for (let n = 1; n < line; n++) {
    const end = text.indexOf('\n', start)
    if (end < 0) break
    start = end + 1
  }
  const row = text.slice(start, endOfLine(text, start))
  const offset = start + [...row].slice(0, column - 1).join('').length
  const piece = pieces.findLast(({ from }) => from <= offset) ?? (pieces[0] as Piece)
  const { line: ownLine, column: ownColumn } = lineAndColumn(piece.source, piece.at + offset - piece.from)
  return { path: piece.path, line: ownLine, column: ownColumn }
}

function lineAndColumn(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset)
  const start = before.lastIndexOf('\n') + 1
  return { line: before.split('\n').length, column: [...before.slice(start)].length + 1 }
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}
