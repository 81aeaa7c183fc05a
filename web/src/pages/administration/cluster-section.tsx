import { Link } from 'react-router'
import { type Cluster, useCluster } from '../../api/cluster.ts'
import { useRetroRuns } from '../../api/retro.ts'
import { Badge } from '../../parts/badge.tsx'
import { Moment } from '../../parts/moment.tsx'
import { bytes, count, counted, duration } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './administration-page.module.css'

/** For administrators: the machines of the cluster, what they do, and what waits. */
export function ClusterSection() {
  const cluster = useCluster()
  if (cluster.isError && !cluster.data) return <Problem error={cluster.error} onRetry={() => void cluster.refetch()} />
  if (!cluster.data) return <p>Loading …</p>
  const { alone, servers, nodes, parts, waiting } = cluster.data
  return (
    <>
      {alone ? (
        <Panel title="Servers">
          <p className={styles.soft}>
            This server works alone, on its data folder. Rows in PostgreSQL and samples in an object store let others
            take over from it, and nodes do most of the work.
          </p>
        </Panel>
      ) : (
        <>
          <Panel title="Servers" aside={counted(servers.length, 'server')}>
            <Table
              caption="All servers"
              columns={serverColumns}
              rows={servers}
              keyOf={({ id }) => String(id)}
              empty={<p>No server has said yet where it is.</p>}
            />
          </Panel>
          <Panel title="Nodes" aside={counted(nodes.length, 'node')}>
            <Table
              caption="All nodes"
              columns={nodeColumns}
              rows={nodes}
              keyOf={({ id }) => String(id)}
              empty={<p>There are no nodes: the server does all by itself.</p>}
            />
          </Panel>
          <Panel title="Parts of the work">
            <Table
              caption="Parts of hunts, of samples that arrive and of merges, by kind and node"
              columns={partColumns}
              rows={parts}
              keyOf={({ hunt, kind, state, node }) => `${hunt} ${kind} ${state} ${node}`}
              empty={<p>Nothing is done in parts by nodes at the moment.</p>}
            />
          </Panel>
        </>
      )}
      <Panel title="What waits">
        <Table
          caption="What waits, and for what"
          columns={waitingColumns}
          rows={waiting}
          keyOf={({ what }) => what}
          empty={<p>Nothing waits.</p>}
        />
      </Panel>
    </>
  )
}

type Server = Cluster['servers'][number]
type Node = Cluster['nodes'][number]
type Part = Cluster['parts'][number]
type Waiting = Cluster['waiting'][number]

const serverTones = {
  works: 'goodware',
  'stands by': 'information',
  'passes on': 'unknown',
  gone: 'malicious',
} as const

const serverColumns: readonly Column<Server>[] = [
  { key: 'name', title: 'Machine', cell: ({ id, name }) => `${name} (${id})` },
  { key: 'role', title: 'Role', cell: ({ role }) => <Badge tone={serverTones[role]}>{role}</Badge> },
  { key: 'version', title: 'Version', cell: ({ version }) => version },
  { key: 'url', title: 'Address', cell: ({ url }) => url },
  { key: 'workers', title: 'Workers', align: 'end', cell: ({ workers }) => count(workers) },
  { key: 'started', title: 'Started', cell: ({ started }) => <Moment at={started} /> },
  { key: 'seen', title: 'Last seen', cell: ({ seen }) => <Moment at={seen} /> },
]

const nodeColumns: readonly Column<Node>[] = [
  { key: 'name', title: 'Machine', cell: ({ id, name }) => `${name} (${id})` },
  {
    key: 'state',
    title: 'State',
    cell: ({ state }) => <Badge tone={state === 'gone' ? 'malicious' : 'goodware'}>{state}</Badge>,
  },
  { key: 'version', title: 'Version', cell: ({ version }) => version },
  { key: 'workers', title: 'Workers', align: 'end', cell: ({ workers }) => count(workers) },
  {
    key: 'copies',
    title: 'Copies',
    align: 'end',
    cell: ({ cache_bytes, cache_limit }) => `${bytes(cache_bytes)} of ${bytes(cache_limit)}`,
  },
  { key: 'parts', title: 'Parts in hand', align: 'end', cell: ({ parts }) => count(parts) },
  {
    key: 'done',
    title: 'Done, failed, refused',
    align: 'end',
    cell: ({ done, failed, refused }) => [done, failed, refused].map(count).join(', '),
  },
  { key: 'seen', title: 'Last seen', cell: ({ seen }) => <Moment at={seen} /> },
]

/** Runs of Local Retro are hunts, with a page of their own. */
function HuntLink({ id }: { readonly id: number }) {
  const runs = useRetroRuns()
  const isRun = runs.data?.results.some((run) => run.id === id)
  return isRun ? <Link to={`/retro/${id}`}>Local Retro, run {id}</Link> : <Link to={`/hunts/${id}`}>hunt {id}</Link>
}

const partColumns: readonly Column<Part>[] = [
  {
    key: 'of',
    title: 'Of',
    cell: ({ hunt, kind }) => (hunt === null ? others[kind] : <HuntLink id={hunt} />),
  },
  { key: 'kind', title: 'Kind', cell: ({ kind }) => kinds[kind] },
  { key: 'state', title: 'State', cell: ({ state }) => states[state] },
  { key: 'node', title: 'Node', cell: ({ node }) => (node === null ? 'none' : `node ${node}`) },
  { key: 'count', title: 'Parts', align: 'end', cell: ({ count: parts }) => count(parts) },
  { key: 'oldest', title: 'Oldest', align: 'end', cell: ({ oldest_seconds }) => duration(oldest_seconds * 1000) },
]

const kinds: Readonly<Record<Part['kind'], string>> = {
  evaluate: 'asks a segment',
  verify: 'scans candidates',
  examine: 'examines samples',
  merge: 'merges segments',
}

const others: Readonly<Record<Part['kind'], string>> = {
  evaluate: 'a hunt',
  verify: 'a hunt',
  examine: 'samples that arrive',
  merge: 'the index',
}

const states: Readonly<Record<Part['state'], string>> = {
  offered: 'waits for a node',
  claimed: 'under way',
  done: 'done',
  failed: 'could not be done there',
}

const waitingColumns: readonly Column<Waiting>[] = [
  { key: 'what', title: 'What', cell: ({ what }) => what },
  { key: 'count', title: 'How many', align: 'end', cell: ({ count: waiting }) => count(waiting) },
  {
    key: 'oldest',
    title: 'Oldest',
    align: 'end',
    cell: ({ oldest_seconds }) => (oldest_seconds === null ? '' : duration(oldest_seconds * 1000)),
  },
  { key: 'why', title: 'Why', cell: ({ why }) => why },
]
