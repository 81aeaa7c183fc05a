/**
 * Brings the cloud to what the outbox says: for each name there, a text or none.
 *
 *   noted → (tried; the cloud is away, overloaded or broken) → noted, with a problem and a later `due`
 *         → done: the delivery goes, and the row of the ruleset says what the cloud has now
 *         → refused: the delivery goes; the cloud does not take this text, and asking again would not help
 *
 * A name is delivered by one at a time. Every step may be repeated, because an answer can be lost after the cloud did
 * what it was asked: a text that is there already is done, one that is gone already too. Before a text is taken out of
 * the cloud, the feeds are read to their end, since the cloud forgets the matches of what it deletes.
 */
import { OnePerKey } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { LONGEST_PAUSE_MS, pauseAfter } from '../network/index.ts'
import type { Log } from '../scanning/index.ts'
import { type CloudRuleset, type Delivery, now, type Store, type UnitOfWork } from '../store/index.ts'
import type { CloudClient } from './client.ts'
import { type FeedReader, feedKinds } from './feed-reader.ts'
import { noHunt, writeRow } from './ruleset-row.ts'

/** Different names at once. */
const AT_ONCE = 4
/** What a cloud answers to a text that it will never take. */
const FOR_GOOD = [400, 413, 422]

export interface OutboxBacklog {
  readonly waiting: number
  /** Milliseconds that the oldest waits; 0 when nothing does. */
  readonly oldestMs: number
}

export class OutboxSender {
  readonly #store: Store
  readonly #client: CloudClient
  readonly #feeds: FeedReader
  readonly #log: Log
  readonly #lifetime: AbortSignal
  readonly #onDelivered: () => void
  readonly #deliveries = new OnePerKey<string>()

  constructor(parts: {
    readonly store: Store
    readonly client: CloudClient
    readonly feeds: FeedReader
    readonly log: Log
    /** Deliveries are for everybody: no single request ends them. */
    readonly lifetime: AbortSignal
    /** Called when the cloud has taken something. */
    readonly onDelivered: () => void
  }) {
    this.#store = parts.store
    this.#client = parts.client
    this.#feeds = parts.feeds
    this.#log = parts.log
    this.#lifetime = parts.lifetime
    this.#onDelivered = parts.onDelivered
  }

  /** Delivers everything that is due. Returns the milliseconds until something is due again; infinite for never. */
  async deliverDue(): Promise<number> {
    for (;;) {
      this.#lifetime.throwIfAborted()
      const due = await this.#store.outbox.findDue(now(), AT_ONCE)
      if (due.length === 0) break
      await Promise.all(due.map((name) => this.deliver(name)))
    }
    const next = await this.#store.outbox.nextDue()
    if (next === null) return Number.POSITIVE_INFINITY
    const pause = (next - now()) / 1000
    // No pause is that long: the clock was set back since.
    if (pause > LONGEST_PAUSE_MS) await this.hurry()
    return pause > LONGEST_PAUSE_MS ? 0 : Math.max(0, pause)
  }

  /**
   * Delivers what is noted under a name now, due or not; joins a delivery that is under way. Does not report failures.
   */
  deliver(name: string): Promise<void> {
    return this.#deliveries.run(name, () => this.#try(name, this.#lifetime))
  }

  /** Whatever waits for its next attempt is due. */
  async hurry(): Promise<void> {
    await this.#store.outbox.makeDue(now())
  }

