import { defaultBudget, type ParseBudget } from './budget.ts'
import { Diagnostics, survey } from './diagnostics.ts'
import { parser } from './parser.generated.js'
import { readSourceFile } from './rules.ts'
import type { SourceFile, Span } from './syntax.ts'
import { TreeReader } from './tree-reader.ts'

/**
 * Parses a YARA text. Never throws: what cannot be understood becomes a diagnostic, and the rest of the text is read as
 * far as possible. A text beyond the budget gives no rules and one diagnostic with the code `budget-exceeded`.
 */
export function parse(text: string, budget: ParseBudget = defaultBudget): SourceFile {
  const diagnostics = new Diagnostics(text)
  const exceeded = (what: string, span: Span) =>
    diagnostics.add('budget-exceeded', `this is more than the parser takes on: ${what}`, span)
  const nothing = () => ({ imports: [], includes: [], rules: [], diagnostics: diagnostics.finish() })

  if (text.length > budget.maxLength) {
    exceeded(`${text.length} characters, of at most ${budget.maxLength}`, { from: 0, to: 0 })
    return nothing()
  }
  const tree = parser.parse(text)
  const { depth, nodes, broken } = survey(tree, text, diagnostics)
  if (depth > budget.maxDepth || nodes > budget.maxNodes) {
    const what = depth > budget.maxDepth ? `nested ${depth} deep, of at most ${budget.maxDepth}` : `${nodes} nodes`
    exceeded(what, { from: 0, to: 0 })
    return nothing()
  }
  const file = readSourceFile({
    tree: new TreeReader(tree, text, broken),
    budget,
    complain: (code, message, span) => diagnostics.add(code, message, span),
    exceeded,
  })
  return { ...file, diagnostics: diagnostics.finish() }
}
