import type { ReactNode } from 'react'
import { Link, useParams } from 'react-router'
import { type RetroRun, useRetroRuns } from '../../api/retro.ts'
import { LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Moment } from '../../parts/moment.tsx'
import { bytes, count, counted, duration } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { Statistic, Statistics } from '../../parts/statistic.tsx'
import { MatchList } from '../matches/match-list.tsx'
import { headingOf, ruledOut } from './run-words.ts'

/** As the server keeps lists of. */
const RUNS_KEPT = 20

/** What a run of Local Retro found, new or not. */
export function Component() {
  const id = Number(useParams().id)
  const runs = useRetroRuns()
  if (runs.isError && !runs.data) return <Problem error={runs.error} onRetry={() => void runs.refetch()} />
  if (!runs.data) return <PageHead title="Run of Local Retro" about="Loading …" />
  const place = runs.data.results.findIndex((run) => run.id === id)
  const run = runs.data.results[place]
  if (!run) {
    return (
      <>
        <PageHead title="Run of Local Retro" />
        <EmptyState title="There is no such run" action={<LinkButton href="/retro">All runs</LinkButton>}>
          It may be older than the runs that are listed.
        </EmptyState>
      </>
    )
  }
  const title = `Run ${id} of Local Retro`
  const about = <About run={run} before={runs.data.results[place + 1]} />
  if (place >= RUNS_KEPT) {
    return (
      <>
        <PageHead title={title} about={about} />
        <Numbers of={run} />
        <p>
          What each run found is kept of the last {counted(RUNS_KEPT, 'run')}; this one is older. Its matches are among{' '}
          <Link to="/matches">all matches</Link>.
        </p>
      </>
    )
  }
  return (
    <MatchList title={title} about={about} run={id}>
      <Numbers of={run} />
    </MatchList>
  )
}

function About({ run, before }: { readonly run: RetroRun; readonly before: RetroRun | undefined }): ReactNode {
  return (
    <>
      {headingOf(run)}, by {run.started_by}
      {run.started && (
        <>
          , <Moment at={run.started} />
        </>
      )}
      {before?.stopped && (
        <>
          ; the run before ended <Moment at={before.stopped} />
        </>
      )}
    </>
  )
}

function Numbers({ of: run }: { readonly of: RetroRun }) {
  return (
    <Statistics>
      <Statistic name="New matches">{count(run.matches)}</Statistic>
      <Statistic name="Rulesets">{count(run.rulesets)}</Statistic>
      <Statistic name="Processed">{count(run.processed)}</Statistic>
      <Statistic name="Ruled out by the index">{ruledOut(run)}</Statistic>
      <Statistic name="Scanned">{bytes(run.scanned_bytes)}</Statistic>
      {run.started && run.stopped && (
        <Statistic name="Took">{duration(Date.parse(run.stopped) - Date.parse(run.started))}</Statistic>
      )}
    </Statistics>
  )
}
