import { Download } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import {
  exportAddress,
  type Match,
  type MatchGroup,
  type MatchQuery,
  useMatchCount,
  useMatches,
  useMatchGroups,
} from '../../api/matches.ts'
import { type Change, useAddressState } from '../../parts/address-state.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Filters, Select } from '../../parts/field.tsx'
import { GrowingTable, rowsOf } from '../../parts/growing-table.tsx'
import { MenuButton } from '../../parts/menu-button.tsx'
import { counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { ChosenMatches } from './chosen-matches.tsx'
import { formats } from './formats.ts'
import { columns, ruleColumns, sampleColumns } from './match-columns.tsx'
import { MatchFilterRow, RulesetChoice } from './match-filters.tsx'
import { initial, initialView, type MatchFilters, type MatchView, queryOf } from './query.ts'

const groupings = [
  { id: 'match', title: 'each by itself' },
  { id: 'sample', title: 'by sample' },
  { id: 'rule', title: 'by rule' },
] as const
type Grouping = (typeof groupings)[number]['id']

/** Matches with their filters: all there are, or those of a run of Local Retro. */
export function MatchList({
  title,
  about,
  run,
  children,
}: {
  readonly title: string
  readonly about?: ReactNode
  readonly run: number | null
  /** Above the filters. */
  readonly children?: ReactNode
}) {
  const [filters, change] = useAddressState(initial)
  const [view, changeView] = useAddressState(initialView)
  const by: Grouping = groupings.find(({ id }) => id === view.by)?.id ?? 'match'
  const query = queryOf(filters, run)
  const isFiltered = Object.values(filters).some((value) => (typeof value === 'boolean' ? value : value.length > 0))
  const none = { isFiltered, onClear: () => change(initial), isOfRun: run !== null, isNew: filters.new_in_run }
  const shown = { query, none }
  return (
    <>
      <PageHead
        title={title}
        about={about ?? <About query={query} view={view} />}
        actions={
          <MenuButton
            title={
              <>
                <Download size={14} aria-hidden /> Export {isFiltered ? 'what fits' : 'all'}
              </>
            }
            choices={formats}
            onChoose={(format) => window.location.assign(exportAddress(query, format))}
          />
        }
      />
      {children}
      <RulesetChoice filters={filters} change={change} />
      <MatchFilterRow filters={filters} change={change} />
      <Filters label="View">
        <Select label="Matches" value={by} options={groupings} onChange={(next) => changeView({ by: next })} />
        {run !== null && <RunChoice filters={filters} change={change} />}
      </Filters>
      {by === 'match' ? (
        <EachMatch {...shown} view={view} changeView={changeView} />
      ) : (
        <GroupedMatches {...shown} by={by} />
      )}
    </>
  )
}

interface ShownProps {
  readonly query: MatchQuery
  readonly none: Omit<NothingProps, 'hasMore'>
}

function About({ query, view }: { readonly query: MatchQuery; readonly view: MatchView }) {
  // The list below looks for new ones, unless somebody chooses rows of it; the same answers come here.
  const list = useMatches(query, orderOf(view), { isHeld: true, isWanted: view.by === 'match' })
  const [first] = list.data?.pages ?? []
  const order = wordsOf(view)
  if (!first) return order
  return typeof first.count === 'number' ? `${counted(first.count, 'match', 'matches')}, ${lowered(order)}` : order
}

const lowered = (words: string) => words.slice(0, 1).toLowerCase() + words.slice(1)

function wordsOf({ by, order, descending }: MatchView): string {
  if (by !== 'match') return 'The newest match first'
  if (order === 'recorded') return descending ? 'Newest first' : 'Oldest first'
  const title = columns.find(({ key }) => key === order)?.title ?? order
  return `Sorted by ${title.toLowerCase()}`
}

const orderOf = ({ order, descending }: MatchView) => ({ order, descending })

function RunChoice({ filters, change }: { readonly filters: MatchFilters; readonly change: Change<MatchFilters> }) {
  const choices = [
    { id: 'all', title: 'all of this run' },
    { id: 'new', title: 'new since the run before' },
  ] as const
  return (
    <Select
      label="Show"
      value={filters.new_in_run ? 'new' : 'all'}
      options={choices}
      onChange={(next) => change({ new_in_run: next === 'new' })}
    />
  )
}

function EachMatch({
  query,
  none,
  view,
  changeView,
}: ShownProps & { readonly view: MatchView; readonly changeView: Change<MatchView> }) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const list = useMatches(query, orderOf(view), { isHeld: chosen.size > 0 })
  const rows = rowsOf(list)
  const found = useMatchCount(query, list.hasNextPage)
  return (
    <>
      <GrowingTable
        name="matches"
        caption="Matches"
        of={JSON.stringify([query, orderOf(view)])}
        list={list}
        rows={rows}
        total={found.data}
        what={['match', 'matches']}
        columns={columns}
        keyOf={keyOf}
        nameOf={({ rule, filename }) => `${rule} on ${filename}`}
        sort={{ by: view.order, descending: view.descending }}
        onSort={({ by: order, descending }) => changeView({ order, descending })}
        choice={{ chosen, onChange: setChosen }}
        empty={<Nothing {...none} hasMore={list.hasNextPage} />}
      />
      <ChosenMatches
        key={JSON.stringify(query)}
        matches={rows?.filter((match) => chosen.has(keyOf(match))) ?? []}
        query={query}
        hasMore={list.hasNextPage}
        onDone={() => setChosen(new Set())}
      />
    </>
  )
}

