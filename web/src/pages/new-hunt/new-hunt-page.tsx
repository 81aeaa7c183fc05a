import { useRef, useState } from 'react'
import { useNavigate } from 'react-router'
import { type Selection, useStartHunt } from '../../api/hunts.ts'
import type { Diagnostic } from '../../api/rulesets.ts'
import { YaraEditor, type YaraEditorHandle } from '../../editor/yara-editor.tsx'
import { type ClassificationName, classifications } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Select, TextField } from '../../parts/field.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { useExplanation } from '../ruleset/explanation.ts'
import { TextMeaning } from '../ruleset/text-meaning.tsx'
import bench from '../ruleset/workbench.module.css'
import styles from './new-hunt-page.module.css'

const anyOrOne = [{ id: 'all', title: 'all' }, ...classifications.map((id) => ({ id, title: id }))] as const

const nothing = { title: '', classification: 'all', type: '', tag: '', name: '', from: '', to: '' }
type Asked = typeof nothing

/** An ad-hoc hunt with a text and a part of the corpus. */
export function Component() {
  const [text, setText] = useState('')
  const [asked, setAsked] = useState<Asked>(nothing)
  const [diagnostics, setDiagnostics] = useState<readonly Diagnostic[]>([])
  const editor = useRef<YaraEditorHandle>(null)
  const explanation = useExplanation(text)
  const start = useStartHunt()
  const navigate = useNavigate()
  const change = (changes: Partial<Asked>) => setAsked((before) => ({ ...before, ...changes }))

  const hunt = () => {
    if (text.trim() === '') return
    start.mutate(
      {
        rules: [{ name: 'rules', content: text }],
        ...(asked.title !== '' && { title: asked.title }),
        selection: selectionOf(asked),
      },
      { onError: notifyFailed, onSuccess: ({ id }) => void navigate(`/hunts/${id}`) },
    )
  }
  return (
    <>
      <PageHead
        title="New hunt"
        about="What does this text find among the stored samples? Nothing is saved but the hunt."
        actions={
          <Button weight="main" onPress={hunt} isDisabled={start.isPending || text.trim() === ''}>
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
        <TextField label="Type" value={asked.type} onChange={(type) => change({ type })} hint="such as PE or PE/Dll" />
        <TextField label="Tag" value={asked.tag} onChange={(tag) => change({ tag })} />
        <TextField label="Seen from" type="date" value={asked.from} onChange={(from) => change({ from })} />
        <TextField label="Seen until" type="date" value={asked.to} onChange={(to) => change({ to })} />
        <Select
          label="Classification"
          value={asked.classification}
          options={anyOrOne}
          onChange={(classification) => change({ classification })}
        />
      </div>
      <div className={`${bench.desk} ${styles.desk}`}>
        <div className={bench.editor}>
          <YaraEditor
            ref={editor}
            label="YARA text"
            initialText=""
            verdict={explanation.verdict}
            onChange={setText}
            onDiagnostics={setDiagnostics}
            onSave={() => {}}
            onTry={hunt}
          />
        </div>
        <TextMeaning text={text} diagnostics={diagnostics} explanation={explanation} editor={editor} />
      </div>
    </>
  )
}

function selectionOf({ classification, type, tag, name, from, to }: Asked): Selection {
  return {
    ...(classification !== 'all' && { classifications: [classification as ClassificationName] }),
    ...(type !== '' && { file_types: [type] }),
    ...(tag !== '' && { tags: [tag] }),
    ...(name !== '' && { name }),
    ...((from !== '' || to !== '') && {
      last_seen: {
        ...(from !== '' && { from: new Date(`${from}T00:00:00`).toISOString() }),
        ...(to !== '' && { to: new Date(`${to}T23:59:59`).toISOString() }),
      },
    }),
  }
}
