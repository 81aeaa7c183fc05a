import { SlidersHorizontal } from 'lucide-react'
import { useId, useState } from 'react'
import type { Selected, Selection } from '../../api/hunts.ts'
import { useFileTypes } from '../../api/samples.ts'
import { classifications } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Select, TextField } from '../../parts/field.tsx'
import { bytes, counted } from '../../parts/numbers.ts'
import { QueryField } from '../../parts/query-field.tsx'
import { noneOf } from '../hunt/selection-words.ts'
import type { Asked, Scope } from './scope.ts'
import styles from './scope-bar.module.css'

const wholes = [
  { id: 'everything', title: 'everything' },
  { id: 'goodware', title: 'goodware only' },
] as const
const anyOrOne = [{ id: 'all', title: 'all' }, ...classifications.map((id) => ({ id, title: id }))] as const

/** Which samples a text is run over, and how many that are by now. */
export function ScopeBar({ scope, isOpenAtFirst }: { readonly scope: Scope; readonly isOpenAtFirst: boolean }) {
  const { asked, change, isNarrowed, setQueryWrong } = scope
  const [isOpen, setOpen] = useState(isOpenAtFirst || (isNarrowed && asked.on === 'everything'))
  const fields = useId()
  const toggle = () => {
    // What is wrong in a field that is gone holds up nothing.
    if (isOpen) setQueryWrong(false)
    setOpen(!isOpen)
  }
  return (
    <search className={styles.scope} aria-label="Samples to hunt over">
      <div className={styles.line}>
        <Select
          label="On"
          value={asked.on === 'goodware' ? 'goodware' : 'everything'}
          options={wholes}
          onChange={(on) => change({ on })}
        />
        <Button aria-expanded={isOpen} aria-controls={fields} onPress={toggle}>
          <SlidersHorizontal size={14} aria-hidden /> {isOpen ? 'Hide the fields' : 'Narrow'}
        </Button>
        <p className={styles.selected} role="status">
          <Words scope={scope} />
        </p>
      </div>
      <div id={fields}>{isOpen && <Fields scope={scope} />}</div>
    </search>
  )
}

function Fields({ scope: { asked, change, setQueryWrong } }: { readonly scope: Scope }) {
  const types = useFileTypes()
  return (
    <div className={styles.fields}>
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
      <div className={styles.choices}>
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
    </div>
  )
}

function Words({ scope: { isQueryWrong, selected, selection, asked } }: { readonly scope: Scope }) {
  if (isQueryWrong) return 'The query has a mistake: nothing is selected by it yet.'
  if (selected.isError) return `What is selected cannot be counted: ${selected.error.message}`
  return selected.data && selectedWords(selected.data, selection, asked)
}

function selectedWords({ samples, bytes: size }: Selected, selection: Selection, asked: Asked): string {
  if (samples > 0) return `${counted(samples, 'sample')} selected, ${bytes(size)}`
  if (asked.on === 'goodware' && Object.keys(selection).length === 1 && asked.query === '') {
    return 'There is no goodware to test rules on: classify samples as goodware, or tag them so.'
  }
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
