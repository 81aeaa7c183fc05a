import { type ReactNode, useEffect, useRef, useState } from 'react'
import type { Diagnostic, Revision } from '../../api/rulesets.ts'
import { useUser } from '../../api/session.ts'
import { type Draft, dropDraft, readDraft, useKeptDraft } from '../../editor/draft.ts'
import { DraftNotice } from '../../editor/draft-notice.tsx'
import { YaraEditor, type YaraEditorHandle } from '../../editor/yara-editor.tsx'
import { Button } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { Select } from '../../parts/field.tsx'
import { counted } from '../../parts/numbers.ts'
import { ConflictPanel } from './conflict-panel.tsx'
import { useExplanation } from './explanation.ts'
import { TextMeaning } from './text-meaning.tsx'
import { type TrialScope, useTrial } from './trial.ts'
import { TrialPanel } from './trial-panel.tsx'
import styles from './workbench.module.css'

const scopes = [
  { id: 'everything', title: 'everything' },
  { id: 'goodware', title: 'goodware only' },
] as const satisfies readonly { id: TrialScope; title: string }[]

export interface SaveHow {
  /** Rules that do not compile are left out, and the others run. */
  readonly partial: boolean
}

export interface WorkbenchProps {
  /** Under what the draft is kept. */
  readonly draftName: string
  /** What a new text begins with. */
  readonly given?: string
  /** What a trial is called. */
  readonly title: string
  /** What the server has; null for a new ruleset. */
  readonly saved: Pick<Revision, 'number' | 'author' | 'content'> | null
  readonly isReadOnly?: boolean
  /** Something beside the text is to be saved. */
  readonly hasMoreToSave?: boolean
  readonly isSaving: boolean
  /** Saves a text that was made of the revision `replaces`. Resolves with its own number, or null: it was not stored. */
  readonly onSave: (text: string, replaces: number, how: SaveHow) => Promise<number | null>
  /** The line that is shown first. */
  readonly line?: number
  /** In front of the buttons: what else a save needs. */
  readonly children?: ReactNode
}

