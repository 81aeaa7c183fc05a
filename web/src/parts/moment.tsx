import { useSyncExternalStore } from 'react'

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
]

const TICK_MS = 30_000

/** One clock for all the moments of a page, which may be a thousand. */
let ticks = 0
const listeners = new Set<() => void>()
setInterval(() => {
  ticks += 1
  for (const listener of listeners) listener()
}, TICK_MS)

function onTick(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** A time of the API: how long ago, and exactly when on hovering. */
export function Moment({ at }: { readonly at: string }) {
  useSyncExternalStore(onTick, () => ticks)
  return (
    <time dateTime={at} title={exactly(at)}>
      {ago(Date.parse(at), Date.now())}
    </time>
  )
}

/** `22 Nov 2026, 05:31:07`. */
export const exactly = (at: string): string => exact.format(new Date(at))

function ago(then: number, now: number): string {
  const seconds = (then - now) / 1000
  for (const [unit, length] of steps) {
    if (Math.abs(seconds) >= length) return relative.format(Math.round(seconds / length), unit)
  }
  return Math.abs(seconds) < 10 ? 'just now' : relative.format(Math.round(seconds), 'second')
}
