import { useEffect, useMemo, useRef, useState } from 'react'
import { useNavigate, useSearchParams } from 'react-router'
import { parseQuery } from '../../../../src/query/index.ts'
import { type Selected, type Selection, useSelected, useStartHunt } from '../../api/hunts.ts'
import type { Diagnostic } from '../../api/rulesets.ts'
import { useFileTypes } from '../../api/samples.ts'
import { useUser } from '../../api/session.ts'
import { dropDraft, readDraft, useKeptDraft } from '../../editor/draft.ts'
import { DraftNotice } from '../../editor/draft-notice.tsx'
import { YaraEditor, type YaraEditorHandle } from '../../editor/yara-editor.tsx'
import { useAddressState } from '../../parts/address-state.ts'
import { type ClassificationName, classifications } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Select, TextField } from '../../parts/field.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { bytes, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { QueryField } from '../../parts/query-field.tsx'
import { noneOf } from '../hunt/selection-words.ts'
import { useExplanation } from '../ruleset/explanation.ts'
import { TextMeaning } from '../ruleset/text-meaning.tsx'
import bench from '../ruleset/workbench.module.css'
import { CostNotice } from './cost-notice.tsx'
import styles from './new-hunt-page.module.css'

const TYPING_PAUSE_MS = 300
const anyOrOne = [{ id: 'all', title: 'all' }, ...classifications.map((id) => ({ id, title: id }))] as const

/** Under which the text is kept: no ruleset has this name. */
const DRAFT = '/hunts/new'

/** In the address, so that going back and reloading keep it. */
const nothing = {
  title: '',
  classification: 'all',
  type: 'all',
  tag: '',
  name: '',
  from: '',
  to: '',
  query: '',
  partial: false,
}
type Asked = typeof nothing

/** An ad-hoc hunt with a text and a part of the corpus. */
export function Component() {
  const user = useUser()
  const { given, key } = useGivenText()
  const [draft, setDraft] = useState(() => readDraft(user.name, key))
  const [text, setText] = useState(draft?.text ?? given)
  const [asked, setAsked] = useAddressState<Asked>(nothing)
  const [diagnostics, setDiagnostics] = useState<readonly Diagnostic[]>([])
  const editor = useRef<YaraEditorHandle>(null)
  const selection = useMemo(() => selectionOf(asked), [asked])
  const settled = useSettled(selection)
  const selected = useSelected(settled)
  const explanation = useExplanation(text, settled)
  const types = useFileTypes()
  const start = useStartHunt()
  const navigate = useNavigate()
  const change = (changes: Partial<Asked>) => setAsked(changes, { replace: true })
  const isEmpty = selected.data?.samples === 0
  useKeptDraft(user.name, key, text, { text: given, revision: 0 })

  const isBroken = diagnostics.some(({ severity }) => severity === 'error')
  // What is typed and what the address has may differ: a wrong query does not get there.
  const [isQueryWrong, setQueryWrong] = useState(false)

  const hunt = (mostRead?: number) => {
    if (text.trim() === '' || isEmpty || isQueryWrong) return
    start.mutate(
      {
        rules: [{ name: 'rules', content: text }],
        ...(asked.title !== '' && { title: asked.title }),
        selection,
        ...(isBroken && asked.partial && { partial: true }),
        ...(mostRead !== undefined && { most_read: mostRead, costly: 'leave-out' }),
      },
      {
        onError: notifyFailed,
        onSuccess({ id }) {
          if (given !== '') dropDraft(user.name, key)
          void navigate(`/hunts/${id}`)
        },
      },
    )
  }
  return (
    <>
      <PageHead
        title="New hunt"
        about="What does this text find among the stored samples? Nothing is saved but the hunt."
        actions={
          <Button
            weight="main"
            onPress={() => hunt()}
            isDisabled={start.isPending || isEmpty || isQueryWrong || text.trim() === ''}
          >
            Start the hunt
          </Button>
        }
      />
      <div className={styles.fields}>
        <TextField label="Title" value={asked.title} onChange={(title) => change({ title })} />
        <TextField
          label="Name like"
          value={asked.name}
          onChange={(name) => change({ name })}
          hint="* and ? stand for others"
        />
        <TextField label="Tag" value={asked.tag} onChange={(tag) => change({ tag })} />
        <TextField label="Seen from" type="date" value={asked.from} onChange={(from) => change({ from })} />
        <TextField label="Seen until" type="date" value={asked.to} onChange={(to) => change({ to })} />
        <div className={styles.query}>
          <QueryField
            value={asked.query}
            label="Samples that fulfil a query"
            placeholder="size:>1MB OR tag:seen"
            onChange={(query) => change({ query })}
            onProblem={setQueryWrong}
          />
        </div>
        <Select
          label="Classification"
          value={asked.classification}
          options={anyOrOne}
          onChange={(classification) => change({ classification })}
        />
        <Select
          label="Type"
          value={asked.type}
          options={typeOptions(types.data?.results ?? [], asked.type)}
          onChange={(type) => change({ type })}
        />
      </div>
      {isBroken && (
        <label className={styles.partial}>
          <input type="checkbox" checked={asked.partial} onChange={() => change({ partial: !asked.partial })} />
          Run what compiles: rules that do not are left out, and the page of the hunt lists them
        </label>
      )}
      <p className={styles.selected} role="status">
        {isQueryWrong
          ? 'The query has a mistake: nothing is selected by it yet.'
          : selected.isError
            ? `What is selected cannot be counted: ${selected.error.message}`
            : selected.data && selectedWords(selected.data, selection)}
      </p>
      {explanation.isCurrent && explanation.explained?.explanation && (
        <CostNotice
          explanation={explanation.explained.explanation}
          onGoTo={(place) => editor.current?.goTo(place)}
          onLeaveOut={hunt}
          isDisabled={start.isPending || isEmpty || isQueryWrong}
        />
      )}
      {draft && (
        <DraftNotice
          draft={draft}
          drop={given === '' ? 'Begin with an empty text' : 'Begin again'}
          onDrop={() => {
            editor.current?.replace(given)
            setDraft(null)
          }}
        />
      )}
      <div className={`${bench.desk} ${styles.desk}`}>
        <div className={bench.editor}>
          <YaraEditor
            ref={editor}
            label="YARA text"
            initialText={text}
            verdict={explanation.verdict}
            onChange={setText}
            onDiagnostics={setDiagnostics}
            onSave={() => {}}
            onTry={() => hunt()}
          />
        </div>
        <TextMeaning text={text} diagnostics={diagnostics} explanation={explanation} editor={editor} />
      </div>
    </>
  )
}

