import { useLimits } from '../../api/overview.ts'
import { Badge } from '../../parts/badge.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './administration-page.module.css'

type Limit = NonNullable<ReturnType<typeof useLimits>['data']>['results'][number]

/** The limits in force, and how an operator sets them. */
export function Limits() {
  const limits = useLimits()
  return (
    <Panel title="Limits in force" aside="set by the operator when the server starts">
      {limits.isError ? (
        <Problem error={limits.error} onRetry={() => void limits.refetch()} />
      ) : (
        <Table
          caption="All limits"
          columns={columns}
          rows={limits.data?.results}
          keyOf={({ name }) => name}
          empty={<p>There are none.</p>}
        />
      )}
    </Panel>
  )
}

const columns: readonly Column<Limit>[] = [
  { key: 'flag', title: 'Setting', cell: ({ flag, variable }) => <code title={variable}>{flag}</code> },
  { key: 'value', title: 'Value', align: 'end', cell: ({ value }) => value },
  {
    key: 'preset',
    title: 'Set',
    cell: ({ preset }) => (preset ? 'default' : <Badge tone="information">by the operator</Badge>),
  },
  { key: 'about', title: 'What it is', cell: ({ about }) => <div className={styles.about}>{about}</div> },
]