const keyOf = ({ id }: Match) => String(id)
// Not by the newest match: what is open in a row stays open when there is a newer one.
const keyOfSample = ({ newest: { sha1 } }: MatchGroup) => sha1
const keyOfRule = ({ newest: { ruleset, rule } }: MatchGroup) => JSON.stringify([ruleset, rule])

function GroupedMatches({ query, none, by }: ShownProps & { readonly by: 'sample' | 'rule' }) {
  const list = useMatchGroups(query, by)
  const rows = rowsOf(list)
  return (
    <GrowingTable
      key={by}
      name={`matches-by-${by}`}
      of={JSON.stringify(query)}
      caption={by === 'sample' ? 'Samples with matches' : 'Rules with matches'}
      list={list}
      rows={rows}
      what={by === 'sample' ? ['sample', 'samples'] : ['rule', 'rules']}
      columns={by === 'sample' ? sampleColumns : ruleColumns}
      keyOf={by === 'sample' ? keyOfSample : keyOfRule}
      empty={<Nothing {...none} hasMore={list.hasNextPage} />}
    />
  )
}

interface NothingProps {
  readonly isFiltered: boolean
  readonly hasMore: boolean
  readonly onClear: () => void
  readonly isOfRun: boolean
  /** Only what is new since the run before. */
  readonly isNew: boolean
}

function Nothing({ isFiltered, hasMore, onClear, isOfRun, isNew }: NothingProps) {
  if (hasMore) return <EmptyState title="Nothing among the matches looked at so far">Look further below.</EmptyState>
  if (isOfRun && !isFiltered) {
    return (
      <EmptyState title="No matches of this run">
        Neither new ones nor known ones. While a run is under way, they come in here.
      </EmptyState>
    )
  }
  if (isFiltered) {
    return (
      <EmptyState
        title={isOfRun && isNew ? 'Nothing is new since the run before' : 'No match fits'}
        action={<Button onPress={onClear}>Clear the filters</Button>}
      >
        Fewer filters or a longer time may bring some up.
      </EmptyState>
    )
  }
  return (
    <EmptyState
      title="There are no matches yet"
      action={
        <>
          <LinkButton href="/workbench" weight="main">
            Write a ruleset
          </LinkButton>
          <LinkButton href="/samples">Upload samples</LinkButton>
          <LinkButton href="/retro">Run Local Retro</LinkButton>
        </>
      }
    >
      New samples are matched with all enabled rulesets as they arrive; Local Retro matches those that are here already.
    </EmptyState>
  )
}