/** A text that a link asks for. What is made of it is kept apart from other drafts, so that it takes the place of none. */
function useGivenText(): { readonly given: string; readonly key: string } {
  const [parameters] = useSearchParams()
  const [given] = useState(() => parameters.get('text') ?? '')
  return { given, key: given === '' ? DRAFT : `${DRAFT}?${given}` }
}

function selectedWords({ samples, bytes: size }: Selected, selection: Selection): string {
  if (samples > 0) return `${counted(samples, 'sample')} selected, ${bytes(size)}`
  return `There are ${noneOf(selection, 0)}: there is nothing to hunt over.`
}

/** Kinds of files, each followed by its types, as far as there are samples of them. */
function typeOptions(types: readonly string[], current: string): { id: string; title: string }[] {
  const programs = types.filter((type) => /^PE\+?\//.test(type))
  const kinds = types
    .map((type) => type.slice(0, type.indexOf('/')))
    .filter((kind) => kind !== '' && !kind.startsWith('PE'))
  const named = [
    ...(programs.length > 0 ? [{ id: 'PE', title: 'PE (32 and 64 bits)' }] : []),
    ...(programs.some((type) => type.startsWith('PE/')) ? [{ id: 'PE32', title: 'PE32' }] : []),
    ...(programs.some((type) => type.startsWith('PE+')) ? [{ id: 'PE32+', title: 'PE32+' }] : []),
    ...[...new Set([...kinds, ...types])].sort().map((id) => ({ id, title: id })),
  ]
  // An address that was sent may name a type of which there are no samples by now.
  const isThere = current === 'all' || named.some(({ id }) => id === current)
  return [{ id: 'all', title: 'all' }, ...(isThere ? [] : [{ id: current, title: current }]), ...named]
}

/** A selection as it was when nothing had been typed for a moment. */
function useSettled(selection: Selection): Selection {
  const [settled, setSettled] = useState(selection)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(selection), TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [selection])
  return settled
}

function selectionOf({ classification, type, tag, name, from, to, query }: Asked): Selection {
  return {
    ...(classification !== 'all' && { classifications: [classification as ClassificationName] }),
    ...(type !== 'all' && { file_types: [type] }),
    ...(tag !== '' && { tags: [tag] }),
    ...(name !== '' && { name }),
    ...(query !== '' && parseQuery(query).condition !== null && { query }),
    ...((from !== '' || to !== '') && {
      last_seen: {
        ...(from !== '' && { from: new Date(`${from}T00:00:00`).toISOString() }),
        ...(to !== '' && { to: new Date(`${to}T23:59:59`).toISOString() }),
      },
    }),
  }
}
