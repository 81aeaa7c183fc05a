import { type RefObject, useEffect, useState } from 'react'
import type { YaraEditorHandle } from '../../editor/yara-editor.tsx'
import { count, counted } from '../../parts/numbers.ts'
import styles from './outline.module.css'

/** After the text has changed. */
const PAUSE_MS = 300
const SHOWN = 500

/** The rules of a text, each with the way to it. Looked up only while it is open: a text can have 15,000. */
export function Outline({
  text,
  editor,
}: {
  readonly text: string
  readonly editor: RefObject<YaraEditorHandle | null>
}) {
  const [isOpen, setOpen] = useState(false)
  const [rules, setRules] = useState<ReturnType<YaraEditorHandle['rules']>>([])
  // biome-ignore lint/correctness/useExhaustiveDependencies: the editor is asked again when its text has changed
  useEffect(() => {
    if (!isOpen) return
    const timer = setTimeout(() => setRules(editor.current?.rules() ?? []), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [isOpen, text, editor])
  return (
    <details
      className={styles.outline}
      onToggle={({ currentTarget }) => {
        setOpen(currentTarget.open)
        if (currentTarget.open) setRules(editor.current?.rules() ?? [])
      }}
    >
      <summary>Outline{isOpen && `: ${counted(rules.length, 'rule')}`}</summary>
      <ul>
        {rules.slice(0, SHOWN).map((rule) => (
          <li key={rule.line * 1_000_000 + rule.column}>
            <button type="button" onClick={() => editor.current?.goTo(rule)}>
              <code>{rule.name}</code> <span>{rule.line}</span>
            </button>
          </li>
        ))}
        {rules.length > SHOWN && <li>and {count(rules.length - SHOWN)} more</li>}
      </ul>
    </details>
  )
}
