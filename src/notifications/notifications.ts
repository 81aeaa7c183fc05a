/** The channels by which users are notified: what each wants, and what became of its messages. */
import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { NetworkRules } from '../network/index.ts'
import type { Log } from '../scanning/index.ts'
import {
  type ChannelSpec,
  type Micros,
  type NewMatch,
  type NotificationChannel,
  type NotificationDelivery,
  now,
  type Store,
  type UnitOfWork,
} from '../store/index.ts'
import { type MailAccess, MailPost } from './mail-post.ts'
import { type Counters, heldUntil, Sender, sentToday } from './sender.ts'
import { checkedSecret, newSecret } from './signature.ts'
import { WebhookPost } from './webhook-post.ts'

const MOST_CHANNELS = 50
const LONGEST_NAME = 100
const COUNTED = 100_000

/** A channel as its user describes it. */
export interface ChannelRequest extends Omit<ChannelSpec, 'rulesets' | 'scope'> {
  /** Names, or whose. */
  readonly rulesets: readonly string[] | 'mine' | 'all'
  /** Left out: a new one for a new channel; for a change, that stays. */
  readonly secret?: string
}

export interface ChannelState {
  readonly channel: NotificationChannel
  readonly rulesets: readonly string[] | 'mine' | 'all'
  /** Events in no message yet, counted up to 100,000. */
  readonly pending: number
  /** Nothing is sent until then, because it is muted or its daily limit is reached. */
  readonly heldUntil: Micros | null
  readonly sentToday: number
}

export class Notifications {
  readonly #store: Store
  readonly #post: WebhookPost
  readonly #mail: MailPost
  readonly #sender: Sender

  constructor(parts: {
    readonly store: Store
    readonly rules: NetworkRules
    /** Null where no mails are sent. */
    readonly mail: MailAccess | null
    /** Where people reach the web application; '' where that is not known. */
    readonly publicUrl: string
    readonly log: Log
  }) {
    this.#store = parts.store
    this.#post = new WebhookPost(parts.rules)
    this.#mail = new MailPost(parts.mail)
    this.#sender = new Sender({ ...parts, post: this.#post, mail: this.#mail })
  }

  /** Sends from now on. A command that works on a data folder does not call it: the next server sends. */
  start(): void {
    this.#sender.start()
  }

  async stop(): Promise<void> {
    await this.#sender.stop()
  }

  /** Since the start: messages that were delivered, attempts that are repeated, and messages that failed. */
  get counters(): Counters {
    return this.#sender.counters
  }

  /** Messages that wait, and the milliseconds that the oldest does. */
  async backlog(): Promise<{ readonly waiting: number; readonly oldestMs: number }> {
    const { waiting, oldest } = await this.#store.notifications.backlog()
    return { waiting, oldestMs: oldest === null ? 0 : (now() - oldest) / 1_000 }
  }

  /** Makes events of what a sample matches since this transaction. */
  async recordMatches(tx: UnitOfWork, sampleId: number, matches: readonly NewMatch[], at: Micros): Promise<void> {
    if (matches.length === 0) return
    const byRuleset = Map.groupBy(matches, ({ rulesetId }) => rulesetId)
    const grouped = [...byRuleset].map(([rulesetId, found]) => ({ rulesetId, rules: found.map(({ rule }) => rule) }))
    await tx.notifications.recordMatches(sampleId, grouped, at)
  }

  /** The user's own, by id. */
  async list(by: Account): Promise<ChannelState[]> {
    const channels = await this.#store.notifications.listOf(by.id)
    return Promise.all(channels.map((channel) => this.#stateOf(channel)))
  }

  /** `notification.not-found`. */
  async get(by: Account, id: number): Promise<ChannelState> {
    return this.#stateOf(await this.#own(by, id))
  }

  /**
   * Adds a channel, once it is known that its address may be sent to; gives the secret that its messages are signed
   * with, which is shown once. `notification.invalid`, `.refused`, `.unreachable`, `.too-many`, `ruleset.not-found`.
   */
  async add(by: Account, request: ChannelRequest): Promise<ChannelState & { readonly secret: string }> {
    const secret = request.secret === undefined ? newSecret() : checkedSecret(request.secret)
    const spec = await this.#checked(request)
    const id = await this.#store.transaction('changeChannel', async ({ notifications }) => {
      if ((await notifications.listOf(by.id)).length >= MOST_CHANNELS) throw new Failure('notification.too-many')
      return notifications.add({ ...spec, userId: by.id, secret, at: now() })
    })
    return { ...(await this.get(by, id)), secret }
  }

