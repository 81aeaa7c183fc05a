import { useEffect, useEffectEvent, useRef } from 'react'
import UPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import styles from './chart.module.css'

export interface ChartSeries {
  readonly title: string
  /** A colour of tokens.css, such as `--accent`. */
  readonly colour: string
  /** One for each place on the x axis; null where there is none. */
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  /** What the picture shows, for those who do not see it; give the numbers beside it too. */
  readonly label: string
  /** Ascending: seconds since 1970 for `time`, any numbers otherwise. */
  readonly x: readonly number[]
  readonly xKind?: 'time' | 'number'
  readonly series: readonly ChartSeries[]
  readonly kind: 'bars' | 'lines'
  readonly height?: number
  /** How values read on the axis and under the pointer. */
  readonly valueText?: (value: number) => string
  readonly xText?: (value: number) => string
  /** What the x axis counts. */
  readonly xTitle?: string
  /** How far the x axis goes where that is not from the first to the last place. */
  readonly xRange?: readonly [low: number, high: number]
  /** A click on a place; give the same way without a pointer elsewhere. */
  readonly onChoose?: (place: number) => void
}

/** Bars or lines over time or numbers; the pointer shows the values of a place. It fills the width of its container. */
export function Chart({
  label,
  x,
  xKind = 'time',
  series,
  kind,
  height = 140,
  valueText = String,
  xText,
  xTitle = 'Time',
  xRange,
  onChoose,
}: ChartProps) {
  const place = useRef<HTMLDivElement>(null)
  const chosen = useEffectEvent((at: number) => onChoose?.(at))
  useEffect(() => {
    const container = place.current
    if (!container) return
    const colour = (name: string) => () => colourOf(container, name)
    const bars = UPlot.paths.bars?.({ size: [0.7, 48], radius: 0.15 })
    const axis = {
      stroke: colour('--text-soft'),
      font: `11px ${getComputedStyle(container).fontFamily}`,
      ticks: { show: false },
    }
    const chart = new UPlot(
      {
        width: Math.max(1, container.clientWidth),
        height,
        scales: {
          x: { time: xKind === 'time', ...(xRange && { range: [...xRange] as [number, number] }) },
          y: { range: (_, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            ...(xText && { values: (_, splits) => splits.map(xText) }),
          },
          {
            ...axis,
            size: 56,
            grid: { stroke: colour('--line'), width: 1 },
            values: (_, splits) => splits.map(valueText),
          },
        ],
        cursor: { y: false, points: { show: kind === 'lines' } },
        legend: { live: true },
        series: [
          {
            label: xTitle,
            ...(xText && { value: (_: UPlot, value: number | null) => (value === null ? '–' : xText(value)) }),
          },
          ...series.map(({ title, colour: name }) => ({
            label: title,
            stroke: colour(name),
            width: kind === 'bars' ? 0 : 1.5,
            points: { show: false },
            value: (_: UPlot, value: number | null) => (value === null ? '–' : valueText(value)),
            ...(kind === 'bars' && { fill: colour(name), ...(bars && { paths: bars }) }),
          })),
        ],
      },
      [x as number[], ...series.map(({ values }) => values as (number | null)[])],
      container,
    )
    chart.over.addEventListener('click', () => {
      const at = chart.cursor.idx
      if (typeof at === 'number') chosen(at)
    })
    const redraw = () => chart.redraw(false, true)
    const dark = window.matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', redraw)
    window.addEventListener('backtrail-theme', redraw)
    const resizing = new ResizeObserver(() => chart.setSize({ width: Math.max(1, container.clientWidth), height }))
    resizing.observe(container)
    return () => {
      dark.removeEventListener('change', redraw)
      window.removeEventListener('backtrail-theme', redraw)
      resizing.disconnect()
      chart.destroy()
    }
  }, [x, xKind, series, kind, height, valueText, xText, xTitle, xRange])
  return (
    <div ref={place} className={styles.chart} data-chosen={onChoose ? true : undefined} role="img" aria-label={label} />
  )
}

/** A token's colour as it is now; a canvas cannot read `light-dark()`. */
function colourOf(near: Element, token: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${token})`
  near.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
