import { Link } from 'react-router'
import { type Health, useHealth } from '../../api/overview.ts'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { Badge } from '../../parts/badge.tsx'
import { Moment } from '../../parts/moment.tsx'
import { bytes, count, counted, duration } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './administration-page.module.css'

/** How the appliance is doing now, and what it did by itself lately. */
export function HealthSection() {
  const health = useHealth()
  if (health.isError && !health.data) return <Problem error={health.error} onRetry={() => void health.refetch()} />
  if (!health.data) return <p>Loading …</p>
  const { version, uptime_seconds, storage, intake, waiting, restarts, workers, journal } = health.data
  const sum = (numbers: Readonly<Record<string, number>>) =>
    Object.values(numbers).reduce((total, each) => total + each, 0)
  return (
    <>
      <Panel title="Now">
        <dl className={styles.tiles}>
          <Fact title="Version" value={version} />
          <Fact title="Up for" value={duration(uptime_seconds * 1000)} />
          <Fact title="Storage free" value={`${bytes(storage.free_bytes)} of ${bytes(storage.whole_bytes)}`} />
          <Fact title="Samples in the queue" value={count(intake.queued + intake.processing)} />
          <Fact title="Processed since the start" value={count(intake.processed)} />
          <Fact title="Tasks waiting" value={count(sum(waiting))} />
          <Fact title="Workers replaced" value={formatRestarts(restarts)} />
        </dl>
      </Panel>
      <Panel title="Worker processes" aside={counted(workers.length, 'process', 'processes')}>
        <Table
          caption="All worker processes"
          columns={columns}
          rows={workers.map((worker, place) => ({ ...worker, place }))}
          keyOf={({ place }) => String(place)}
          empty={<p>No worker is up; they start again by themselves.</p>}
        />
      </Panel>
      <Panel title="Journal">
        {journal.length === 0 ? (
          <p className={styles.soft}>
            Nothing to tell. Rulesets that were stopped and parts of the index that were made anew are told here.
          </p>
        ) : (
          <ul className={styles.journal}>
            {journal.map(({ id, created, message, ruleset, sha1 }) => (
              <li key={id}>
                {message}
                <small>
                  <Moment at={created} />
                  {ruleset && (
                    <>
                      {' · '}
                      <Link to={addressOfRuleset(ruleset)}>{ruleset}</Link>
                    </>
                  )}
                  {sha1 && (
                    <>
                      {' · '}
                      <Link to={`/samples/${sha1}`}>sample {sha1.slice(0, 10)}…</Link>
                    </>
                  )}
                </small>
              </li>
            ))}
          </ul>
        )}
      </Panel>
    </>
  )
}

function Fact({ title, value }: { readonly title: string; readonly value: string }) {
  return (
    <div>
      <dt>{title}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function formatRestarts({ crash, timeout, memory }: Health['restarts']): string {
  const causes = [
    crash > 0 && `${crash} crashed`,
    timeout > 0 && `${timeout} too slow`,
    memory > 0 && `${memory} too large`,
  ]
  return causes.filter(Boolean).join(', ') || 'none'
}

type Worker = Health['workers'][number] & { readonly place: number }

const columns: readonly Column<Worker>[] = [
  { key: 'role', title: 'Role', cell: ({ role }) => (role === 'worker' ? 'scans and indexes' : 'checks rules') },
  {
    key: 'busy',
    title: 'State',
    cell: ({ busy, stage }) => (busy ? <Badge tone="information">{stage ?? 'busy'}</Badge> : 'idle'),
  },
  { key: 'memory', title: 'Memory', align: 'end', cell: ({ resident_bytes }) => bytes(resident_bytes) },
]
