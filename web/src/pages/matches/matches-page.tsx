import { Cloud, Download, HardDrive } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'react-router'
import { exportAddress, type Match, useMatchCount, useMatches } from '../../api/matches.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Classification } from '../../parts/badge.tsx'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { GrowingTable, rowsOf } from '../../parts/growing-table.tsx'
import { useMedia } from '../../parts/media.ts'
import { MenuButton } from '../../parts/menu-button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { bytes, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import type { Column } from '../../parts/table.tsx'
import { ChosenMatches } from './chosen-matches.tsx'
import { formats } from './formats.ts'
import { MatchFilterRow, RulesetChoice } from './match-filters.tsx'
import styles from './matches-page.module.css'
import { initial, queryOf } from './query.ts'

export function Component() {
  const [filters, change] = useAddressState(initial)
  const query = queryOf(filters)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const list = useMatches(query, chosen.size > 0)
  const rows = rowsOf(list)
  const found = useMatchCount(query, list.hasNextPage)
  const total = list.data?.pages[0]?.count ?? null
  const isWide = useMedia('(min-width: 1500px)')
  const isNarrow = useMedia('(max-width: 1200px)')
  const isFiltered =
    filters.enabled_rules || Object.values(filters).some((value) => typeof value !== 'boolean' && value.length > 0)
  return (
    <>
      <PageHead
        title="Matches"
        about={total === null ? 'Newest first' : `${counted(total, 'match', 'matches')}, newest first`}
        actions={
          <MenuButton
            title={
              <>
                <Download size={14} aria-hidden /> Export {isFiltered ? 'what fits' : 'all'}
              </>
            }
            isDisabled={!rows || rows.length === 0}
            choices={formats}
            onChoose={(format) => window.location.assign(exportAddress(query, format))}
          />
        }
      />
      <RulesetChoice filters={filters} change={change} />
      <MatchFilterRow filters={filters} change={change} />
      <GrowingTable
        caption="Matches"
        list={list}
        rows={rows}
        total={found.data}
        what={['match', 'matches']}
        columns={isWide ? wideColumns : isNarrow ? narrowColumns : columns}
        keyOf={keyOf}
        nameOf={({ rule, filename }) => `${rule} on ${filename}`}
        choice={{ chosen, onChange: setChosen }}
        empty={<Nothing isFiltered={isFiltered} hasMore={list.hasNextPage} onClear={() => change(initial)} />}
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

/** From a match to the place in its sample. */
const addressOfMatch = ({ sha256, sha1, ruleset, rule }: Match) =>
  `/samples/${sha256 ?? sha1}?${new URLSearchParams({ ruleset, rule })}`

const columns: readonly Column<Match>[] = [
  {
    key: 'rule',
    title: 'Rule',
    cell: (match) => (
      <Link to={addressOfMatch(match)} className={styles.rule ?? ''}>
        {match.rule}
      </Link>
    ),
  },
  { key: 'ruleset', title: 'Ruleset', cell: ({ ruleset }) => <Link to={addressOfRuleset(ruleset)}>{ruleset}</Link> },
  {
    key: 'name',
    title: 'Sample',
    cell: ({ filename, sha256, sha1 }) => (
      <Link to={`/samples/${sha256 ?? sha1}`} className={styles.name ?? ''} title={filename}>
        {filename}
      </Link>
    ),
  },
  {
    key: 'classification',
    title: 'Classification',
    cell: ({ classification, riskscore }) => (
      <>
        <Classification of={classification} />
        {riskscore !== null && <span title="Risk score"> {riskscore}</span>}
      </>
    ),
  },
  { key: 'threat', title: 'Threat', cell: ({ threat_name }) => <Short text={threat_name ?? '–'} /> },
  { key: 'type', title: 'Type', cell: ({ file_type }) => <Short text={file_type} /> },
  { key: 'size', title: 'Size', align: 'end', cell: ({ file_size }) => bytes(file_size) },
  {
    key: 'place',
    title: 'Found',
    cell: ({ cloud }) => {
      const Place = cloud ? Cloud : HardDrive
      return (
        <span className={styles.place} title={cloud ? 'Found in the cloud' : 'Found on this appliance'}>
          <Place size={14} aria-hidden /> <span>{cloud ? 'cloud' : 'here'}</span>
        </span>
      )
    },
  },
  { key: 'created', title: 'Recorded', align: 'end', cell: ({ created }) => <Moment at={created} /> },
]

/** On wide windows, behind the size. */
const hashColumn: Column<Match> = {
  key: 'hash',
  title: 'SHA-1',
  cell: ({ sha1 }) => <span className={styles.hash}>{sha1.slice(0, 8)}…</span>,
}

const wideColumns = columns.toSpliced(-2, 0, hashColumn)

/** The sample's page has the threat, too. */
const narrowColumns = columns.filter(({ key }) => key !== 'threat')

/** Cut off where the column is narrow, whole on hovering. */
function Short({ text }: { readonly text: string }) {
  return (
    <span className={styles.short} title={text}>
      {text}
    </span>
  )
}

function Nothing({
  isFiltered,
  hasMore,
  onClear,
}: {
  readonly isFiltered: boolean
  readonly hasMore: boolean
  readonly onClear: () => void
}) {
  if (hasMore) return <EmptyState title="Nothing among the matches looked at so far">Look further below.</EmptyState>
  if (isFiltered) {
    return (
      <EmptyState title="No match fits" action={<Button onPress={onClear}>Clear the filters</Button>}>
        Fewer filters or a longer time may bring some up.
      </EmptyState>
    )
  }
  return (
    <EmptyState
      title="There are no matches yet"
      action={
        <>
          <LinkButton href="/new-ruleset" weight="main">
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
