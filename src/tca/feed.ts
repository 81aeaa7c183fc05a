/**
 * The two feeds of matches: those of samples as they arrive, and those of retro hunts.
 *
 * A client asks for what there is from a second on, that second included, and gets a page: entries by ascending
 * `timestamp`, some thousand of them. A page never ends inside a second, so whoever asks again from `last_timestamp + 1`
 * gets everything once, and whoever asks from `last_timestamp` gets at most the last second twice:
 *
 * - A page that was cut ends with its last entry, and `last_timestamp` is that entry's second.
 * - A page that was not cut holds all there is between the start and 24 hours later (or now, if that comes first);
 *   `last_timestamp` is that end, and nothing of up to that second can appear later.
 * - While the second that a client asks for has not passed yet, the page is empty and `last_timestamp` is the second
 *   before it.
 */
import { fromPlainTime } from './times.ts'

export type FeedKind = 'live' | 'retro'

/** What the feeds call themselves in `rl.feed.name`. */
export const feedNames: Readonly<Record<FeedKind, string>> = {
  live: 'YARA Match Continuous Feed',
  retro: 'YARA Retro Match Continuous Feed',
}

const DAY = 24 * 60 * 60

/** The second up to which one answer looks at most, given the second that it starts with. */
export function feedEnd(start: number): number {
  return start + DAY
}

/** The second that the address of a feed asks for; null for a form or a time that the protocol does not know. */
export function firstSecondOf(form: string, start: string): number | null {
  if (form === 'utc') return fromPlainTime(start)
  return form === 'timestamp' && /^\d{1,11}$/.test(start) ? Number(start) : null
}
