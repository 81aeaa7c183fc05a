/**
 * The feeds of tenants' matches: what the rulesets of a tenant match among the samples that arrive, and what its retro
 * hunts find. `src/tca/feed.ts` tells how they are read.
 *
 * There is one entry for each sample and ruleset and feed, with all rules of the ruleset that hold and the first match
 * of each of their strings, since a cloud's clients cannot look at the sample. Entries are written in the transaction
 * that makes their sample processed, or moves the hunt's cursor, so that no crash loses or doubles one.
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { type RawBuilder, sql } from 'kysely'
import { Failure } from '../errors/index.ts'
import { revisionIdOf } from '../rulesets/index.ts'
import type { RuleHit, StringHit } from '../scanning/index.ts'
import { type Database, listOf, type Micros, type Transaction } from '../store/index.ts'
import { type FeedKind, type FeedRule, feedEnd, toBase64 } from '../tca/index.ts'
import { FeedClock } from './feed-clock.ts'

/** A sample that one ruleset matches. */
export interface Entry {
  /** When it was found, in Unix seconds. */
  readonly second: number
  readonly ruleset: string
  /** Of the ruleset's text. Hashes are lower-case hexadecimal digits. */
  readonly digest: string
  readonly sha1: string
  readonly sha256: string
  readonly fileType: string
  readonly fileSize: number
  readonly firstSeen: Micros
  readonly rules: readonly FeedRule[]
}

export interface FeedPage {
  readonly entries: readonly Entry[]
  /** No later entry will have this second or an earlier one. */
  readonly last: number
}

export interface FeedLimits {
  /** Entries of a page, before the rest of the last one's second. */
  readonly pageEntries: number
  /** How long ago entries may be asked for, in seconds; older ones go. */
  readonly keptSeconds: number
}

const ROWS_AT_ONCE = 2_000
/** How often it is looked whether a second is over. */
const LOOK_MS = 100

export class Feeds {
  readonly #database: Database
  readonly #clock: FeedClock
  readonly #limits: FeedLimits

  constructor(database: Database, limits: FeedLimits, clock: FeedClock = new FeedClock()) {
    this.#database = database
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Stores what a sample that is taken in matches; doing it again changes nothing. Hits of others than tenants are left
   * out.
   */
  async recordLive(
    trx: Transaction,
    { sampleId, hits }: { readonly sampleId: number; readonly hits: readonly RuleHit[] },
  ): Promise<void> {
    await this.#add(trx, 'live', sampleId, hits)
  }

  /** The same for what a retro hunt found. Gives how many entries are new. */
  async recordRetro(trx: Transaction, sampleId: number, hits: readonly RuleHit[]): Promise<number> {
    return this.#add(trx, 'retro', sampleId, hits)
  }

  /** What there is from a second on, that second included. `feed.too-old`. */
  async page(tenantId: number, feed: FeedKind, start: number): Promise<FeedPage> {
    return this.#database.transaction().execute(async (trx) => {
      const present = await this.#clock.second(trx)
      const days = this.#limits.keptSeconds / 86_400
      if (start < present - this.#limits.keptSeconds) {
        throw new Failure('feed.too-old', `A feed can be asked for what came in the last ${days} days.`)
      }
      const end = Math.min(feedEnd(start), present - 1)
      if (end < start) return { entries: [], last: start - 1 }
      const between = trx
        .selectFrom('feed_entries')
        .where('feed_entries.tenant_id', '=', tenantId)
        .where('feed', '=', feed)
        .where('second', '>=', start)
      const full = await between
        .select('second')
        .where('second', '<=', end)
        .orderBy('second')
        .orderBy('id')
        .limit(1)
        .offset(this.#limits.pageEntries - 1)
        .executeTakeFirst()
      const last = full?.second ?? end
      const rows = await between
        .innerJoin('samples', 'samples.id', 'feed_entries.sample_id')
        .innerJoin('rulesets', 'rulesets.id', 'feed_entries.ruleset_id')
        .select(['feed_entries.second', 'feed_entries.rules', 'rulesets.name', 'rulesets.digest'])
        .select(['samples.sha1', 'samples.sha256', 'samples.file_type', 'samples.size', 'samples.first_seen'])
        .where('second', '<=', last)
        .orderBy('feed_entries.second')
        .orderBy('feed_entries.id')
        .execute()
      const entries = rows.map((row) => ({
        second: row.second,
        ruleset: row.name,
        digest: row.digest?.toHex() ?? '',
        sha1: row.sha1?.toHex() ?? '',
        sha256: row.sha256?.toHex() ?? '',
        fileType: row.file_type,
        fileSize: row.size,
        firstSeen: row.first_seen,
        rules: JSON.parse(row.rules) as FeedRule[],
      }))
      if (!full) return { entries, last }
      const isMore = await between
        .select('id')
        .where('second', '>', last)
        .where('second', '<=', end)
        .limit(1)
        .executeTakeFirst()
      return { entries, last: isMore ? last : end }
    })
  }

