/**
 * Brings the cloud to what `cloud_deliveries` says: for each name there, a text or none.
 *
 *   noted → (tried; the cloud is away, overloaded or broken) → noted, with a problem and a later `due`
 *         → done: the row goes, and `cloud_rulesets` says what the cloud has now
 *         → refused: the row goes; the cloud does not take this text, and asking again would not help
 *
 * A name is delivered by one at a time. Every step may be repeated, because an answer can be lost after the cloud did
 * what it was asked: a text that is there already is done, one that is gone already too. Before a text is taken out of
 * the cloud, the feeds are read to their end, since the cloud forgets the matches of what it deletes.
 */
import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import { type Database, now, type Transaction } from '../store/index.ts'
import type { CloudClient } from './client.ts'
import { type FeedReader, feedKinds } from './feed-reader.ts'
import { pauseAfter } from './pauses.ts'
import { type CloudRow, noHunt, rowOf, writeRow } from './ruleset-row.ts'

/** Different names at once. */
const AT_ONCE = 4
/** What a cloud answers to a text that it will never take. */
const FOR_GOOD = [400, 413, 422]

export interface OutboxBacklog {
  readonly waiting: number
  /** Milliseconds that the oldest waits; 0 when nothing does. */
  readonly oldestMs: number
}

interface Delivery {
  readonly id: number
  readonly name: string
  readonly ruleset_id: number | null
  readonly revision_id: number | null
  readonly attempts: number
}

export class OutboxSender {
  readonly #database: Database
  readonly #client: CloudClient
  readonly #feeds: FeedReader
  readonly #log: Log
  readonly #lifetime: AbortSignal
  readonly #onDelivered: () => void
  readonly #underWay = new Map<string, Promise<void>>()

