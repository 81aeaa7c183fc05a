/**
 * Turns events into messages, and delivers them.
 *
 *   event ══ (written with what happened) ──▶ message ══ (one transaction with the channel's cursor) ──▶ delivered
 *                                               │   ▲
 *                                               │   └─ not delivered: again after a pause that grows
 *                                               └───── failed: after three days, or the other side wants no more
 *
 * Nothing is lost by a kill: an event is in the database until a message has it, and a message until it was taken. What
 * was taken in the moment of a kill is sent once more, with the same id.
 *
 * The events of a channel that is muted, or that has had its messages of the day, wait, and come in one message. Those of
 * a channel whose messages do not arrive wait too.
 */
import { randomBytes } from 'node:crypto'
import { Loop } from '../background/index.ts'
import { Failure, messageOf } from '../errors/index.ts'
import { pauseAfter } from '../network/index.ts'
import type { Log } from '../scanning/index.ts'
import {
  type Micros,
  type NotificationChannel,
  type NotificationDelivery,
  now,
  type Store,
  type UnitOfWork,
} from '../store/index.ts'
import type { MailPost } from './mail-post.ts'
import { countsOf, type HeldBack, type Message, ofOneKind, typeOfEvents } from './message.ts'
import { bodyOf } from './shapes.ts'
import type { WebhookPost } from './webhook-post.ts'
import { wordsOf } from './words.ts'

const SECOND = 1_000_000
const DAY = 24 * 3_600 * SECOND
const LOOK_EVERY_MS = 1_000
const LOOK_AFTER_DEFECT_MS = 10_000
const CLEAR_EVERY = 3_600 * SECOND
const KEPT = 30 * DAY
/** In a message that is sent at once, and in a digest. */
const LISTED_AT_ONCE = 100
const LISTED_IN_DIGEST = 500
const COUNTED_IN_DIGEST = 100_000
const HANDLED_AT_ONCE = 5_000
/** Messages of a channel that wait; behind them events are collected. */
const MOST_WAITING = 20
/** Channels that are delivered to at the same time. */
const MOST_AT_ONCE = 8
const LONGEST_PAUSE_MS = 3_600_000
/** With the pauses between them these take three days. */
const MOST_ATTEMPTS = 100
const GONE = 410

export interface Counters {
  readonly delivered: number
  readonly postponed: number
  readonly failed: number
}

export class Sender {
  readonly #store: Store
  readonly #post: WebhookPost
  readonly #mail: MailPost
  readonly #publicUrl: string
  readonly #log: Log
  readonly #lifetime = new AbortController()
  /** By channel. */
  readonly #underWay = new Map<number, Promise<unknown>>()
  readonly #counters = { delivered: 0, postponed: 0, failed: 0 }
  readonly #loop = new Loop()
  #cleared: Micros = 0

  constructor(parts: {
    readonly store: Store
    readonly post: WebhookPost
    readonly mail: MailPost
    readonly publicUrl: string
    readonly log: Log
  }) {
    this.#store = parts.store
    this.#post = parts.post
    this.#mail = parts.mail
    this.#publicUrl = parts.publicUrl
    this.#log = parts.log
  }

  get counters(): Counters {
    return this.#counters
  }

