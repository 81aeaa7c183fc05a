import type { Tree, TreeCursor } from '@lezer/common'
import type { ParseBudget } from './budget.ts'
import * as term from './parser.generated.terms.js'
import type { Diagnostic, Span } from './syntax.ts'
import { nodeKey } from './tree-reader.ts'

/** A hostile text can be wrong everywhere; nobody reads more than this. */
const MAX_DIAGNOSTICS = 100

/** Collects diagnostics of one text and gives them lines and columns. */
export class Diagnostics {
  readonly #text: string
  readonly #severity: Diagnostic['severity']
  readonly #found: { code: string; message: string; span: Span }[] = []

  constructor(text: string, severity: Diagnostic['severity'] = 'error') {
    this.#text = text
    this.#severity = severity
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
      return { severity: this.#severity, code, message, line, column, span }
    })
  }
}

/** What the survey of a tree found before it is read. */
export interface Survey {
  /** Keys of the nodes that error recovery left a hole in. */
  readonly broken: ReadonlySet<string>
  /** Keys of the rules that nest deeper than the budget allows. */
  readonly tooDeep: ReadonlySet<string>
  /** What there is too much of in the whole text, and from where on; null for a tree within the budget. */
  readonly excess: { readonly what: string; readonly at: number } | null
  /** Recovery had to step in somewhere: the rules may be others than those of the engine. */
  readonly hasErrors: boolean
}

/**
 * One pass over the tree without recursion: holds it to the budget, and reports every place where recovery had to step
 * in. It leaves a rule where it nests too deep, since a walk over a very deep tree takes time in the square of its depth.
 */
export function survey(tree: Tree, text: string, budget: ParseBudget, diagnostics: Diagnostics): Survey {
  const broken = new Set<string>()
  const tooDeep = new Set<string>()
  let hasErrors = false
  const cursor = tree.cursor()
  // One mistake often makes recovery stumble again further on: the first in a rule is the one to tell.
  let reportedUpTo = -1
  let topLevelEnd = 0
  let depth = 0
  let nodes = 0
  for (;;) {
    nodes++
    if (nodes > budget.maxNodes)
      return { broken, tooDeep, hasErrors, excess: { what: `more than ${budget.maxNodes} nodes`, at: cursor.from } }
    if (depth === 1) topLevelEnd = cursor.to
    if (cursor.type.isError) {
      hasErrors = true
      const { parent } = cursor.node
      if (parent !== null) broken.add(nodeKey(parent))
      const isFirst = depth > 1 || cursor.node.prevSibling?.type.isError !== true
      if (isFirst && cursor.from > reportedUpTo) {
        diagnostics.add('syntax-error', describe(cursor, text), { from: cursor.from, to: cursor.to })
      }
      reportedUpTo = Math.max(reportedUpTo, topLevelEnd)
    } else if (unclosed[cursor.type.id] !== undefined) {
      hasErrors = true
      diagnostics.add('unclosed', unclosed[cursor.type.id] as string, { from: cursor.from, to: cursor.to })
    }
    if (cursor.firstChild()) {
      depth++
      if (depth <= budget.maxDepth) continue
      const what = `nested more than ${budget.maxDepth} deep`
      const at = cursor.from
      for (; depth > 1; depth--) cursor.parent()
      // Errors in what is not looked at may have hidden another rule.
      const holdsOneRule = cursor.type.id === term.Rule && text.slice(cursor.from, cursor.to).split(RULE).length === 2
      if (!holdsOneRule) return { broken, tooDeep, hasErrors, excess: { what, at } }
      tooDeep.add(nodeKey(cursor))
      diagnostics.add('budget-exceeded', beyond(what), { from: at, to: at })
    }
    while (!cursor.nextSibling()) {
      if (!cursor.parent()) return { broken, tooDeep, hasErrors, excess: null }
      depth--
    }
  }
}

/** The keyword, wherever it stands: a rule that names it in a text or a comment counts as two, which is the safe side. */
const RULE = /\brule\b/

/** The sentence of `budget-exceeded`. */
export function beyond(what: string): string {
  return `this is more than the parser takes on: ${what}`
}

const unclosed: Readonly<Record<number, string>> = {
  [term.UnclosedComment]: 'this comment is not closed; expected */',
  [term.UnclosedText]: 'this text is not closed; expected "',
  [term.UnclosedRegexp]: 'this regular expression is not closed; expected /',
}

/** What may stand in a node of this kind; or, after a slash, what may follow a part of it that has been read. */
const expected: Readonly<Record<string, string>> = {
  SourceFile: 'import or rule',
  Import: 'the name of a module in quotes',
  Include: 'a path in quotes',
  Rule: 'rule, global or private',
  'Rule/RuleModifier': 'rule',
  'Rule/rule': 'the name of the rule',
  'Rule/RuleName': ': with tags, or {',
  'Rule/Tags': 'a tag or {',
  'Rule/{': 'meta:, strings: or condition:',
  'Rule/Meta': 'strings: or condition:',
  'Rule/Strings': 'a string, a modifier or condition:',
  'Rule/Condition': 'an operator or }',
  RuleName: 'the name of the rule',
  Tags: 'a tag',
  Tag: 'a tag',
  Meta: ': and an entry such as author = "name"',
  'Meta/MetaEntry': 'another entry, strings: or condition:',
  MetaKey: 'an entry such as author = "name"',
  MetaEntry: 'a text, a number, true or false',
  'MetaEntry/MetaKey': '=',
  Strings: ': and a string such as $name = "text"',
  StringDefinition: 'a modifier, another string or condition:',
  'StringDefinition/StringIdentifier': '=',
  'StringDefinition/=': 'a text, { hex } or /regexp/',
  StringModifier: 'what the modifier needs, and )',
  HexString: 'two hexadecimal digits, ?, ~, a jump [n-m], ( or }',
  HexOption: 'two hexadecimal digits, ?, ~, a jump [n-m], (, | or )',
  HexAlternatives: 'two hexadecimal digits, ?, ~, a jump [n-m], (, | or )',
  HexJump: 'a jump: [n], [n-m], [n-] or [-]',
  Condition: 'an operator or }',
  'Condition/condition': ':',
  'Condition/:': 'an expression',
  Quantifier: 'any, all, none, a number or a percentage',
  Of: 'them or a set in parentheses',
  For: 'for … of strings or for … in values, then : and ( condition )',
  With: 'name = value, then : and ( condition )',
  Range: 'a range (from..to)',
  Set: 'a comma or )',
  'Set/(': 'an item of the set',
  'Set/,': 'an item of the set',
  Body: 'an operator or )',
  'Body/(': 'a condition',
  Parentheses: 'an operator or )',
  'Parentheses/(': 'an expression',
  Call: 'an operator, a comma or )',
  'Call/(': 'an expression or )',
  'Call/,': 'an expression',
}

function describe(cursor: TreeCursor, text: string): string {
  const { parent, prevSibling } = cursor.node
  const place = parent?.name ?? 'SourceFile'
  const wanted = expected[`${place}/${prevSibling?.name}`] ?? expected[place] ?? 'an expression'
  const found = /\S+/.exec(text.slice(cursor.from, cursor.to > cursor.from ? cursor.to : cursor.from + 40))?.[0]
  const shown = found === undefined ? 'the end of the text' : found.length > 20 ? `${found.slice(0, 20)}…` : found
  return `expected ${wanted}, found ${shown}`
}
