import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import type { Diagnostic, Revision } from '../../api/rulesets.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { type Draft, dropDraft, keepDraft, readDraft, useKeptDraft } from '../../editor/draft.ts'
import { DraftNotice } from '../../editor/draft-notice.tsx'
import { YaraEditor, type YaraEditorHandle } from '../../editor/yara-editor.tsx'
import { useAddressState } from '../../parts/address-state.ts'
import { Button } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { TABLE_FROM, useMedia } from '../../parts/media.ts'
import { counted } from '../../parts/numbers.ts'
import { adviceNotes } from './advice-notes.ts'
import { ConflictPanel } from './conflict-panel.tsx'
import { CostNotice } from './cost-notice.tsx'
import { useExplanation } from './explanation.ts'
import { useRun } from './run.ts'
import { RunPanel } from './run-panel.tsx'
import { type OnSave, useSave } from './save.ts'
import { useScope } from './scope.ts'
import { ScopeBar } from './scope-bar.tsx'
import { TextMeaning } from './text-meaning.tsx'
import styles from './workbench.module.css'

export interface WorkbenchProps {
  /** Under what the draft is kept. */
  readonly draftName: string
  /** What a new text begins with. */
  readonly given?: string
  /** What a run is called, and under what the text goes on when it is saved; may be empty. */
  readonly title: string
  /** What the server has; null for a text that is no ruleset yet. */
  readonly saved: Pick<Revision, 'number' | 'author' | 'content'> | null
  readonly isReadOnly?: boolean
  /** Something beside the text is to be saved. */
  readonly hasMoreToSave?: boolean
  readonly isSaving: boolean
  readonly onSave: OnSave
  /** Whether all is there that a save needs besides the text; shows what is missing. Asked before anything is done. */
  readonly isReadyToSave?: () => boolean
  /** The line that is shown first. */
  readonly line?: number
  /** In front of the buttons: what else a save needs. */
  readonly children?: ReactNode
}

/** In the address, so that a reload brings them back. */
const initial = { run: 0, partial: false }

/**
 * Where a text is written, run and saved, whether it is a ruleset already or not: which samples it is run over, the
 * editor, beside it what the text means and costs, below it what it finds.
 */
