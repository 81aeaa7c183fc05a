import type { Micros } from './clock.ts'
import type { HuntState } from './hunts.ts'

export const channelKinds = ['webhook', 'slack', 'teams', 'e-mail'] as const
/** `webhook`: by the Standard Webhooks specification. */
export type ChannelKind = (typeof channelKinds)[number]

export const eventKinds = ['match', 'local-retro', 'hunt', 'suspension'] as const
export type EventKind = (typeof eventKinds)[number]

/** Rulesets of the channel's user, those that were chosen, or all. */
export type NotificationScope = 'mine' | 'chosen' | 'all'

export type DeliveryState = 'waiting' | 'delivered' | 'failed'

/** What its user decides about a channel. */
export interface ChannelSpec {
  readonly name: string
  readonly kind: ChannelKind
  readonly address: string
  readonly events: readonly EventKind[]
  readonly scope: NotificationScope
  /** Ids; empty unless the scope is `chosen`. */
  readonly rulesets: readonly number[]
  /** Seconds for which events are collected; 0: sent at once. */
  readonly digest: number
  /** Messages a day (UTC). */
  readonly dailyLimit: number
  readonly mutedUntil: Micros | null
}

export interface NotificationChannel extends Omit<ChannelSpec, 'rulesets'> {
  readonly id: number
  readonly userId: number
  readonly secret: string
  readonly created: Micros
  readonly modified: Micros
  /** Why nothing is sent there any more. */
  readonly refused: string | null
  /** Events up to this one are in messages. */
  readonly cursor: number
  /** How many messages were made on a day, in days since 1970. */
  readonly day: number
  readonly sent: number
}

export interface NotificationEvent {
  readonly id: number
  readonly kind: EventKind
  readonly created: Micros
  readonly ruleset: string | null
  /** Rules that match, or why a ruleset was suspended. */
  readonly detail: string | null
  readonly sample: {
    readonly sha256: string | null
    readonly sha1: string
    readonly name: string
    readonly fileType: string
    readonly size: number
  } | null
  readonly hunt: {
    readonly id: number
    readonly title: string | null
    readonly state: HuntState
    readonly samples: number
    readonly processed: number
    readonly matches: number
    readonly failure: string | null
  } | null
}

export interface NotificationDelivery {
  readonly id: number
  readonly channelId: number
  readonly messageId: string
  readonly title: string
  readonly body: string
  readonly created: Micros
  readonly state: DeliveryState
  readonly attempts: number
  readonly due: Micros
  readonly ended: Micros | null
  readonly status: number | null
  readonly problem: string | null
}

/** Events that a channel has in no message yet, as far as they are counted. */
export interface EventCount {
  readonly kind: EventKind
  readonly ruleset: string | null
  readonly count: number
}

/**
 * Where users are notified, of what, and what became of it. Ends of hunts and suspensions of rulesets become events by
 * themselves, with the change of the row; matches do by `recordMatches`.
 */
export interface StoredNotifications {
  find(id: number): Promise<NotificationChannel | null>
  /** By id. */
  listOf(userId: number): Promise<NotificationChannel[]>
  /** The names of the rulesets that were chosen, by name. */
  rulesetsOf(channelId: number): Promise<string[]>
  /** Returns the id. Events before are none of it. */
  add(channel: ChannelSpec & { readonly userId: number; readonly secret: string; readonly at: Micros }): Promise<number>
  /** Sets all of it anew; it is not refused any more. */
  change(id: number, to: ChannelSpec & { readonly secret: string; readonly at: Micros }): Promise<void>
  /** With its events and deliveries. */
  delete(id: number): Promise<void>
  deleteOf(userId: number): Promise<void>
  /** The other side wants nothing any more: what waits has failed. */
  refuse(id: number, reason: string, at: Micros): Promise<void>

  /** New matches of a sample, for the channels that want them. */
  recordMatches(
    sampleId: number,
    matches: readonly { readonly rulesetId: number; readonly rules: readonly string[] }[],
    at: Micros,
  ): Promise<void>
  /** Channels of users who may log in that have events in no message, and when the first of them happened. */
  findPending(): Promise<{ readonly channel: NotificationChannel; readonly oldest: Micros; readonly waiting: number }[]>
  /** In order of time. */
  eventsAfter(channelId: number, cursor: number, most: number): Promise<NotificationEvent[]>
  /** By kind and ruleset; of the first `most` alone. `last`: the id of the last that was counted. */
  countEvents(
    channelId: number,
    cursor: number,
    most: number,
  ): Promise<{ readonly counts: EventCount[]; readonly last: number }>
  /** Events up to `cursor` are in messages now, so many of which were made on the day. */
  advance(
    channelId: number,
    to: { readonly cursor: number; readonly day: number; readonly sent: number },
  ): Promise<void>
  /** Deletes some of the events that are in messages. Returns how many. */
  deleteHandled(channelId: number, most: number): Promise<number>

  addDelivery(
    delivery: Pick<NotificationDelivery, 'channelId' | 'messageId' | 'title' | 'body'> & { readonly at: Micros },
  ): Promise<number>
  findDelivery(id: number): Promise<NotificationDelivery | null>
  /** What waits and is due, of users who may log in, the longest due first. */
  findDue(at: Micros, most: number): Promise<NotificationDelivery[]>
  settle(id: number, as: { readonly state: 'delivered' | 'failed'; readonly at: Micros } & Attempted): Promise<void>
  postpone(id: number, to: { readonly due: Micros } & Attempted): Promise<void>
  /** What failed waits again, from the first attempt. False where it is not there, or did not fail. */
  retry(id: number, at: Micros): Promise<boolean>
  /** Newest first. */
  listDeliveries(channelId: number, before: number | null, most: number): Promise<NotificationDelivery[]>
  /** Of all channels. */
  backlog(): Promise<{ readonly waiting: number; readonly oldest: Micros | null }>
  /** Deletes what ended before a time. */
  deleteEnded(before: Micros): Promise<void>
}

interface Attempted {
  readonly attempts: number
  readonly status: number | null
  readonly problem: string | null
}
