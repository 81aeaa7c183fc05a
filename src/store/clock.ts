/** Microseconds since 1970-01-01 UTC. */
export type Micros = number

let latest = 0

/**
 * The time in microseconds since 1970 UTC. Never smaller than what it gave before, even when the machine's clock is
 * set back, so that what is recorded later sorts later.
 */
export function now(): Micros {
  // The monotonic clock on the wall clock of the process's start has the microseconds that Date.now() lacks; Date.now()
  // takes over when the two drift apart, as they do when the machine sleeps or its clock is set.
  const fine = Math.floor((performance.timeOrigin + performance.now()) * 1000)
  const coarse = Date.now() * 1000
  latest = Math.max(latest, Math.abs(fine - coarse) < 50_000 ? fine : coarse)
  return latest
}

/** `2017-03-14T11:19:31.978544Z`; null for null. */
export function toIso(time: Micros): string
export function toIso(time: Micros | null): string | null
export function toIso(time: Micros | null): string | null {
  return time === null ? null : `${sixDigits(time)}Z`
}

/** `2017-03-14T11:19:31.978544+00:00`; null for null. */
export function toIsoOffset(time: Micros): string
export function toIsoOffset(time: Micros | null): string | null
export function toIsoOffset(time: Micros | null): string | null {
  return time === null ? null : `${sixDigits(time)}+00:00`
}

function sixDigits(time: Micros): string {
  const seconds = Math.floor(time / 1_000_000)
  const fraction = String(time - seconds * 1_000_000).padStart(6, '0')
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}`
}
