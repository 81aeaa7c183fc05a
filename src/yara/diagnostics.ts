import type { Tree, TreeCursor } from '@lezer/common'
import * as term from './parser.generated.terms.js'
import type { Diagnostic, Span } from './syntax.ts'
import { nodeKey } from './tree-reader.ts'

/** A hostile text can be wrong everywhere; nobody reads more than this. */
const MAX_DIAGNOSTICS = 100

/** Collects diagnostics of one text and gives them lines and columns. */
export class Diagnostics {
  readonly #text: string
  readonly #found: { code: string; message: string; span: Span }[] = []

  constructor(text: string) {
    this.#text = text
  }

  add(code: string, message: string, span: Span): void {
    if (this.#found.length < MAX_DIAGNOSTICS) this.#found.push({ code, message, span })
  }

  /** In order of position. */
  finish(): Diagnostic[] {
    const sorted = this.#found.sort((a, b) => a.span.from - b.span.from)
    let line = 1
    let lineStart = 0
    return sorted.map(({ code, message, span }) => {
      for (let end = this.#text.indexOf('\n', lineStart); end >= 0 && end < span.from; ) {
        line++
        lineStart = end + 1
        end = this.#text.indexOf('\n', lineStart)
      }
      const column = [...this.#text.slice(lineStart, span.from)].length + 1
      return { severity: 'error', code, message, line, column, span }
    })
  }
}

/** What the survey of a tree found before it is read. */
export interface Survey {
  readonly depth: number
  readonly nodes: number
  /** Keys of the nodes that error recovery left a hole in. */
  readonly broken: ReadonlySet<string>
}

/** One pass over the tree without recursion: measures it, and reports every place where recovery had to step in. */
export function survey(tree: Tree, text: string, diagnostics: Diagnostics): Survey {
  const broken = new Set<string>()
  const cursor = tree.cursor()
  let depth = 0
  let deepest = 0
  let nodes = 0
  for (;;) {
    nodes++
    if (cursor.type.isError) {
      const parent = cursor.node.parent
      if (parent !== null) broken.add(nodeKey(parent))
      diagnostics.add('syntax-error', describe(cursor, text), { from: cursor.from, to: cursor.to })
    } else if (unclosed[cursor.type.id] !== undefined) {
      diagnostics.add('unclosed', unclosed[cursor.type.id] as string, { from: cursor.from, to: cursor.to })
    }
    if (cursor.firstChild()) {
      depth++
      if (depth > deepest) deepest = depth
      continue
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return { depth: deepest, nodes, broken }
      depth--
    }
  }
}

const unclosed: Readonly<Record<number, string>> = {
  [term.UnclosedComment]: 'this comment is not closed; expected */',
  [term.UnclosedText]: 'this text is not closed; expected "',
  [term.UnclosedRegexp]: 'this regular expression is not closed; expected /',
}

/** What may stand within a node of this kind, or after the piece of it that has been read. */
const expected: Readonly<Record<string, string>> = {
  SourceFile: 'import or rule',
  Import: 'the name of a module in quotes',
  Include: 'a path in quotes',
  Rule: 'a rule: its name, tags, {, meta:, strings:, condition:, }',
  Tags: 'a tag',
  Meta: 'an entry such as author = "name"',
  MetaEntry: 'a text, a number, true or false',
  Strings: 'a string such as $name = "text"',
  StringDefinition: '= and a text, { hex } or /regexp/',
  StringModifier: 'the modifier to end',
  HexString: 'two hexadecimal digits, ?, ~, a jump [n-m], ( or }',
  HexOption: 'two hexadecimal digits, ?, ~, a jump [n-m], (, | or )',
  HexAlternatives: '| or )',
  HexJump: 'a jump: [n], [n-m], [n-] or [-]',
  Condition: 'an expression',
  Quantifier: 'any, all, none, a number or a percentage',
  Of: 'them or a set in parentheses',
  For: 'for … of strings or for … in values, then : and ( condition )',
  With: 'name = value, then : and ( condition )',
  Range: 'a range (from..to)',
  Set: 'an item of the set or )',
  Body: 'a condition and )',
}

/** After these, a rule goes on with these. */
const expectedInRule: Readonly<Record<string, string>> = {
  RuleModifier: 'rule',
  rule: 'the name of the rule',
  RuleName: ': with tags, or {',
  Tags: 'a tag or {',
  '{': 'meta:, strings: or condition:',
  Meta: 'strings: or condition:',
  Strings: 'a string, a modifier or condition:',
  Condition: 'an operator or }',
}

function describe(cursor: TreeCursor, text: string): string {
  const node = cursor.node
  const parent = node.parent?.name ?? 'SourceFile'
  const before = node.prevSibling?.name
  const wanted =
    (parent === 'Rule' && before !== undefined ? expectedInRule[before] : undefined) ??
    expected[parent] ??
    'an expression'
  const found = /\S+/.exec(text.slice(cursor.from, cursor.to > cursor.from ? cursor.to : cursor.from + 40))?.[0]
  const shown = found === undefined ? 'the end of the text' : found.length > 20 ? `${found.slice(0, 20)}…` : found
  return `expected ${wanted}, found ${shown}`
}
