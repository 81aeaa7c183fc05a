import { useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useState } from 'react'
import { Link } from 'react-router'
import { type Sample, type SampleQuery, useFileTypes, useSampleCount, useSamples } from '../../api/samples.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { type Change, useAddressState } from '../../parts/address-state.ts'
import { atMostEvery } from '../../parts/at-most-every.ts'
import { Badge, Classification, classifications } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { DateRange } from '../../parts/date-range.tsx'
import { DropPlace } from '../../parts/drop-place.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Filters, Select } from '../../parts/field.tsx'
import { GrowingTable, rowsOf } from '../../parts/growing-table.tsx'
import { TABLE_FROM } from '../../parts/media.ts'
import { Moment } from '../../parts/moment.tsx'
import { bytes, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { QueryField } from '../../parts/query-field.tsx'
import { ChosenBar } from '../../parts/sample-actions.tsx'
import { ShortField } from '../../parts/short-field.tsx'
import type { Column } from '../../parts/table.tsx'
import styles from './samples-page.module.css'
import { addUploads, useUploads } from './uploads.ts'
import { UploadsPanel } from './uploads-panel.tsx'

const initial: SampleQuery = { q: '', file_type: '', classification: '', tag: '', from: '', to: '' }

const verdicts = [
  { id: '', title: 'any' },
  ...[...classifications].reverse().map((id) => ({ id: id as string, title: id as string })),
]

export function Component() {
  const user = useUser()
  const [query, change] = useAddressState(initial)
  const list = useSamples(query)
  const rows = rowsOf(list)
  const total = useSampleCount(query, list.hasNextPage)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const isFiltered = Object.values(query).some((value) => value !== '')
  return (
    <>
      <PageHead
        title="Samples"
        about="Last seen first. Archives are unpacked; the files that they contain are samples of their own."
      />
      {mayWork(user) && <DropPlace purpose="upload" what="files or folders" onFiles={addUploads} />}
      <div className={styles.uploads}>
        <FreshUploads />
        <UploadsPanel />
      </div>
      <SampleFilters query={query} change={change} />
      <GrowingTable
        name="samples"
        caption="Samples"
        of={JSON.stringify(query)}
        list={list}
        rows={rows}
        total={total.data}
        what={['sample', 'samples']}
        columns={columns}
        keyOf={keyOf}
        nameOf={({ name }) => name}
        choice={{ chosen, onChange: setChosen }}
        empty={<Nothing isFiltered={isFiltered} hasMore={list.hasNextPage} onClear={() => change(initial)} />}
      />
      {chosen.size > 0 && (
        <ChosenBar
          what={`${counted(chosen.size, 'sample')} chosen`}
          hashes={[...chosen]}
          onDone={() => setChosen(new Set())}
        />
      )}
    </>
  )
}

const keyOf = ({ sha256, sha1 }: Sample) => sha256 ?? sha1

function SampleFilters({ query, change }: { readonly query: SampleQuery; readonly change: Change<SampleQuery> }) {
  const types = useFileTypes()
  const search = useCallback((q: string) => change({ q }, { replace: true }), [change])
  return (
    <Filters>
      <QueryField value={query.q} onChange={search} />
      <Select
        label="Classification"
        value={query.classification}
        options={verdicts}
        onChange={(classification) => change({ classification })}
      />
      <ShortField
        label="Type"
        width="8rem"
        value={query.file_type}
        suggestions={types.data?.results ?? []}
        onChange={(file_type) => change({ file_type }, { replace: true })}
      />
      <ShortField label="Tag" width="4.5rem" value={query.tag} onChange={(tag) => change({ tag }, { replace: true })} />
      <DateRange label="Seen" from={query.from} to={query.to} onChange={change} />
    </Filters>
  )
}

const columns: readonly Column<Sample>[] = [
  {
    key: 'name',
    title: 'Name',
    cell: (sample) => (
      <Link to={`/samples/${keyOf(sample)}`} className={styles.name ?? ''} title={sample.name}>
        {sample.name}
      </Link>
    ),
  },
  {
    key: 'classification',
    title: 'Classification',
    cell: ({ processed, classification }) =>
      processed ? <Classification of={classification} /> : <Badge tone="information">being matched</Badge>,
  },
  { key: 'threat', title: 'Threat', from: TABLE_FROM, cell: ({ threat_name }) => threat_name ?? '–' },
  { key: 'type', title: 'Type', from: TABLE_FROM, cell: ({ file_type }) => file_type },
  { key: 'size', title: 'Size', align: 'end', from: TABLE_FROM, cell: ({ size }) => bytes(size) },
  {
    key: 'members',
    title: 'Contained files',
    align: 'end',
    from: TABLE_FROM,
    cell: ({ extracted_file_count: members }) => (members > 0 ? members : '–'),
  },
  {
    key: 'hash',
    title: 'SHA-256',
    from: 1400,
    cell: (sample) => <span className={styles.hash}>{keyOf(sample).slice(0, 12)}…</span>,
  },
  { key: 'seen', title: 'Last seen', align: 'end', cell: ({ last_seen }) => <Moment at={last_seen} /> },
]

function Nothing({
  isFiltered,
  hasMore,
  onClear,
}: {
  readonly isFiltered: boolean
  readonly hasMore: boolean
  readonly onClear: () => void
}) {
  if (hasMore) return <EmptyState title="Nothing among the samples looked at so far">Look further below.</EmptyState>
  if (!isFiltered) {
    return (
      <EmptyState title="There are no samples yet">
        Drop files or folders on this page, or run <code>npx backtrail ingest PATH</code> on the server for what lies
        there.
      </EmptyState>
    )
  }
  return (
    <EmptyState title="No sample fits" action={<Button onPress={onClear}>Clear the filters</Button>}>
      A word is a part of a name or the beginning of a hash; the question mark beside the search says what else there
      is.
    </EmptyState>
  )
}

/** While many files arrive, each would make the list be read. */
const LIST_MS = 2_000

/** The list is read again when uploads have arrived or have been matched. Apart, since it is drawn with all their news. */
function FreshUploads(): null {
  const uploads = useUploads()
  const queries = useQueryClient()
  const arrived = uploads.filter(({ state }) => state === 'sent').length
  const processed = uploads.filter(({ state }) => state === 'processed').length
  const [refresh] = useState(() =>
    atMostEvery(LIST_MS, () => void queries.invalidateQueries({ queryKey: ['samples', 'list'] })),
  )
  useEffect(() => {
    if (arrived + processed > 0) refresh()
  }, [arrived, processed, refresh])
  return null
}
