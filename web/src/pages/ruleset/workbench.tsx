import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Diagnostic } from '../../api/rulesets.ts'
import { useUser } from '../../api/session.ts'
import { YaraEditor, type YaraEditorHandle } from '../../editor/yara-editor.tsx'
import { Button } from '../../parts/button.tsx'
import { Select } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { type Draft, dropDraft, keepDraft, readDraft } from './draft.ts'
import { useExplanation } from './explanation.ts'
import { TextMeaning } from './text-meaning.tsx'
import { type TrialScope, useTrial } from './trial.ts'
import { TrialPanel } from './trial-panel.tsx'
import styles from './workbench.module.css'

const KEEP_PAUSE_MS = 300
const scopes = [
  { id: 'everything', title: 'everything' },
  { id: 'goodware', title: 'goodware only' },
] as const satisfies readonly { id: TrialScope; title: string }[]

export interface WorkbenchProps {
  /** Under what the draft is kept. */
  readonly draftName: string
  /** What a trial is called. */
  readonly title: string
  /** What the server has, and its number; empty and 0 for a new ruleset. */
  readonly saved: { readonly text: string; readonly revision: number }
  readonly isReadOnly?: boolean
  /** Something beside the text is to be saved. */
  readonly hasMoreToSave?: boolean
  readonly isSaving: boolean
  /** Saves, and resolves with whether the text was stored. */
  readonly onSave: (text: string) => Promise<boolean>
  /** In front of the buttons: what else a save needs. */
  readonly children?: ReactNode
}

/** Where a ruleset is written: the editor, beside it what the text means and costs, below it what it finds. */
export function Workbench({
  draftName,
  title,
  saved,
  isReadOnly = false,
  hasMoreToSave = false,
  isSaving,
  onSave,
  children,
}: WorkbenchProps) {
  const user = useUser()
  const [draft, setDraft] = useState<Draft | null>(() => differing(readDraft(user.name, draftName), saved.text))
  const [text, setText] = useState(draft?.text ?? saved.text)
  const [diagnostics, setDiagnostics] = useState<readonly Diagnostic[]>([])
  const [scope, setScope] = useState<TrialScope>('everything')
  const editor = useRef<YaraEditorHandle>(null)
  const explanation = useExplanation(text)
  const { trial, begin, stop, close } = useTrial()
  const isChanged = text !== saved.text

  useDraft(user.name, draftName, text, saved)

  const save = async () => {
    if (isReadOnly || text.trim() === '') return
    if (await onSave(text)) {
      dropDraft(user.name, draftName)
      setDraft(null)
    }
  }
  const tryIt = () => void begin(title, text, scope)

  return (
    <div className={styles.workbench}>
      <div className={styles.bar}>
        {children}
        <span className={styles.state} aria-live="polite">
          {isReadOnly ? 'Read only' : isChanged || hasMoreToSave ? 'Not saved yet' : ''}
        </span>
        <Select label="On" value={scope} options={scopes} onChange={setScope} />
        <Button onPress={tryIt} isDisabled={text.trim() === ''}>
          Try it
        </Button>
        {!isReadOnly && (
          <Button
            weight="main"
            onPress={() => void save()}
            isDisabled={isSaving || !(isChanged || hasMoreToSave) || text.trim() === ''}
          >
            {isSaving ? 'Saving …' : 'Save'}
          </Button>
        )}
      </div>
      {draft && isChanged && !isReadOnly && (
        <DraftNotice
          draft={draft}
          revision={saved.revision}
          onDrop={() => {
            editor.current?.replace(saved.text)
            setDraft(null)
          }}
        />
      )}
      <div className={styles.desk}>
        <div className={styles.editor}>
          <YaraEditor
            ref={editor}
            label="YARA text"
            initialText={text}
            isReadOnly={isReadOnly}
            verdict={explanation.verdict}
            onChange={setText}
            onDiagnostics={setDiagnostics}
            onSave={() => void save()}
            onTry={tryIt}
          />
        </div>
        <TextMeaning text={text} diagnostics={diagnostics} explanation={explanation} editor={editor} />
      </div>
      {trial && <TrialPanel trial={trial} onStop={() => void stop()} onClose={close} />}
      {!isReadOnly && (
        <p className={styles.keys}>
          <kbd>Ctrl</kbd> <kbd>S</kbd> saves, <kbd>Ctrl</kbd> <kbd>Enter</kbd> tries, <kbd>Ctrl</kbd> <kbd>Space</kbd>{' '}
          completes, <kbd>Esc</kbd> <kbd>Tab</kbd> leaves the editor.
        </p>
      )}
    </div>
  )
}

const differing = (draft: Draft | null, text: string): Draft | null => (draft && draft.text !== text ? draft : null)

/** Keeps the text in the browser while it differs from what is saved. */
function useDraft(user: string, name: string, text: string, saved: WorkbenchProps['saved']): void {
  const isFirst = useRef(true)
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false
      return
    }
    const keep = () => {
      if (text === saved.text) dropDraft(user, name)
      else keepDraft(user, name, { text, revision: saved.revision, changed: Date.now() })
    }
    const timer = setTimeout(keep, KEEP_PAUSE_MS)
    // Leaving the page within the pause must not lose the last words.
    window.addEventListener('pagehide', keep)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('pagehide', keep)
    }
  }, [user, name, text, saved])
}

function DraftNotice({
  draft,
  revision,
  onDrop,
}: {
  readonly draft: Draft
  readonly revision: number
  readonly onDrop: () => void
}) {
  const isOutdated = draft.revision < revision
  return (
    <div className={styles.draft} role="status">
      <p>
        Your unsaved text of <Moment at={new Date(draft.changed).toISOString()} /> is back.
        {isOutdated && ` Meanwhile revision ${revision} was saved; saving yours makes a newer one.`}
      </p>
      <Button onPress={onDrop}>Go back to what is saved</Button>
    </div>
  )
}