  /** Sets all of it anew, after the same checks. `notification.not-found` besides. */
  async change(by: Account, id: number, request: ChannelRequest): Promise<ChannelState> {
    const { secret: before } = await this.#own(by, id)
    const secret = request.secret === undefined ? before : checkedSecret(request.secret)
    const spec = await this.#checked(request)
    await this.#store.transaction('changeChannel', ({ notifications }) =>
      notifications.change(id, { ...spec, secret, at: now() }),
    )
    return this.get(by, id)
  }

  /** With its messages. `notification.not-found`. */
  async remove(by: Account, id: number): Promise<void> {
    await this.#own(by, id)
    await this.#store.notifications.delete(id)
  }

  /** Sends a test and waits for the answer, whatever holds other messages back. `notification.not-found`. */
  async test(by: Account, id: number): Promise<NotificationDelivery> {
    return this.#sender.test(await this.#own(by, id))
  }

  /** Newest first; `next` is what to give as `before` for more. `notification.not-found`. */
  async deliveries(
    by: Account,
    id: number,
    before: number | null,
    most: number,
  ): Promise<{ readonly results: NotificationDelivery[]; readonly next: number | null }> {
    await this.#own(by, id)
    const found = await this.#store.notifications.listDeliveries(id, before, most + 1)
    const results = found.slice(0, most)
    return { results, next: found.length > most ? (results.at(-1)?.id ?? null) : null }
  }

  /** Sends a message again that has failed. `notification.not-found`, and `notification.invalid` where it has not. */
  async retry(by: Account, id: number, deliveryId: number): Promise<void> {
    await this.#own(by, id)
    const delivery = await this.#store.notifications.findDelivery(deliveryId)
    if (delivery === null || delivery.channelId !== id) throw new Failure('notification.not-found')
    if (await this.#store.notifications.retry(deliveryId, now())) return
    throw new Failure('notification.invalid', 'The message has not failed, so there is nothing to repeat.')
  }

  async #own(by: Account, id: number): Promise<NotificationChannel> {
    const channel = await this.#store.notifications.find(id)
    if (channel === null || channel.userId !== by.id) throw new Failure('notification.not-found')
    return channel
  }

  async #stateOf(channel: NotificationChannel): Promise<ChannelState> {
    const { notifications } = this.#store
    const { counts } = await notifications.countEvents(channel.id, channel.cursor, COUNTED)
    const at = now()
    return {
      channel,
      rulesets: channel.scope === 'chosen' ? await notifications.rulesetsOf(channel.id) : channel.scope,
      pending: counts.reduce((sum, { count }) => sum + count, 0),
      heldUntil: heldUntil(channel, at),
      sentToday: sentToday(channel, at),
    }
  }

  async #checked({ rulesets, ...request }: ChannelRequest): Promise<ChannelSpec> {
    const name = request.name.trim()
    if (name === '' || name.length > LONGEST_NAME || /[\p{C}\p{Zl}\p{Zp}]/u.test(name)) {
      throw new Failure('notification.invalid', `A channel has a name of 1 to ${LONGEST_NAME} visible characters.`)
    }
    if (request.events.length === 0) {
      throw new Failure('notification.invalid', 'Choose at least one kind of event.')
    }
    if (Array.isArray(rulesets) && rulesets.length === 0) {
      throw new Failure('notification.invalid', 'Choose at least one ruleset, or all of yours.')
    }
    const address =
      request.kind === 'e-mail'
        ? this.#mail.checkedAddress(request.address)
        : await this.#post.checkedAddress(request.address)
    const common = { ...request, name, address }
    if (typeof rulesets === 'string') return { ...common, scope: rulesets, rulesets: [] }
    const ids: number[] = []
    for (const ruleset of new Set(rulesets)) {
      const found = await this.#store.rulesets.findByName(ruleset)
      if (found === null) throw new Failure('ruleset.not-found', undefined, { name: ruleset })
      ids.push(found.id)
    }
    return { ...common, scope: 'chosen', rulesets: ids }
  }
}
