import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit } from '@codemirror/language'
import { lintGutter, lintKeymap } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { Compartment, EditorState } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { type Ref, useEffect, useEffectEvent, useImperativeHandle, useRef } from 'react'
import { styleNonce } from '../api/nonce.ts'
import type { Diagnostic } from '../api/rulesets.ts'
import { completeYara } from './completion.ts'
import { placeOf, type ServerVerdict, showVerdict, yaraDiagnostics } from './diagnostics.ts'
import { type LineNote, lineNotes, showNotes } from './line-notes.ts'
import { editorLooks } from './looks.ts'
import { rulesOf } from './symbols.ts'
import { textCommands } from './text-commands.ts'
import { yara, yaraLanguage } from './yara-language.ts'
import './code-colours.css'

/** What a page can do with its editor. */
export interface YaraEditorHandle {
  /** Replaces the whole text; undo brings the old one back. */
  replace(text: string): void
  /** Puts the cursor at a problem and shows it. */
  goTo(place: Pick<Diagnostic, 'line' | 'column'>): void
  /** The rules of the text as it is now, each with its line. */
  rules(): readonly { readonly name: string; readonly line: number; readonly column: number }[]
}

export interface YaraEditorProps {
  readonly label: string
  /** What the editor begins with; later changes of it are not looked at. */
  readonly initialText: string
  readonly isReadOnly?: boolean
  readonly verdict: ServerVerdict | null
  /** Behind lines of the text; null while they are of an earlier text, and those shown stay. */
  readonly notes?: readonly LineNote[] | null
  readonly onChange: (text: string) => void
  readonly onDiagnostics: (diagnostics: readonly Diagnostic[]) => void
  readonly onSave: () => void
  readonly onTry: () => void
  readonly ref?: Ref<YaraEditorHandle>
}

/** Whether the text may be changed, which changes. */
const access = new Compartment()

/** As a key's command that nothing else may take up. */
const handled = (action: () => void) => () => {
  action()
  return true
}

/**
 * The editor of YARA texts. Tab indents; Escape and then Tab leaves it, as in every CodeMirror. Ctrl-S saves,
 * Ctrl-Enter tries.
 */
export function YaraEditor(props: YaraEditorProps) {
  const { label, initialText, isReadOnly = false, verdict, notes = null, ref } = props
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const onChange = useEffectEvent(props.onChange)
  const onDiagnostics = useEffectEvent(props.onDiagnostics)
  const onSave = useEffectEvent(props.onSave)
  const onTry = useEffectEvent(props.onTry)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new editor only for a new place; the text is its own
  useEffect(() => {
    if (!place.current) return
    const editor = new EditorView({
      parent: place.current,
      doc: initialText,
      extensions: [
        EditorView.cspNonce.of(styleNonce),
        access.of(EditorState.readOnly.of(isReadOnly)),
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
        keymap.of([
          { key: 'Mod-s', run: handled(onSave) },
          { key: 'Mod-Enter', run: handled(onTry) },
        ]),
        lineNumbers(),
        foldGutter(),
        codeFolding(),
        lintGutter(),
        highlightSpecialChars(),
        history(),
        drawSelection(),
        indentUnit.of('  '),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion(),
        yaraLanguage.data.of({ autocomplete: completeYara }),
        highlightActiveLine(),
        highlightActiveLineGutter(),
        highlightSelectionMatches(),
        search({ top: true }),
        keymap.of([
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...searchKeymap,
          ...historyKeymap,
          ...foldKeymap,
          ...completionKeymap,
          ...lintKeymap,
          indentWithTab,
        ]),
        textCommands(),
        yara(),
        lineNotes(),
        yaraDiagnostics((found) => onDiagnostics(found)),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) onChange(update.state.doc.toString())
        }),
        editorLooks,
      ],
    })
    view.current = editor
    return () => {
      view.current = null
      editor.destroy()
    }
  }, [])

  useEffect(() => {
    view.current?.dispatch({ effects: access.reconfigure(EditorState.readOnly.of(isReadOnly)) })
  }, [isReadOnly])

  useEffect(() => {
    if (view.current) showVerdict(view.current, verdict)
  }, [verdict])

  useEffect(() => {
    if (view.current && notes !== null) showNotes(view.current, notes)
  }, [notes])

  useImperativeHandle(ref, () => ({
    replace(text) {
      const editor = view.current
      editor?.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: text } })
    },
    goTo(where) {
      const editor = view.current
      if (!editor) return
      const at = placeOf(editor.state.doc, where)
      editor.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: 'center' }) })
      editor.focus()
    },
    rules() {
      const state = view.current?.state
      if (!state) return []
      return rulesOf(state).map(({ name, from }) => {
        const line = state.doc.lineAt(from)
        return { name, line: line.number, column: from - line.from + 1 }
      })
    },
  }))

  return <div ref={place} className="yara-editor" />
}
