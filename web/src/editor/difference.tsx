import { codeFolding, foldGutter } from '@codemirror/language'
import { unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import { useEffect, useRef } from 'react'
import { styleNonce } from '../api/nonce.ts'
import { editorLooks } from './looks.ts'
import { yara } from './yara-language.ts'
import './code-colours.css'

const differenceLooks = EditorView.theme({
  '.cm-changedLine, .cm-inlineChangedLine': { backgroundColor: 'var(--goodware-wash) !important' },
  '.cm-changedText, .cm-deletedText, .cm-deletedChunk .cm-deletedText': {
    background: 'none !important',
    textDecoration: 'underline',
    textUnderlineOffset: '3px',
  },
  '.cm-deletedChunk': { backgroundColor: 'var(--malicious-wash)', paddingLeft: '0.375rem' },
  '.cm-deletedLine, .cm-deletedChunk del': { textDecoration: 'none' },
  '.cm-changeGutter': { width: '3px' },
  '.cm-changedLineGutter': { backgroundColor: 'var(--goodware)' },
  '.cm-deletedLineGutter': { backgroundColor: 'var(--malicious)' },
  '.cm-collapsedLines': {
    color: 'var(--text-soft)',
    background: 'var(--sunken)',
    fontFamily: 'var(--font)',
  },
})

/** A text with what was there before: new lines marked, gone lines between them, unchanged stretches folded away. */
export function Difference({
  before,
  after,
  label,
}: {
  readonly before: string
  readonly after: string
  readonly label: string
}) {
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!place.current) return
    const view = new EditorView({
      parent: place.current,
      doc: after,
      extensions: [
        EditorView.cspNonce.of(styleNonce),
        EditorState.readOnly.of(true),
        EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true' }),
        lineNumbers(),
        foldGutter(),
        codeFolding(),
        yara(),
        editorLooks,
        // The first revision has nothing before it: all of it is simply its text.
        before === ''
          ? []
          : [
              unifiedMergeView({
                original: before,
                mergeControls: false,
                collapseUnchanged: { margin: 3, minSize: 6 },
              }),
              differenceLooks,
            ],
      ],
    })
    return () => view.destroy()
  }, [before, after, label])
  return <div ref={place} className="yara-editor" />
}
