import { Cloud, HardDrive } from 'lucide-react'
import { Link, useSearchParams } from 'react-router'
import type { Match, MatchGroup } from '../../api/matches.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { Classification } from '../../parts/badge.tsx'
import { TABLE_FROM } from '../../parts/media.ts'
import { Moment } from '../../parts/moment.tsx'
import { bytes, count } from '../../parts/numbers.ts'
import { AboutRule } from '../../parts/rule-meta.tsx'
import type { Column } from '../../parts/table.tsx'
import styles from './matches-page.module.css'

/** From a match to the place in its sample. */
const addressOfMatch = ({ sha256, sha1, ruleset, rule }: Match) =>
  `/samples/${sha256 ?? sha1}?${new URLSearchParams({ ruleset, rule })}`

export const columns: readonly Column<Match>[] = [
  {
    key: 'rule',
    title: 'Rule',
    isSortable: true,
    cell: (match) => <RuleLink match={match} />,
  },
  {
    key: 'ruleset',
    title: 'Ruleset',
    isSortable: true,
    cell: ({ ruleset }) => <Link to={addressOfRuleset(ruleset)}>{ruleset}</Link>,
  },
  {
    key: 'name',
    title: 'Sample',
    isSortable: true,
    cell: ({ filename, sha256, sha1 }) => (
      <Link to={`/samples/${sha256 ?? sha1}`} className={styles.name ?? ''} title={filename}>
        {filename}
      </Link>
    ),
  },
  {
    key: 'classification',
    title: 'Classification',
    isSortable: true,
    cell: ({ classification, riskscore }) => (
      <>
        <Classification of={classification} />
        {riskscore !== null && <span title="Risk score"> {riskscore}</span>}
      </>
    ),
  },
  {
    key: 'threat',
    title: 'Threat',
    isSortable: true,
    from: 1201,
    cell: ({ threat_name }) => <Short text={threat_name ?? '–'} />,
  },
  {
    key: 'type',
    title: 'Type',
    isSortable: true,
    from: TABLE_FROM,
    cell: ({ file_type }) => <Short text={file_type} />,
  },
  {
    key: 'size',
    title: 'Size',
    align: 'end',
    isSortable: true,
    from: TABLE_FROM,
    cell: ({ file_size }) => bytes(file_size),
  },
  {
    key: 'hash',
    title: 'SHA-1',
    from: 1500,
    cell: ({ sha1 }) => <span className={styles.hash}>{sha1.slice(0, 8)}…</span>,
  },
  {
    key: 'place',
    title: 'Found',
    from: TABLE_FROM,
    cell: ({ cloud }) => {
      const Place = cloud ? Cloud : HardDrive
      return (
        <span className={styles.place} title={cloud ? 'Found in the cloud' : 'Found on this appliance'}>
          <Place size={14} aria-hidden /> <span>{cloud ? 'cloud' : 'here'}</span>
        </span>
      )
    },
  },
  {
    key: 'recorded',
    title: 'Recorded',
    align: 'end',
    isSortable: true,
    cell: ({ created }) => <Moment at={created} />,
  },
]

/** Cut off where the column is narrow, whole on hovering. */
function Short({ text }: { readonly text: string }) {
  return (
    <span className={styles.short} title={text}>
      {text}
    </span>
  )
}

/** One row for each sample. */
export const sampleColumns: readonly Column<MatchGroup>[] = [
  {
    key: 'name',
    title: 'Sample',
    cell: ({ newest: { filename, sha256, sha1 } }) => (
      <Link to={`/samples/${sha256 ?? sha1}`} className={styles.name ?? ''} title={filename}>
        {filename}
      </Link>
    ),
  },
  {
    key: 'matches',
    title: 'Matches',
    align: 'end',
    cell: (group) => <Narrower group={group} to={{ query: `sha1:${group.newest.sha1}`, by: null }} />,
  },
  { key: 'rule', title: 'Newest', cell: ({ newest }) => <RuleLink match={newest} /> },
  {
    key: 'classification',
    title: 'Classification',
    cell: ({ newest: { classification } }) => <Classification of={classification} />,
  },
  {
    key: 'threat',
    title: 'Threat',
    from: 1201,
    cell: ({ newest: { threat_name } }) => <Short text={threat_name ?? '–'} />,
  },
  { key: 'type', title: 'Type', from: TABLE_FROM, cell: ({ newest: { file_type } }) => <Short text={file_type} /> },
  { key: 'size', title: 'Size', align: 'end', from: TABLE_FROM, cell: ({ newest: { file_size } }) => bytes(file_size) },
  { key: 'recorded', title: 'Newest recorded', align: 'end', cell: ({ newest }) => <Moment at={newest.created} /> },
]

/** One row for each rule. */
export const ruleColumns: readonly Column<MatchGroup>[] = [
  {
    key: 'rule',
    title: 'Rule',
    cell: ({ newest: { ruleset, rule } }) => <AboutRule ruleset={ruleset} rule={rule} />,
  },
  {
    key: 'ruleset',
    title: 'Ruleset',
    cell: ({ newest: { ruleset } }) => <Link to={addressOfRuleset(ruleset)}>{ruleset}</Link>,
  },
  {
    key: 'matches',
    title: 'Matches',
    align: 'end',
    cell: (group) => {
      const { ruleset, rule } = group.newest
      return <Narrower group={group} to={{ ruleset, exact_rule: rule, by: null }} />
    },
  },
  {
    key: 'name',
    title: 'Newest sample',
    cell: ({ newest: { filename, sha256, sha1 } }) => (
      <Link to={`/samples/${sha256 ?? sha1}`} className={styles.name ?? ''} title={filename}>
        {filename}
      </Link>
    ),
  },
  { key: 'recorded', title: 'Newest recorded', align: 'end', cell: ({ newest }) => <Moment at={newest.created} /> },
]

/** How many matches a group has, as a link to them; the other filters stay. */
function Narrower({
  group: { matches, newest },
  to,
}: {
  readonly group: MatchGroup
  readonly to: Readonly<Record<string, string | null>>
}) {
  const [parameters] = useSearchParams()
  const next = new URLSearchParams(parameters)
  for (const [name, value] of Object.entries(to)) {
    if (value === null) next.delete(name)
    else next.set(name, name === 'query' ? both(next.get('query'), value) : value)
  }
  const words = `${matches.more ? 'more than ' : ''}${count(matches.count)}`
  return (
    <Link
      to={`?${next}`}
      aria-label={`${words} ${matches.count === 1 ? 'match' : 'matches'} of ${to.query ? newest.filename : newest.rule}`}
    >
      {words}
    </Link>
  )
}

/** A query of the samples that fulfil two; the first may have an OR. */
const both = (query: string | null, other: string): string => (query ? `(${query}) ${other}` : other)

function RuleLink({ match }: { readonly match: Match }) {
  return (
    <Link to={addressOfMatch(match)} className={styles.rule ?? ''}>
      {match.rule}
    </Link>
  )
}
