/** What the keyboard does with a YARA text besides writing: going to definitions, renaming, wrapping lines, formatting. */
import { ensureSyntaxTree, indentRange, syntaxTree } from '@codemirror/language'
import {
  type ChangeSpec,
  Compartment,
  EditorSelection,
  EditorState,
  type Extension,
  type StateCommand,
  type TransactionSpec,
} from '@codemirror/state'
import { type Command, EditorView, type KeyBinding, keymap } from '@codemirror/view'
import { symbolAt } from './symbols.ts'

/** Puts the cursor at the definition of the string or the rule that it is on. */
export const goToDefinition: StateCommand = ({ state, dispatch }) => {
  const definition = symbolAt(state, state.selection.main.head)?.definition
  if (!definition) return false
  dispatch(state.update(shown(definition.from)))
  return true
}

function shown(at: number): TransactionSpec {
  return { selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) }
}

/** Selects the name of a string or a rule wherever it stands, so that what is typed next is its new name everywhere. */
export const renameSymbol: StateCommand = ({ state, dispatch }) => {
  const head = state.selection.main.head
  const all = symbolAt(state, head)?.all ?? []
  if (state.readOnly || all.length === 0) return false
  const ranges = all.map(({ from, to }) => EditorSelection.range(from, to))
  const main = all.findIndex(({ from, to }) => from <= head && head <= to)
  dispatch(state.update({ selection: EditorSelection.create(ranges, Math.max(0, main)) }))
  return true
}

/** The longest that a text is parsed for its format. */
const PARSE_MS = 2_000

/** Indents every line by what it is in, and takes blanks from the ends of lines. Comments of several lines stay. */
export const formatText: StateCommand = ({ state, dispatch }) => {
  if (state.readOnly || ensureSyntaxTree(state, state.doc.length, PARSE_MS) === null) return false
  const changes: ChangeSpec[] = []
  indentRange(state, 0, state.doc.length).iterChanges((from, to, _, __, inserted) => {
    if (!isWithinComment(state, from)) changes.push({ from, to, insert: inserted })
  })
  for (let number = 1; number <= state.doc.lines; number++) {
    const line = state.doc.line(number)
    const end = line.text.trimEnd().length
    if (end > 0 && end < line.text.length && !isWithinComment(state, line.to))
      changes.push({ from: line.from + end, to: line.to })
  }
  if (changes.length > 0) dispatch(state.update({ changes, userEvent: 'format' }))
  return true
}

/** The offset lies within a comment of several lines. */
function isWithinComment(state: EditorState, offset: number): boolean {
  const { name, from, to } = syntaxTree(state).resolveInner(offset, 0)
  return /^(Block|Unclosed)Comment$/.test(name) && from < offset && offset < to
}

const WRAPS = 'backtrail.editor.wraps'
const wrapping = new Compartment()

const wrapsNow = (): boolean => localStorage.getItem(WRAPS) === 'yes'

/** Breaks long lines, or lets them run out of sight; the browser keeps which. */
const toggleWrapping: Command = (view) => {
  const wraps = !wrapsNow()
  localStorage.setItem(WRAPS, wraps ? 'yes' : 'no')
  view.dispatch({ effects: wrapping.reconfigure(wraps ? EditorView.lineWrapping : []) })
  return true
}

const keys: readonly KeyBinding[] = [
  { key: 'F12', run: goToDefinition },
  { key: 'F2', run: renameSymbol },
  { key: 'Shift-Alt-f', run: formatText },
  { key: 'Alt-z', run: toggleWrapping },
]

/** Keys of these commands, and Ctrl with a click for a definition. */
export function textCommands(): Extension {
  return [
    EditorState.allowMultipleSelections.of(true),
    wrapping.of(wrapsNow() ? EditorView.lineWrapping : []),
    keymap.of(keys),
    EditorView.domEventHandlers({
      mousedown(event, view) {
        if (!(event.ctrlKey || event.metaKey) || event.button !== 0) return false
        const offset = view.posAtCoords({ x: event.clientX, y: event.clientY })
        const definition = offset === null ? null : symbolAt(view.state, offset)?.definition
        if (!definition) return false
        view.dispatch(shown(definition.from))
        return true
      },
    }),
  ]
}