  /**
   * Resolves when a reader gets everything that retro hunts have found with the ruleset: the second in which the last
   * of it was stored is over then. That is within two seconds, unless more is found meanwhile or the signal is aborted.
   */
  async settled(rulesetId: number, signal: AbortSignal): Promise<void> {
    for (; !signal.aborted; await setTimeout(LOOK_MS)) {
      const isOver = await this.#database.transaction().execute(async (trx) => {
        const { last } = await trx
          .selectFrom('feed_entries')
          .select(({ fn }) => fn.max<number | null>('second').as('last'))
          .where('ruleset_id', '=', rulesetId)
          .where('feed', '=', 'retro')
          .executeTakeFirstOrThrow()
        return last === null || last < (await this.#clock.second(trx))
      })
      if (isOver) return
    }
  }

  /** Removes all entries of a ruleset, some at a time so that others get their turn. */
  async empty(rulesetId: number): Promise<void> {
    await this.#remove(sql<boolean>`ruleset_id = ${rulesetId}`)
  }

  /** Removes the entries that nobody can ask for any more. */
  async removeOld(): Promise<void> {
    const present = await this.#database.transaction().execute((trx) => this.#clock.second(trx))
    await this.#remove(sql<boolean>`second < ${present - this.#limits.keptSeconds}`)
  }

  async #remove(condition: RawBuilder<boolean>): Promise<void> {
    for (;;) {
      const { numDeletedRows } = await this.#database
        .deleteFrom('feed_entries')
        .where('id', 'in', (eb) => eb.selectFrom('feed_entries').select('id').where(condition).limit(ROWS_AT_ONCE))
        .executeTakeFirst()
      if (numDeletedRows === 0n) return
      await setImmediate()
    }
  }

  async #add(trx: Transaction, feed: FeedKind, sampleId: number, hits: readonly RuleHit[]): Promise<number> {
    const byRevision = Map.groupBy(hits, ({ ruleset }) => revisionIdOf(ruleset) ?? 0)
    if (byRevision.size === 0) return 0
    const rulesets = await trx
      .selectFrom('rulesets')
      .select(['id', 'tenant_id', 'revision_id'])
      .where('revision_id', 'in', listOf([...byRevision.keys()]))
      .where('tenant_id', 'is not', null)
      .orderBy('id')
      .execute()
    if (rulesets.length === 0) return 0
    const sample = await trx.selectFrom('samples').select('id').where('id', '=', sampleId).executeTakeFirst()
    if (!sample) return 0
    const second = await this.#clock.second(trx)
    const { numInsertedOrUpdatedRows = 0n } = await trx
      .insertInto('feed_entries')
      .values(
        rulesets.map(({ id, tenant_id, revision_id }) => ({
          tenant_id: tenant_id as number,
          feed,
          second,
          ruleset_id: id,
          sample_id: sampleId,
          rules: JSON.stringify((byRevision.get(revision_id ?? 0) ?? []).map(feedRule)),
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    return Number(numInsertedOrUpdatedRows)
  }
}

/** A rule that holds, as the feeds carry it. */
function feedRule({ rule, tags, meta, strings }: RuleHit): FeedRule {
  return {
    identifier: rule,
    tag: [...tags],
    meta: Object.entries(meta).map(([key, value]) => ({ key, value })),
    matched_data: strings.map(({ identifier, offset, length, context, contextStart }: StringHit) => ({
      string_identifier: toBase64(Buffer.from(identifier)),
      match_offset: offset,
      // The context goes on behind the match; of a long match it holds the beginning.
      matched_string: toBase64(context.subarray(contextStart, contextStart + Math.min(length, SHOWN))),
    })),
  }
}

/** Bytes of a match that a scan hands out. */
const SHOWN = 32