export function Workbench({
  draftName,
  given = '',
  title,
  saved,
  isReadOnly = false,
  hasMoreToSave = false,
  isSaving,
  onSave,
  isReadyToSave = () => true,
  line = 0,
  children,
}: WorkbenchProps) {
  const user = useUser()
  const savedText = saved?.content ?? ''
  const savedNumber = saved?.number ?? 0
  /** What a text is without anything that was written here. */
  const origin = saved === null ? given : savedText
  const [draft, setDraft] = useState<Draft | null>(() => differing(readDraft(user.name, draftName), origin))
  const [text, setText] = useState(draft?.text ?? origin)
  /** What is typed while a save is under way is not in what that save sees. */
  const latest = useRef(text)
  // What the text was made of: another revision may be saved by somebody else at any moment.
  const [base, setBase] = useState(() => ({
    revision: draft?.revision ?? savedNumber,
    text: draft === null && saved !== null ? savedText : null,
  }))
  const [diagnostics, setDiagnostics] = useState<readonly Diagnostic[]>([])
  const [{ run: shownRun, partial: wantsPartial }, setAddress] = useAddressState(initial)
  const isBroken = diagnostics.some(({ severity }) => severity === 'error')
  const isPartial = isBroken && wantsPartial
  /** A new text is stored, and its page is on the way: what would be typed here now would be lost. */
  const [isGone, setGone] = useState(false)
  const editor = useRef<YaraEditorHandle>(null)
  const isWide = useMedia(`(min-width: ${TABLE_FROM}px)`)
  const scope = useScope()
  const explanation = useExplanation(text, scope.settled)
  const { run, begin, stop, keep, close } = useRun(shownRun, (id) => setAddress({ run: id }, { replace: true }))
  const notes = useMemo(() => adviceNotes(explanation.explained), [explanation.explained])
  const isOutdated = base.revision < savedNumber
  const isUntouched = text === base.text
  const isChanged = text !== savedText && !isUntouched
  const isConflict = isOutdated && isChanged && !isReadOnly
  const mayRun = mayWork(user)
  const canRun = mayRun && text.trim() !== '' && !scope.isEmpty && !scope.isQueryWrong

  const callOff = useKeptDraft(user.name, isGone ? title : draftName, text, {
    text: base.text ?? origin,
    revision: base.revision,
  })
  const saving = useSave({
    title,
    begin,
    onSave,
    onStored: (stored, revision) => {
      setBase({ revision, text: stored.text })
      setDraft(null)
      setGone(saved === null)
      callOff()
      dropDraft(user.name, draftName)
      if (latest.current === stored.text) return
      keepDraft(user.name, title, { text: latest.current, revision, changed: Date.now() })
    },
  })
  const isBusy = isSaving || saving.isChecking || isGone
  const canHunt = canRun && !saving.isChecking

  useEffect(() => {
    if (!isOutdated || isConflict) return
    setBase({ revision: savedNumber, text: savedText })
    if (isUntouched) editor.current?.replace(savedText)
  }, [isOutdated, isConflict, isUntouched, savedNumber, savedText])

  useEffect(() => {
    if (line > 0) editor.current?.goTo({ line, column: 1 })
  }, [line])

  const write = (next: string) => {
    latest.current = next
    setText(next)
  }
  const goOnWith = (next: string) => {
    setBase({ revision: savedNumber, text: savedText })
    setDraft(null)
    if (next !== text) editor.current?.replace(next)
  }
  const save = () => {
    if (isReadOnly || isConflict || isBusy || text.trim() === '' || !isReadyToSave()) return
    void saving.save({ text, replaces: base.revision, isPartial })
  }
  const hunt = (mostRead?: number) => {
    // Another run would end the check, and with it the save.
    if (!canHunt) return
    const { selection } = scope
    void begin({ content: text, title, selection, isPartial, ...(mostRead !== undefined && { mostRead }) })
  }

  return (
    <div className={styles.workbench}>
      <div className={styles.bar}>
        {children}
        <span className={styles.state} aria-live="polite">
          {isReadOnly ? 'Read only' : isChanged || hasMoreToSave ? 'Not saved yet' : ''}
        </span>
        {isBroken && (
          <label className={styles.check} title="Rules that do not compile are left out; the results list them">
            <input
              type="checkbox"
              checked={wantsPartial}
              onChange={() => setAddress({ partial: !wantsPartial }, { replace: true })}
            />
            Run what compiles
          </label>
        )}
        {!isReadOnly && (
          <label className={styles.check} title="What is classified or tagged as goodware is hunted over before a save">
            <input
              type="checkbox"
              checked={saving.isGoodwareFirst}
              onChange={() => saving.setGoodwareFirst(!saving.isGoodwareFirst)}
            />
            Check goodware before saving
          </label>
        )}
        {!isReadOnly && (
          <Button
            onPress={save}
            isDisabled={isBusy || isConflict || !(isChanged || hasMoreToSave) || text.trim() === ''}
          >
            {isSaving ? 'Saving …' : saving.isChecking ? 'Checking goodware …' : 'Save'}
          </Button>
        )}
        {mayRun && (
          <Button weight="main" onPress={() => hunt()} isDisabled={!canHunt}>
            Hunt
          </Button>
        )}
      </div>
      <ScopeBar scope={scope} isOpenAtFirst={saved === null && isWide} />
      {explanation.isCurrent && explanation.explained?.explanation && mayRun && (
        <CostNotice
          explanation={explanation.explained.explanation}
          onGoTo={(place) => editor.current?.goTo(place)}
          onLeaveOut={hunt}
          isDisabled={!canHunt}
        />
      )}
      {draft && isChanged && !isReadOnly && (
        <DraftNotice draft={draft} drop={dropWords(saved !== null, given)} onDrop={() => goOnWith(origin)} />
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
            isReadOnly={isReadOnly || isGone}
            verdict={explanation.verdict}
            notes={explanation.isCurrent ? notes : null}
            onChange={write}
            onDiagnostics={setDiagnostics}
            onSave={save}
            onTry={() => hunt()}
          />
        </div>
        <TextMeaning
          text={text}
          diagnostics={diagnostics}
          explanation={explanation}
          whole={scope.isNarrowed ? 'what is selected' : 'the corpus'}
          editor={editor}
        />
      </div>
      {run && <RunPanel run={run} onStop={() => void stop()} onNamed={keep} onClose={close} />}
      <Confirmation
        title="Save rules that match goodware?"
        action="Save all the same"
        isOpen={saving.falsePositives > 0}
        isBusy={isSaving}
        onClose={saving.keepAsItIs}
        onConfirm={saving.saveAllTheSame}
      >
        <p>
          {counted(saving.falsePositives, 'match', 'matches')} on goodware: the list below the editor has them with
          their strings.
        </p>
      </Confirmation>
      {mayRun && (
        <p className={styles.keys}>
          {!isReadOnly && (
            <>
              <kbd>Ctrl</kbd> <kbd>S</kbd> saves,{' '}
            </>
          )}
          <kbd>Ctrl</kbd> <kbd>Enter</kbd> hunts, <kbd>Ctrl</kbd> <kbd>Space</kbd> completes, <kbd>Esc</kbd>{' '}
          <kbd>Tab</kbd> leaves the editor. Hunts of a visit are kept: the last two, and those that were renamed.
        </p>
      )}
    </div>
  )
}

const differing = (draft: Draft | null, text: string): Draft | null => (draft && draft.text !== text ? draft : null)

function dropWords(isSaved: boolean, given: string): string {
  if (isSaved) return 'Go back to what is saved'
  return given === '' ? 'Begin with an empty text' : 'Begin again'
}