  start(): void {
    this.#loop.start(async (signal) => {
      try {
        await this.#look()
        return LOOK_EVERY_MS
      } catch (error) {
        if (!signal.aborted) this.#log.error({ err: error }, 'notifications could not be read')
        return LOOK_AFTER_DEFECT_MS
      }
    })
  }

  /** What is under way is given up; it is sent again after the next start. */
  async stop(): Promise<void> {
    this.#lifetime.abort()
    await this.#loop.stop()
    await Promise.allSettled(this.#underWay.values())
  }

  /** Sends a test to a channel, and waits for the one attempt that it gets. */
  async test(channel: NotificationChannel): Promise<NotificationDelivery> {
    const message: Message = {
      type: 'notifications.test',
      at: now(),
      channel: { id: channel.id, name: channel.name },
      counts: [],
      events: [],
      heldBack: null,
      isLastToday: false,
    }
    while (this.#underWay.has(channel.id)) await Promise.allSettled([this.#underWay.get(channel.id)])
    let ended: NotificationDelivery | null = null
    await this.#alone(channel.id, async () => {
      const { notifications } = this.#store
      const id = await notifications.addDelivery(this.#rowOf(channel, message))
      const delivery = await notifications.findDelivery(id)
      if (delivery !== null) await this.#attempt(delivery, 1)
      ended = await notifications.findDelivery(id)
    })
    if (ended === null) throw new Failure('notification.not-found')
    return ended
  }

  async #look(): Promise<void> {
    const at = now()
    const { notifications } = this.#store
    for (const { channel, oldest, waiting } of await notifications.findPending()) {
      if (waiting < MOST_WAITING) await this.#compose(channel, oldest, at)
    }
    for (const delivery of await notifications.findDue(at, 10 * MOST_AT_ONCE)) {
      if (this.#underWay.size >= MOST_AT_ONCE) break
      if (this.#underWay.has(delivery.channelId)) continue
      void this.#alone(delivery.channelId, () => this.#attempt(delivery, MOST_ATTEMPTS))
        .catch((error: unknown) => {
          if (!this.#lifetime.signal.aborted) this.#log.error({ err: error }, 'a notification could not be recorded')
        })
        // The next one of the channel may be due.
        .finally(() => this.#loop.wake())
    }
    if (at - this.#cleared > CLEAR_EVERY) {
      this.#cleared = at
      await notifications.deleteEnded(at - KEPT)
    }
  }

  /** Makes a message of the events that a channel waits for, if it is time. */
  async #compose(channel: NotificationChannel, oldest: Micros, at: Micros): Promise<void> {
    const heldBack = heldBackBy(channel, oldest, at)
    if (at < dueAt(channel, oldest, at)) return
    const isDigest = channel.digest > 0 || heldBack !== null
    const { id, name, cursor } = channel
    const day = Math.floor(at / DAY)
    const sent = sentToday(channel, at) + 1
    await this.#store.transaction('notify', async (tx) => {
      const { counts, events, last } = isDigest ? await collected(tx, id, cursor) : await next(tx, id, cursor)
      if (events.length === 0) return
      const type = typeOfEvents(events, isDigest)
      const isLastToday = sent >= channel.dailyLimit
      const message = { type, at, channel: { id, name }, counts, events, heldBack, isLastToday }
      await tx.notifications.addDelivery(this.#rowOf(channel, message))
      await tx.notifications.advance(id, { cursor: last, day, sent })
    })
    while ((await this.#store.notifications.deleteHandled(id, HANDLED_AT_ONCE)) === HANDLED_AT_ONCE);
  }

  #rowOf(channel: NotificationChannel, message: Message) {
    return {
      channelId: channel.id,
      messageId: `msg_${randomBytes(18).toString('base64url')}`,
      title: wordsOf(message).title,
      body: bodyOf(channel.kind, message, this.#publicUrl),
      at: message.at,
    }
  }

  async #alone(channelId: number, work: () => Promise<void>): Promise<void> {
    const running = work().finally(() => this.#underWay.delete(channelId))
    this.#underWay.set(channelId, running)
    return running
  }

  async #attempt(delivery: NotificationDelivery, mostAttempts: number): Promise<void> {
    const { notifications } = this.#store
    const channel = await notifications.find(delivery.channelId)
    if (channel === null) return
    const attempts = delivery.attempts + 1
    let status: number | null = null
    let failure: Failure
    try {
      const answer = await this.#send(channel, delivery)
      status = answer?.status ?? null
      if (answer === null || (answer.status >= 200 && answer.status < 300)) {
        await notifications.settle(delivery.id, { state: 'delivered', at: now(), attempts, status, problem: null })
        this.#counters.delivered++
        return
      }
      failure = refusalOf(channel.address, answer)
    } catch (error) {
      this.#lifetime.signal.throwIfAborted()
      if (!(error instanceof Failure)) throw error
      failure = error
    }
    const problem = messageOf(failure)
    const details = { channel: channel.id, attempts, reason: problem }
    if (status === GONE || attempts >= mostAttempts) {
      await notifications.settle(delivery.id, { state: 'failed', at: now(), attempts, status, problem })
      if (status === GONE) await notifications.refuse(channel.id, problem, now())
      this.#counters.failed++
      this.#log.warn(details, 'a notification could not be delivered')
      return
    }
    const due = now() + Math.round(pauseAfter(attempts, failure, LONGEST_PAUSE_MS) * 1_000)
    await notifications.postpone(delivery.id, { due, attempts, status, problem })
    this.#counters.postponed++
    this.#log.info(details, 'a notification was not delivered yet')
  }

  /** The answer of a web server; null where a mail server took it. */
  async #send(
    { kind, address, secret }: NotificationChannel,
    { messageId: id, title: subject, body }: NotificationDelivery,
  ): Promise<{ status: number; retryAfterMs: number } | null> {
    const { signal } = this.#lifetime
    if (kind !== 'e-mail') {
      return this.#post.send({ url: address, id, body, secret: kind === 'webhook' ? secret : '' }, signal)
    }
    await this.#mail.send({ to: address, subject, text: body, id }, signal)
    return null
  }
}

/** When the oldest of the events that wait is to be sent. */
function dueAt(channel: NotificationChannel, oldest: Micros, at: Micros): Micros {
  const collected = oldest + channel.digest * SECOND
  return Math.max(collected, heldUntil(channel, at) ?? 0)
}

/** Until when nothing is sent; null where nothing holds it back. */
export function heldUntil(channel: NotificationChannel, at: Micros): Micros | null {
  const isOver = sentToday(channel, at) >= channel.dailyLimit
  const untilTomorrow = isOver ? (Math.floor(at / DAY) + 1) * DAY : 0
  const until = Math.max(untilTomorrow, channel.mutedUntil ?? 0)
  return until > at ? until : null
}

/** Messages of the day (UTC), tests left out. */
export function sentToday({ day, sent }: NotificationChannel, at: Micros): number {
  return day === Math.floor(at / DAY) ? sent : 0
}

/** Why the oldest event was held back until now. */
function heldBackBy(
  { mutedUntil, day, sent, dailyLimit }: NotificationChannel,
  oldest: Micros,
  at: Micros,
): HeldBack | null {
  if (mutedUntil !== null && oldest < mutedUntil) return 'muted'
  const wasOver = day === Math.floor(oldest / DAY) && sent >= dailyLimit
  return wasOver && day < Math.floor(at / DAY) ? 'daily-limit' : null
}

async function next({ notifications }: UnitOfWork, channelId: number, cursor: number) {
  const events = ofOneKind(await notifications.eventsAfter(channelId, cursor, LISTED_AT_ONCE))
  return { events, counts: countsOf(events), last: events.at(-1)?.id ?? cursor }
}

async function collected({ notifications }: UnitOfWork, channelId: number, cursor: number) {
  const { counts, last } = await notifications.countEvents(channelId, cursor, COUNTED_IN_DIGEST)
  return { events: await notifications.eventsAfter(channelId, cursor, LISTED_IN_DIGEST), counts, last }
}

function refusalOf(url: string, { status, retryAfterMs }: { status: number; retryAfterMs: number }): Failure {
  const { host } = new URL(url)
  if (status === GONE) {
    return new Failure('notification.unreachable', `${host} answers 410: it wants no messages any more.`)
  }
  const isRedirection = status >= 300 && status < 400
  const why = isRedirection ? `${status}: it sends on to another address, which is not followed` : String(status)
  return new Failure('notification.unreachable', `${host} answers ${why}.`, { retryAfterMs })
}