  async #try(name: string, signal: AbortSignal): Promise<void> {
    const delivery = await this.#store.outbox.find(name)
    if (!delivery) return
    try {
      await this.#feeds.open(signal)
      if (delivery.revisionId === null) await this.#takeOut(delivery, signal)
      else await this.#putIn(delivery, delivery.revisionId, signal)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      await this.#postpone(delivery, error)
    }
  }

  async #takeOut(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { name, rulesetId } = delivery
    // The matches of a ruleset that is gone here are of no use any more.
    if (rulesetId !== null) await this.#readFeeds(name, signal)
    await this.#remove(name, signal)
    await this.#done(delivery, async (tx, isLast) => {
      if (rulesetId === null) return
      await writeRow(tx, rulesetId, { revisionId: null, ...(isLast && { state: 'absent' }) })
    })
    this.#log.info({ ruleset: name }, 'the ruleset was taken out of the cloud')
  }

  async #putIn(delivery: Delivery, revisionId: number, signal: AbortSignal): Promise<void> {
    const { name, rulesetId } = delivery
    const text = await this.#store.revisions.contentOf(revisionId)
    const row = rulesetId === null ? null : await this.#store.cloudRulesets.find(rulesetId)
    if (text === null || rulesetId === null || !row) return this.#done(delivery, async () => {})
    if (hasAnother(row, revisionId)) {
      await this.#readFeeds(name, signal)
      await this.#remove(name, signal)
    }
    const outcome = await this.#create(name, text, signal)
    if ('refused' in outcome) {
      await this.#done(delivery, (tx, isLast) =>
        writeRow(tx, rulesetId, {
          revisionId: null,
          ...(isLast && { state: 'refused', reason: outcome.refused }),
        }),
      )
      this.#log.warn({ ruleset: name, reason: outcome.refused }, 'the cloud refused the ruleset')
      return
    }
    const { digest } = outcome
    await this.#done(delivery, async (tx, isLast) => {
      if (digest !== null) await tx.cloudRulesets.setDigest(rulesetId, digest.toLowerCase(), revisionId)
      await writeRow(tx, rulesetId, {
        revisionId,
        ...(isLast && { state: 'validating', reason: null, ...noHunt }),
      })
    })
    this.#log.info({ ruleset: name }, 'the cloud has the ruleset')
  }

  /** Gives the digest of the text where the cloud sends it, or why the cloud will never take it. */
  async #create(
    name: string,
    text: string,
    signal: AbortSignal,
  ): Promise<{ readonly digest: string | null } | { readonly refused: string }> {
    try {
      return { digest: await this.#client.create(name, text, signal) }
    } catch (error) {
      if (!isForGood(error)) throw error
      // The same status for a text that does not fit and for a name that exists: it may be there from an earlier try.
      const there = await this.#client.text(name, signal)
      if (there === null) return { refused: saidBy(error) }
      if (there.trimEnd() === text.trimEnd()) return { digest: await this.#digestOf(name, signal) }
    }
    await this.#readFeeds(name, signal)
    await this.#remove(name, signal)
    try {
      return { digest: await this.#client.create(name, text, signal) }
    } catch (error) {
      if (!isForGood(error)) throw error
      return { refused: saidBy(error) }
    }
  }

  /**
   * For a text whose creation was answered, but not to us. The answer to this harmless request carries the digest too.
   */
  async #digestOf(name: string, signal: AbortSignal): Promise<string | null> {
    return this.#client.enableRetro(name, signal).catch((error: unknown) => {
      // Nobody has written down what the vendor answers here; without it, the digest is taken to be the text's SHA-1.
      if (error instanceof Failure && (error.code === 'cloud.refused' || error.detail.status === 200)) return null
      throw error
    })
  }

  async #remove(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.remove(name, signal)
    } catch (error) {
      // Some answer 400 where there is none.
      if (!isForGood(error) || (await this.#client.info(name, signal)) !== null) throw error
    }
  }

  /** Up to the cloud's present second: what it found until now may be forgotten in the next moment. */
  async #readFeeds(name: string, signal: AbortSignal): Promise<void> {
    await this.#client.info(name, signal)
    for (const kind of feedKinds) {
      const second = this.#client.clock
      if (second === null) await this.#feeds.read(kind, signal)
      else await this.#feeds.readUpTo(kind, second, signal)
    }
  }

  /** Ends a delivery with what it means; `isLast` is false when a newer one has taken its place meanwhile. */
  async #done(delivery: Delivery, write: (tx: UnitOfWork, isLast: boolean) => Promise<void>): Promise<void> {
    await this.#store.transaction('settleDelivery', async (tx) => write(tx, await tx.outbox.delete(delivery.id)))
    this.#onDelivered()
  }

  async #postpone({ id, name, attempts }: Delivery, failure: Failure): Promise<void> {
    const wait = pauseAfter(attempts + 1, failure)
    const due = now() + Math.round(wait * 1000)
    await this.#store.outbox.postpone(id, { attempts: attempts + 1, due, problem: failure.message })
    this.#log.warn(
      { ruleset: name, attempts: attempts + 1, reason: failure.message },
      'the change of the ruleset was not delivered to the cloud, and is tried again',
    )
  }
}

export async function waitingOf({ outbox }: Store): Promise<OutboxBacklog> {
  const { waiting, oldest } = await outbox.backlog()
  return { waiting, oldestMs: oldest === null ? 0 : (now() - oldest) / 1000 }
}

function hasAnother({ revisionId: there }: CloudRuleset, revisionId: number): boolean {
  return there !== null && there !== revisionId
}

function isForGood(error: unknown): error is Failure {
  return error instanceof Failure && FOR_GOOD.includes(Number(error.detail.status))
}

function saidBy({ detail, message }: Failure): string {
  return typeof detail.said === 'string' && detail.said !== '' ? detail.said : message
}
