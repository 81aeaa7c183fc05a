/** What a message is about: events of a channel, all of one kind or collected. */
import { type EventCount, type EventKind, type Micros, type NotificationEvent, toIso } from '../store/index.ts'

export type MessageType =
  | 'matches.found'
  | 'local-retro.ended'
  | 'hunt.ended'
  | 'ruleset.suspended'
  | 'notifications.digest'
  | 'notifications.test'

/** Why events came later than they would have. */
export type HeldBack = 'muted' | 'daily-limit'

export interface Message {
  readonly type: MessageType
  readonly at: Micros
  readonly channel: { readonly id: number; readonly name: string }
  readonly counts: readonly EventCount[]
  /** The first of what is counted. */
  readonly events: readonly NotificationEvent[]
  readonly heldBack: HeldBack | null
  /** The daily limit is reached with it. */
  readonly isLastToday: boolean
}

const typeOf: Record<EventKind, MessageType> = {
  match: 'matches.found',
  'local-retro': 'local-retro.ended',
  hunt: 'hunt.ended',
  suspension: 'ruleset.suspended',
}

/** The events at the start that are of one kind: they go into one message. */
export function ofOneKind(events: readonly NotificationEvent[]): NotificationEvent[] {
  const other = events.findIndex(({ kind }) => kind !== events[0]?.kind)
  return events.slice(0, other < 0 ? events.length : other)
}

export function countsOf(events: readonly NotificationEvent[]): EventCount[] {
  const groups = Map.groupBy(events, ({ kind, ruleset }) => `${kind} ${ruleset ?? ''}`)
  return [...groups.values()]
    .flatMap(([first, ...others]) =>
      first ? [{ kind: first.kind, ruleset: first.ruleset, count: 1 + others.length }] : [],
    )
    .sort((a, b) => b.count - a.count)
}

export function typeOfEvents(events: readonly NotificationEvent[], isDigest: boolean): MessageType {
  const [first] = events
  return isDigest || first === undefined ? 'notifications.digest' : typeOf[first.kind]
}

/** How many events of a kind it counts. */
export function countOf({ counts }: Message, kind: EventKind): number {
  return counts.reduce((sum, each) => sum + (each.kind === kind ? each.count : 0), 0)
}

export function rulesOf({ detail }: NotificationEvent): string[] {
  return JSON.parse(detail ?? '[]') as string[]
}

const MOST_RULESETS = 1_000

/** The body of a webhook by the specification: type, timestamp and data. */
export function standardBody(message: Message, publicUrl: string): object {
  const { type, at, channel, counts, events, heldBack, isLastToday } = message
  const ofKind = (kind: EventKind) => events.filter((event) => event.kind === kind)
  const link = (path: string) => (publicUrl === '' ? {} : { url: publicUrl + path })
  const huntJson = ({ hunt, created }: NotificationEvent) => {
    if (hunt === null) return []
    const { failure, matches, samples, processed, state } = hunt
    return [{ state, matches, samples, processed, failure, ended: toIso(created) }]
  }
  const counted = counts.reduce((sum, { count }) => sum + count, 0)
  return {
    type,
    timestamp: toIso(at),
    data: {
      channel,
      counts: {
        matches: countOf(message, 'match'),
        local_retro_runs: countOf(message, 'local-retro'),
        hunts: countOf(message, 'hunt'),
        suspensions: countOf(message, 'suspension'),
      },
      rulesets: counts
        .filter(({ kind }) => kind === 'match')
        .slice(0, MOST_RULESETS)
        .map(({ ruleset, count }) => ({ name: ruleset, matches: count })),
      matches: ofKind('match').flatMap((event) => {
        const { ruleset, sample, created } = event
        if (sample === null) return []
        const { sha256, sha1, name, fileType, size } = sample
        return [
          {
            ruleset,
            rules: rulesOf(event),
            found: toIso(created),
            sample: { sha256, sha1, name, file_type: fileType, size, ...link(`/samples/${sha1}`) },
          },
        ]
      }),
      local_retro_runs: ofKind('local-retro').flatMap(huntJson),
      hunts: ofKind('hunt').flatMap((event) =>
        huntJson(event).map((json) => ({
          id: event.hunt?.id,
          title: event.hunt?.title,
          ...json,
          ...link(`/hunts/${event.hunt?.id}`),
        })),
      ),
      suspensions: ofKind('suspension').map(({ ruleset, detail, created }) => ({
        ruleset,
        reason: detail,
        time: toIso(created),
        ...link(`/rulesets/${encodeURIComponent(ruleset ?? '')}`),
      })),
      /** Events that are counted above, and not listed. */
      more: counted - events.length,
      held_back: heldBack,
      last_today: isLastToday,
    },
  }
}