  constructor(parts: {
    readonly database: Database
    readonly client: CloudClient
    readonly feeds: FeedReader
    readonly log: Log
    /** Deliveries are for everybody: no single request ends them. */
    readonly lifetime: AbortSignal
    /** Called when the cloud has taken something. */
    readonly onDelivered: () => void
  }) {
    this.#database = parts.database
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
      const due = await this.#database
        .selectFrom('cloud_deliveries')
        .select('name')
        .where('due', '<=', now())
        .orderBy('due')
        .limit(AT_ONCE)
        .execute()
      if (due.length === 0) break
      await Promise.all(due.map(({ name }) => this.deliver(name)))
    }
    const { next } = await this.#database
      .selectFrom('cloud_deliveries')
      .select(({ fn }) => fn.min<number | null>('due').as('next'))
      .executeTakeFirstOrThrow()
    return next === null ? Number.POSITIVE_INFINITY : Math.max(0, (next - now()) / 1000)
  }

  /**
   * Delivers what is noted under a name now, due or not; joins a delivery that is under way. Does not report failures.
   */
  async deliver(name: string): Promise<void> {
    const running = this.#underWay.get(name)
    if (running) return running
    const delivery = this.#try(name, this.#lifetime).finally(() => this.#underWay.delete(name))
    this.#underWay.set(name, delivery)
    return delivery
  }

  /** The cloud is back: whatever waits for its next attempt is due. */
  async hurry(): Promise<void> {
    await this.#database.updateTable('cloud_deliveries').set({ due: now() }).where('due', '>', now()).execute()
  }

  async #try(name: string, signal: AbortSignal): Promise<void> {
    const delivery = await this.#database
      .selectFrom('cloud_deliveries')
      .select(['id', 'name', 'ruleset_id', 'revision_id', 'attempts'])
      .where('name', '=', name)
      .executeTakeFirst()
    if (!delivery) return
    try {
      await this.#feeds.open(signal)
      if (delivery.revision_id === null) await this.#takeOut(delivery, signal)
      else await this.#putIn(delivery, delivery.revision_id, signal)
    } catch (error) {
      if (!(error instanceof Failure)) throw error
      await this.#postpone(delivery, error)
    }
  }

  async #takeOut(delivery: Delivery, signal: AbortSignal): Promise<void> {
    const { name, ruleset_id } = delivery
    // The matches of a ruleset that is gone here are of no use any more.
    if (ruleset_id !== null) await this.#readFeeds(name, signal)
    await this.#remove(name, signal)
    await this.#done(delivery, async (trx, isLast) => {
      if (ruleset_id === null) return
      await writeRow(trx, ruleset_id, { revision_id: null, ...(isLast && { state: 'absent' }) })
    })
    this.#log.info({ ruleset: name }, 'the ruleset was taken out of the cloud')
  }

  async #putIn(delivery: Delivery, revisionId: number, signal: AbortSignal): Promise<void> {
    const { name, ruleset_id } = delivery
    const text = await this.#textOf(revisionId)
    const row = ruleset_id === null ? undefined : await rowOf(this.#database, ruleset_id)
    if (text === null || ruleset_id === null || !row) return this.#done(delivery, async () => {})
    if (hasAnother(row, revisionId)) {
      await this.#readFeeds(name, signal)
      await this.#remove(name, signal)
    }
    const outcome = await this.#create(name, text, signal)
    if ('refused' in outcome) {
      await this.#done(delivery, (trx, isLast) =>
        writeRow(trx, ruleset_id, {
          revision_id: null,
          ...(isLast && { state: 'refused', reason: outcome.refused }),
        }),
      )
      this.#log.warn({ ruleset: name, reason: outcome.refused }, 'the cloud refused the ruleset')
      return
    }
    const { digest } = outcome
    await this.#done(delivery, async (trx, isLast) => {
      if (digest !== null) {
        await trx
          .insertInto('cloud_digests')
          .values({ ruleset_id, digest: digest.toLowerCase(), revision_id: revisionId })
          .onConflict((conflict) => conflict.columns(['ruleset_id', 'digest']).doUpdateSet({ revision_id: revisionId }))
          .execute()
      }
      await writeRow(trx, ruleset_id, {
        revision_id: revisionId,
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
  async #done(delivery: Delivery, write: (trx: Transaction, isLast: boolean) => Promise<void>): Promise<void> {
    await this.#database.transaction().execute(async (trx) => {
      const { numDeletedRows } = await trx
        .deleteFrom('cloud_deliveries')
        .where('id', '=', delivery.id)
        .executeTakeFirst()
      await write(trx, numDeletedRows > 0n)
    })
    this.#onDelivered()
  }

  async #postpone({ id, name, attempts }: Delivery, failure: Failure): Promise<void> {
    const wait = pauseAfter(attempts + 1, failure)
    await this.#database
      .updateTable('cloud_deliveries')
      .set({ attempts: attempts + 1, due: now() + Math.round(wait * 1000), problem: failure.message })
      .where('id', '=', id)
      .execute()
    this.#log.warn({ ruleset: name, attempts: attempts + 1, reason: failure.message }, 'the cloud was not told yet')
  }

  async #textOf(revisionId: number): Promise<string | null> {
    const row = await this.#database
      .selectFrom('revisions')
      .select('content')
      .where('id', '=', revisionId)
      .executeTakeFirst()
    return row?.content ?? null
  }
}

export async function waitingOf(database: Database): Promise<OutboxBacklog> {
  const { waiting, oldest } = await database
    .selectFrom('cloud_deliveries')
    .select(({ fn }) => [fn.countAll<number>().as('waiting'), fn.min<number | null>('created').as('oldest')])
    .executeTakeFirstOrThrow()
  return { waiting, oldestMs: oldest === null ? 0 : (now() - oldest) / 1000 }
}

function hasAnother({ revision_id }: CloudRow, revisionId: number): boolean {
  return revision_id !== null && revision_id !== revisionId
}

function isForGood(error: unknown): error is Failure {
  return error instanceof Failure && FOR_GOOD.includes(Number(error.detail.status))
}

function saidBy({ detail, message }: Failure): string {
  return typeof detail.said === 'string' && detail.said !== '' ? detail.said : message
}
