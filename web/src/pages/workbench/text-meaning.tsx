import type { RefObject } from 'react'
import type { Diagnostic } from '../../api/rulesets.ts'
import type { YaraEditorHandle } from '../../editor/yara-editor.tsx'
import type { useExplanation } from './explanation.ts'
import { Outline } from './outline.tsx'
import { PlanPanel } from './plan-panel.tsx'
import { Problems } from './problems.tsx'
import styles from './workbench.module.css'

/** Beside an editor: what is wrong with its text, and what hunting with it would read. */
export function TextMeaning({
  text,
  diagnostics,
  explanation: { explained, isChecked, isCurrent, error },
  whole,
  editor,
}: {
  readonly text: string
  readonly diagnostics: readonly Diagnostic[]
  readonly explanation: ReturnType<typeof useExplanation>
  /** Of what the plan's shares are: `the corpus`. */
  readonly whole: string
  readonly editor: RefObject<YaraEditorHandle | null>
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <aside className={styles.side} aria-label="What the text means" tabIndex={0}>
      <Problems
        diagnostics={diagnostics}
        isEmpty={text.trim() === ''}
        isChecked={isChecked}
        onGoTo={(place) => editor.current?.goTo(place)}
      />
      {text.trim() !== '' && <Outline text={text} editor={editor} />}
      <PlanPanel
        explanation={explained?.explanation}
        isCurrent={isCurrent}
        error={error}
        whole={whole}
        editor={editor}
      />
    </aside>
  )
}