/** Where a ruleset is written: the editor, beside it what the text means and costs, below it what it finds. */
export function Workbench({
  draftName,
  given,
  title,
  saved,
  isReadOnly = false,
  hasMoreToSave = false,
  isSaving,
  onSave,
  line = 0,
  children,
}: WorkbenchProps) {
  const user = useUser()
  const savedText = saved?.content ?? ''
  const savedNumber = saved?.number ?? 0
  const [draft, setDraft] = useState<Draft | null>(() => differing(readDraft(user.name, draftName), savedText))
  const [text, setText] = useState(draft?.text ?? given ?? savedText)
  // What the text was made of: another revision may be saved by somebody else at any moment.
  const [base, setBase] = useState(() => ({
    revision: draft?.revision ?? savedNumber,
    text: draft === null ? savedText : null,
  }))
  const [diagnostics, setDiagnostics] = useState<readonly Diagnostic[]>([])
  const [scope, setScope] = useState<TrialScope>('everything')
  const [wantsPartial, setWantsPartial] = useState(false)
  const isBroken = diagnostics.some(({ severity }) => severity === 'error')
  const isPartial = isBroken && wantsPartial
  const [isGoodwareFirst, setGoodwareFirst] = useGoodwareFirst()
  const [isChecking, setChecking] = useState(false)
  /** Matches on goodware, while it is asked whether the text is to be saved all the same. */
  const [falsePositives, setFalsePositives] = useState(0)
  const editor = useRef<YaraEditorHandle>(null)
  const explanation = useExplanation(text)
  const { trial, begin, stop, close } = useTrial()
  const isOutdated = base.revision < savedNumber
  const isUntouched = text === base.text
  const isChanged = text !== savedText && !isUntouched
  const isConflict = isOutdated && isChanged && !isReadOnly

  useKeptDraft(user.name, draftName, text, { text: savedText, revision: base.revision })
  useEffect(() => {
    if (!isOutdated || isConflict) return
    setBase({ revision: savedNumber, text: savedText })
    if (isUntouched) editor.current?.replace(savedText)
  }, [isOutdated, isConflict, isUntouched, savedNumber, savedText])

  useEffect(() => {
    if (line > 0) editor.current?.goTo({ line, column: 1 })
  }, [line])

  const goOnWith = (next: string) => {
    setBase({ revision: savedNumber, text: savedText })
    setDraft(null)
    if (next !== text) editor.current?.replace(next)
  }
  const save = async (isSure = false) => {
    if (isReadOnly || isConflict || isSaving || isChecking || text.trim() === '') return
    if (isGoodwareFirst && !isSure) {
      setChecking(true)
      const hunt = await begin(title, text, { scope: 'goodware', isPartial })
      setChecking(false)
      // What could not be tried shows why below; what was stopped is not saved either.
      if (hunt?.state !== 'completed') return
      if (hunt.matches > 0) return setFalsePositives(hunt.matches)
    }
    const number = await onSave(text, base.revision, { partial: isPartial })
    if (number === null) return
    setBase({ revision: number, text })
    dropDraft(user.name, draftName)
    setDraft(null)
  }
  const tryIt = () => void begin(title, text, { scope, isPartial })

  return (
    <div className={styles.workbench}>
      <div className={styles.bar}>
        {children}
        <span className={styles.state} aria-live="polite">
          {isReadOnly ? 'Read only' : isChanged || hasMoreToSave ? 'Not saved yet' : ''}
        </span>
        {isBroken && (
          <label className={styles.check}>
            <input type="checkbox" checked={wantsPartial} onChange={() => setWantsPartial(!wantsPartial)} />
            Run what compiles
          </label>
        )}
        {!isReadOnly && (
          <label className={styles.check} title="What is classified or tagged as goodware is hunted over before a save">
            <input type="checkbox" checked={isGoodwareFirst} onChange={() => setGoodwareFirst(!isGoodwareFirst)} />
            Check goodware before saving
          </label>
        )}
        <Select label="On" value={scope} options={scopes} onChange={setScope} />
        <Button onPress={tryIt} isDisabled={text.trim() === ''}>
          Test rules
        </Button>
        {!isReadOnly && (
          <Button
            weight="main"
            onPress={() => void save()}
            isDisabled={isSaving || isChecking || isConflict || !(isChanged || hasMoreToSave) || text.trim() === ''}
          >
            {isSaving ? 'Saving …' : isChecking ? 'Checking goodware …' : 'Save'}
          </Button>
        )}
      </div>
      {draft && isChanged && !isReadOnly && (
        <DraftNotice draft={draft} drop="Go back to what is saved" onDrop={() => goOnWith(savedText)} />
      )}
      {saved && isConflict && (
        <ConflictPanel name={draftName} mine={text} base={base.revision} theirs={saved} onDecided={goOnWith} />
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
      <Confirmation
        title="Save rules that match goodware?"
        action="Save all the same"
        isOpen={falsePositives > 0}
        isBusy={isSaving}
        onClose={() => setFalsePositives(0)}
        onConfirm={() => {
          setFalsePositives(0)
          void save(true)
        }}
      >
        <p>
          {counted(falsePositives, 'match', 'matches')} on goodware: the list below the editor has them with their
          strings.
        </p>
      </Confirmation>
      {!isReadOnly && (
        <p className={styles.keys}>
          <kbd>Ctrl</kbd> <kbd>S</kbd> saves, <kbd>Ctrl</kbd> <kbd>Enter</kbd> tests, <kbd>Ctrl</kbd> <kbd>Space</kbd>{' '}
          completes, <kbd>Esc</kbd> <kbd>Tab</kbd> leaves the editor.
        </p>
      )}
    </div>
  )
}

const differing = (draft: Draft | null, text: string): Draft | null => (draft && draft.text !== text ? draft : null)

const GOODWARE_FIRST = 'backtrail.goodware-first'

/** Kept in this browser, for all rulesets. */
function useGoodwareFirst() {
  const [isOn, setOn] = useState(() => {
    try {
      return localStorage.getItem(GOODWARE_FIRST) === 'true'
    } catch {
      return false
    }
  })
  const change = (next: boolean) => {
    setOn(next)
    try {
      localStorage.setItem(GOODWARE_FIRST, String(next))
    } catch {
      // Without storage it holds until the page is left.
    }
  }
  return [isOn, change] as const
}
