import { Link } from 'react-router'
import { addressOfRuleset, type Ruleset, useRulesets } from '../../api/rulesets.ts'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Moment } from '../../parts/moment.tsx'
import { count } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { RulesetStatus } from '../../parts/ruleset-status.tsx'
import { type Column, Table } from '../../parts/table.tsx'

/** Rulesets of the installation, which nobody changes through the API. */
export function CoreRulesets() {
  const list = useRulesets({
    type: 'system',
    status: 'all',
    source: 'all',
    search: '',
    order: 'name',
    descending: false,
    page: 1,
    pageSize: 1_000,
  })
  return (
    <Panel title="Core rulesets" aside="brought in with npx backtrail rules import --core PATH">
      {list.isError ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <Table
          caption="All core rulesets"
          columns={columns}
          rows={list.data?.results}
          keyOf={({ name }) => name}
          empty={
            <EmptyState title="There are no core rulesets">
              <code>npx backtrail rules import --core PATH</code> brings in files or folders of YARA rules that all
              users read and nobody changes by accident.
            </EmptyState>
          }
        />
      )}
    </Panel>
  )
}

const columns: readonly Column<Ruleset>[] = [
  { key: 'name', title: 'Name', cell: ({ name }) => <Link to={addressOfRuleset(name)}>{name}</Link> },
  { key: 'status', title: 'Status', cell: ({ status, reason }) => <RulesetStatus of={status} reason={reason} /> },
  { key: 'revision', title: 'Revision', align: 'end', cell: ({ revision }) => count(revision) },
  {
    key: 'matches',
    title: 'Matches',
    align: 'end',
    cell: ({ match_counts }) => count(Object.values(match_counts).reduce((sum, each) => sum + each, 0)),
  },
  { key: 'modified', title: 'Changed', align: 'end', cell: ({ modified }) => <Moment at={modified} /> },
]
