/**
 * Problems in a YARA text, marked at their places as one types: what our parser finds at once in the browser, and what
 * the engine says after a pause, which the page hands in.
 */
import { forceLinting, linter, type Diagnostic as Mark } from '@codemirror/lint'
import { type EditorState, type Extension, StateEffect, StateField, type Text } from '@codemirror/state'
import type { EditorView } from '@codemirror/view'
// The parser alone; the face of src/yara also names what only Node can do.
import { parse } from '../../../src/yara/parse.ts'
import type { Diagnostic } from '../api/rulesets.ts'

/** What the server said, and of which text: it says nothing about another. */
export interface ServerVerdict {
  readonly content: string
  readonly diagnostics: readonly Diagnostic[]
}

const PARSE_PAUSE_MS = 250
/** Characters; parsing a longer text would hold up who types it, so that the server alone looks at it. */
const LONGEST_PARSED = 256 * 1024

const setVerdict = StateEffect.define<ServerVerdict | null>()

const verdictField = StateField.define<ServerVerdict | null>({
  create: () => null,
  update: (verdict, transaction) =>
    transaction.effects.reduce((held, effect) => (effect.is(setVerdict) ? effect.value : held), verdict),
})

export function yaraDiagnostics(onFound: (diagnostics: readonly Diagnostic[]) => void): Extension {
  const find = (view: EditorView): Mark[] => {
    const found = problemsOf(view.state)
    onFound(found)
    return found.map((diagnostic) => markOf(view.state, diagnostic))
  }
  return [
    verdictField,
    linter(find, {
      delay: PARSE_PAUSE_MS,
      needsRefresh: ({ transactions }) =>
        transactions.some(({ effects }) => effects.some((effect) => effect.is(setVerdict))),
    }),
  ]
}

/** Shows what the server said, as long as the text is the one that it speaks of. */
export function showVerdict(view: EditorView, verdict: ServerVerdict | null): void {
  view.dispatch({ effects: setVerdict.of(verdict) })
  forceLinting(view)
}

/** The engine knows more than our parser, so where it has spoken it is heard alone. */
function problemsOf(state: EditorState): readonly Diagnostic[] {
  const verdict = state.field(verdictField)
  const isLong = state.doc.length > LONGEST_PARSED
  if (isLong && verdict?.content.length !== state.doc.length) return []
  const text = state.doc.toString()
  if (verdict?.content === text) return verdict.diagnostics
  return isLong ? [] : parse(text).diagnostics
}

function markOf(state: EditorState, diagnostic: Diagnostic): Mark {
  const from = placeOf(state.doc, diagnostic)
  return {
    from,
    to: endOf(state, from),
    severity: diagnostic.severity,
    source: diagnostic.code,
    message: diagnostic.message,
  }
}

/** Lines and columns are from 1, columns in characters; a place beyond the text is its end. */
export function placeOf(doc: Text, { line, column }: Pick<Diagnostic, 'line' | 'column'>): number {
  if (line > doc.lines) return doc.length
  const { from, text } = doc.line(Math.max(1, line))
  const before = [...text].slice(0, Math.max(0, column - 1)).join('')
  return from + before.length
}

/** The end of the word at the place, so that the mark can be seen. */
function endOf(state: EditorState, from: number): number {
  const line = state.doc.lineAt(from)
  const word = /^(?:[$#@!]?\w+|"(?:[^"\\]|\\.)*"?|\S)/.exec(line.text.slice(from - line.from))?.[0] ?? ''
  return Math.min(line.to, from + Math.max(1, word.length))
}
