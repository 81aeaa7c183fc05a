import { useMemo } from 'react'
import type { RetroRun } from '../../api/retro.ts'
import { Chart } from '../../parts/chart.tsx'
import { duration } from '../../parts/numbers.ts'
import styles from './retro-page.module.css'

const SHOWN = 30

/** How long the last runs took; the table below has their numbers. */
export function HistoryChart({ runs }: { readonly runs: readonly RetroRun[] }) {
  const ended = useMemo(
    () =>
      runs
        .filter(({ started, stopped }) => started && stopped)
        .slice(0, SHOWN)
        .reverse(),
    [runs],
  )
  const x = useMemo(() => ended.map((_, position) => position + 1), [ended])
  const series = useMemo(() => [{ title: 'Took', colour: '--accent', values: ended.map(secondsOf) }], [ended])
  const xText = useMemo(() => (place: number) => dayOf(ended[place - 1]), [ended])
  const xRange = useMemo(() => [0.5, Math.max(12, ended.length) + 0.5] as const, [ended])
  if (ended.length < 2) return null
  return (
    <section className={styles.chart} aria-label="How long the runs took">
      <h2>How long the runs took</h2>
      <Chart
        label={`How long the last ${ended.length} runs took; the table below has the numbers`}
        x={x}
        xKind="number"
        series={series}
        kind="bars"
        height={130}
        valueText={secondsText}
        xText={xText}
        xTitle="Run of"
        xRange={xRange}
      />
    </section>
  )
}

const secondsOf = ({ started, stopped }: RetroRun): number | null =>
  started && stopped ? (Date.parse(stopped) - Date.parse(started)) / 1000 : null

const secondsText = (seconds: number): string => (seconds === 0 ? '0' : duration(seconds * 1000))

const days = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

/** Empty between two runs, where the axis may have a mark. */
const dayOf = (run: RetroRun | undefined): string => (run?.started ? days.format(new Date(run.started)) : '')
