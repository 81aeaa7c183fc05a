import { useEffect, useRef, useState } from 'react'
import { Link } from 'react-router'
import { isRunning, type RetroRun, useRetroOperation, useRetroRuns } from '../../api/retro.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { TABLE_FROM } from '../../parts/media.ts'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { bytes, count, counted, duration } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { Statistic, Statistics } from '../../parts/statistic.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { HistoryChart } from './history-chart.tsx'
import styles from './retro-page.module.css'
import { headingOf, ruledOut } from './run-words.ts'

export function Component() {
  const runs = useRetroRuns()
  const operation = useRetroOperation()
  const [latest] = runs.data?.results ?? []
  const running = latest && isRunning(latest) ? latest : null
  useEndNotice(runs.data?.results)
  const operate = (asked: 'START' | 'STOP') => operation.mutate(asked, { onError: notifyFailed })

  return (
    <>
      <PageHead
        title="Local Retro"
        about="All enabled rulesets against all stored samples. The index rules out most of them without reading."
        actions={
          running ? (
            <Button weight="danger" isDisabled={operation.isPending} onPress={() => operate('STOP')}>
              Stop
            </Button>
          ) : (
            <Button weight="main" isDisabled={operation.isPending || !runs.data} onPress={() => operate('START')}>
              Start Local Retro
            </Button>
          )
        }
      />
      {runs.isError && <Problem error={runs.error} onRetry={() => void runs.refetch()} />}
      {latest && <Latest run={latest} />}
      {runs.data && runs.data.results.length > 1 && <HistoryChart runs={runs.data.results} />}
      {(runs.data || !runs.isError) && (
        <Table
          name="retro-runs"
          caption="Runs of Local Retro, newest first"
          columns={columns}
          rows={runs.data?.results}
          keyOf={({ id }) => String(id)}
          empty={
            <EmptyState
              title="Local Retro has not run yet"
              action={<LinkButton href="/rulesets">Look at the rulesets</LinkButton>}
            >
              New samples are matched as they arrive. Start a run after saving or enabling rulesets, to find what came
              before them.
            </EmptyState>
          }
        />
      )}
    </>
  )
}

/** Says in a notice that a run has come to its end since the page was opened, even if it ended between two looks. */
function useEndNotice(runs: readonly RetroRun[] | undefined): void {
  const announced = useRef<number | null>(null)
  useEffect(() => {
    if (!runs) return
    const ended = runs.find((run) => !isRunning(run))
    const before = announced.current
    announced.current = ended?.id ?? 0
    if (!ended || before === null || ended.id <= before) return
    const found = counted(ended.matches, 'new match', 'new matches')
    notifyDone(
      ended.state === 'COMPLETED' ? `Local Retro is complete: ${found}.` : `Local Retro was stopped: ${found}.`,
    )
  }, [runs])
}

function Latest({ run }: { readonly run: RetroRun }) {
  const runs = isRunning(run)
  const rate = useRate(run)
  return (
    <section className={styles.latest} aria-label={runs ? 'The present run' : 'The latest run'}>
      <div className={styles.head}>
        <h2>{headingOf(run)}</h2>
        <p>
          by {run.started_by}
          {run.started && (
            <>
              , <Moment at={run.started} />
            </>
          )}
          {run.stopped_by && `, stopped by ${run.stopped_by}`}
        </p>
      </div>
      {runs && (
        <>
          <ProgressBar label="Local Retro" done={run.processed} whole={run.state === 'STARTING' ? null : run.samples} />
          <p className={styles.pace}>
            {count(run.processed)} of {counted(run.samples, 'sample')}
            {rate !== null && ` · ${count(Math.round(rate))} samples/s`}
            {run.milliseconds_left !== null && ` · ${duration(run.milliseconds_left)} left`}
          </p>
        </>
      )}
      {run.failure && <Problem error={new Error(`It could not go on: ${run.failure}`)} />}
      <Statistics>
        <Statistic name="New matches">{count(run.matches)}</Statistic>
        <Statistic name="Rulesets">{count(run.rulesets)}</Statistic>
        <Statistic name="Processed">{count(run.processed)}</Statistic>
        <Statistic
          name="Ruled out by the index"
          hint="the share of all pairs of sample and ruleset that the index decided without reading the sample"
        >
          {ruledOut(run)}
        </Statistic>
        <Statistic name="Scanned">{bytes(run.scanned_bytes)}</Statistic>
        {run.skipped > 0 && <Statistic name="Skipped">{count(run.skipped)}</Statistic>}
        {!runs && run.started && run.stopped && (
          <Statistic name="Took">{duration(Date.parse(run.stopped) - Date.parse(run.started))}</Statistic>
        )}
      </Statistics>
      {!runs && (
        <p>
          <Link to={`/retro/${run.id}`}>Matches of this run</Link> ·{' '}
          <Link to={`/retro/${run.id}?new_in_run=true`}>New since the run before</Link>
        </p>
      )}
    </section>
  )
}

/** Samples a second over the last few looks, null before there are two. */
function useRate({ id, processed }: RetroRun): number | null {
  const seen = useRef<{ id: number; points: { at: number; processed: number }[] }>({ id, points: [] })
  const [rate, setRate] = useState<number | null>(null)
  useEffect(() => {
    if (seen.current.id !== id) seen.current = { id, points: [] }
    const { points } = seen.current
    points.push({ at: performance.now(), processed })
    if (points.length > 10) points.shift()
    const [first] = points
    const last = points.at(-1)
    if (!first || !last || last.at - first.at < 200) return
    setRate((1000 * (last.processed - first.processed)) / (last.at - first.at))
  }, [id, processed])
  return rate
}

const columns: readonly Column<RetroRun>[] = [
  {
    key: 'started',
    title: 'Started',
    cell: ({ id, started }) => <Link to={`/retro/${id}`}>{started ? <Moment at={started} /> : `Run ${id}`}</Link>,
  },
  { key: 'state', title: 'State', cell: (run) => <span data-state={run.state}>{headingOf(run).toLowerCase()}</span> },
  { key: 'by', title: 'Started by', from: TABLE_FROM, cell: ({ started_by }) => started_by },
  { key: 'rulesets', title: 'Rulesets', from: TABLE_FROM, align: 'end', cell: ({ rulesets }) => count(rulesets) },
  { key: 'samples', title: 'Samples', from: TABLE_FROM, align: 'end', cell: ({ samples }) => count(samples) },
  { key: 'ruled-out', title: 'Ruled out', from: TABLE_FROM, align: 'end', cell: ruledOut },
  {
    key: 'scanned',
    title: 'Scanned',
    from: TABLE_FROM,
    align: 'end',
    cell: ({ scanned_bytes }) => bytes(scanned_bytes),
  },
  {
    key: 'took',
    title: 'Took',
    from: TABLE_FROM,
    align: 'end',
    cell: ({ started, stopped }) => (started && stopped ? duration(Date.parse(stopped) - Date.parse(started)) : '–'),
  },
  {
    key: 'matches',
    title: 'New matches',
    align: 'end',
    cell: ({ id, matches }) =>
      matches === 0 ? '0' : <Link to={`/retro/${id}?new_in_run=true`}>{count(matches)}</Link>,
  },
]
