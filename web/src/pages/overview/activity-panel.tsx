import { useMemo } from 'react'
import { useNavigate } from 'react-router'
import { type Activity, type Span, useActivity } from '../../api/overview.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Chart } from '../../parts/chart.tsx'
import { Select } from '../../parts/field.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import styles from './overview-page.module.css'

const spans: readonly { readonly id: Span; readonly title: string }[] = [
  { id: 'day', title: 'day' },
  { id: 'week', title: 'week' },
  { id: 'month', title: 'month' },
  { id: 'year', title: 'year' },
]
const sampleWords = ['sample', 'samples'] as const
const matchWords = ['match', 'matches'] as const
const initial: { readonly span: string } = { span: 'month' }

/** What arrived and what matched over time. */
export function ActivityPanel() {
  const [state, change] = useAddressState(initial)
  const span = spans.find(({ id }) => id === state.span)?.id ?? 'month'
  const activity = useActivity(span)
  const navigate = useNavigate()
  return (
    <Panel
      title="Over time"
      aside={<Select label="The last" value={span} options={spans} onChange={(span) => change({ span })} />}
    >
      {activity.isError && !activity.data ? (
        <Problem error={activity.error} onRetry={() => void activity.refetch()} />
      ) : activity.data ? (
        <div className={styles.charts}>
          <Counts title="Samples first seen" what={sampleWords} of="samples" in={activity.data} span={span} />
          <Counts
            title="Matches recorded"
            what={matchWords}
            of="matches"
            in={activity.data}
            span={span}
            onChoose={(from, to) => void navigate(`/matches?from=${from}&to=${to}`)}
          />
        </div>
      ) : (
        <p className={styles.soft}>Counting …</p>
      )}
    </Panel>
  )
}

/** A small chart of counts, the last column still growing; who cannot see it gets a table. */
function Counts({
  title,
  what,
  of,
  in: { seconds, columns },
  span,
  onChoose,
}: {
  readonly title: string
  readonly what: readonly [one: string, many: string]
  readonly of: 'samples' | 'matches'
  readonly in: Activity
  readonly span: Span
  /** The days (UTC) of a column that was clicked. */
  readonly onChoose?: (from: string, to: string) => void
}) {
  const x = useMemo(() => columns.map(({ start }) => Date.parse(start) / 1000), [columns])
  const series = useMemo(
    () => [{ title: what[1], colour: '--accent', values: columns.map((column) => column[of]) }],
    [columns, of, what],
  )
  const isByHour = seconds < 86_400
  const name = isByHour ? hourName : dayName
  const sum = columns.reduce((total, column) => total + column[of], 0)
  return (
    <figure>
      <figcaption className={styles.caption}>
        <h3>{title}</h3>
        <span>{counted(sum, ...what)}</span>
      </figcaption>
      <Chart
        label={`${title} in the last ${span}: ${counted(sum, ...what)} in all`}
        x={x}
        xText={isByHour ? shortHourName : dayName}
        xTitle={seconds === 7 * 86_400 ? 'Week of' : 'From'}
        series={series}
        kind="bars"
        valueText={wholeCount}
        {...(onChoose && {
          onChoose: (place: number) => onChoose(dayOf(x[place] ?? 0), dayOf((x[place] ?? 0) + seconds - 1)),
        })}
      />
      <table className="visually-hidden">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">{what[1]}</th>
          </tr>
        </thead>
        <tbody>
          {columns.map((column, place) => (
            <tr key={column.start}>
              <th scope="row">{name(x[place] ?? 0)}</th>
              <td>{count(column[of])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  )
}

const dayOf = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10)

/** The axis has steps between whole numbers where there is little to count. */
const wholeCount = (value: number): string => (Number.isInteger(value) ? count(value) : '')

const hours = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
// Days begin at midnight of UTC, so they are named by UTC.
const days = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
const times = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const dates = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' })
const hourName = (seconds: number): string => hours.format(seconds * 1000)
const dayName = (seconds: number): string => days.format(seconds * 1000)
/** On the axis a day is named where it begins, and only the time elsewhere. */
const shortHourName = (seconds: number): string => {
  const time = times.format(seconds * 1000)
  return time === '00:00' ? dates.format(seconds * 1000) : time
}
