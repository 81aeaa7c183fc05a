/*
 * From the text of a ruleset to its syntax tree, in three steps.
 *
 * 1. Lezer's generated parser (yara.grammar) makes a tree of nodes over the text. It never fails: where a word does not
 *    fit, it leaves out or makes up what it needs and marks the place with an error node.
 * 2. A survey (diagnostics.ts) walks that tree once, holds it to the budget, and turns error nodes into diagnostics.
 * 3. The readers (rules.ts, conditions.ts, hex-string.ts, regexp.ts, literals.ts) walk it again and build the plain
 *    objects of syntax.ts, each function for one production of the grammar.
 *
 * For `$a and not #b > 1` step 1 gives
 *
 *     And(StringMatch(StringIdentifier), and, Not(not, Comparison(StringCount(CountIdentifier), CompareOperator, Integer)))
 *
 * and step 3
 *
 *     and
 *       stringMatch $a
 *       not
 *         comparison >
 *           stringCount $b
 *           integer 1
 *
 * What the parser must not do is object to a text that the engine accepts, and it need not object to all that the
 * engine refuses: types, unknown names and duplicates are the engine's to find. So the grammar accepts a little more.
 */
import type { Tree } from '@lezer/common'
import { defaultBudget, type ParseBudget } from './budget.ts'
import { beyond, Diagnostics, survey } from './diagnostics.ts'
import { parser } from './parser.generated.js'
import { readSourceFile } from './rules.ts'
import type { Rule, SourceFile, Span } from './syntax.ts'
import { TreeReader } from './tree-reader.ts'

/**
 * Parses a YARA text. Never throws: what cannot be understood becomes a diagnostic, and the rest of the text is read as
 * far as possible. A text beyond the budget gives no rules and one diagnostic with the code `budget-exceeded`; a rule that
 * nests too deep gives its name and modifiers only. `notUnderstood` of the text and of its rules says where what is given
 * may be less than what the engine sees.
 */
export function parse(source: string, budget: ParseBudget = defaultBudget): SourceFile {
  // Half a character becomes the character for "not one", as it does on its way to the engine; positions stay.
  const text = source.toWellFormed()
  if (text.length > budget.maxLength)
    return refused(text, `${text.length} characters, of at most ${budget.maxLength}`, 0)
  const tree = treeOf(text)
  if (tree === null) return refused(text, `nested more than ${budget.maxDepth} deep`, 0)
  const diagnostics = new Diagnostics(text)
  const { broken, tooDeep, excess, hasErrors } = survey(tree, text, budget, diagnostics)
  if (excess !== null) return refused(text, excess.what, excess.at)
  const places: number[] = []
  const file = readSourceFile({
    tree: new TreeReader(tree, text, broken),
    budget,
    tooDeep,
    depth: 0,
    complain: (code, message, span) => {
      diagnostics.add(code, message, span)
      // What is too much or too large has become `unknown` where it stands.
      if (code !== 'budget-exceeded' && code !== 'integer-range') places.push(span.from)
    },
  })
  const { rules, isAllIn } = withComplaints(file.rules, places)
  const hasSameNames = new Set(rules.map(({ name }) => name)).size < rules.length
  return {
    ...file,
    rules,
    diagnostics: diagnostics.finish(),
    notUnderstood: hasErrors || hasSameNames || !isAllIn ? 'the parser does not know a part of the text' : null,
  }
}

/** Marks the rules that hold one of the places, which ascend; and tells whether every place lies in a rule. */
function withComplaints(rules: readonly Rule[], places: readonly number[]): { rules: Rule[]; isAllIn: boolean } {
  let at = 0
  let isAllIn = true
  const marked = rules.map((rule) => {
    for (; (places[at] ?? Number.POSITIVE_INFINITY) < rule.span.from; at++) isAllIn = false
    const first = at
    while (isWithin(places[at], rule.span)) at++
    return at === first ? rule : { ...rule, notUnderstood: 'the parser does not know a part of the rule' }
  })
  return { rules: marked, isAllIn: isAllIn && at === places.length }
}

function isWithin(place: number | undefined, { from, to }: Span): boolean {
  return place !== undefined && place >= from && place < to
}

/** Null for a text nested some thousand levels deep, where building the tree takes more stack than there is. */
function treeOf(text: string): Tree | null {
  try {
    return parser.parse(text)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

function refused(text: string, what: string, at: number): SourceFile {
  const diagnostics = new Diagnostics(text)
  diagnostics.add('budget-exceeded', beyond(what), { from: at, to: at })
  const notUnderstood = `the text is more than the parser takes on (${what})`
  return { imports: [], includes: [], rules: [], diagnostics: diagnostics.finish(), notUnderstood }
}
