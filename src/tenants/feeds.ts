/**
 * The feeds of tenants' matches: what the rulesets of a tenant match among the samples that arrive, and what its retro
 * hunts find. `src/tca/feed.ts` tells how they are read.
 *
 * There is one entry for each sample and ruleset and feed, with all rules of the ruleset that hold and the first match
 * of each of their strings, since a cloud's clients cannot look at the sample. Entries are written in the transaction
 * that makes their sample processed, or moves the hunt's cursor, so that no crash loses or doubles one.
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'
import { revisionIdOf } from '../rulesets/index.ts'
import type { RuleHit, StringHit } from '../scanning/index.ts'
import type { FeedEntry, Store, UnitOfWork } from '../store/index.ts'
import { type FeedKind, type FeedRule, feedEnd, toBase64 } from '../tca/index.ts'
import { FeedClock } from './feed-clock.ts'

/** A sample that one ruleset matches. */
export type Entry = FeedEntry

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
  readonly #store: Store
  readonly #clock: FeedClock
  readonly #limits: FeedLimits

  constructor(store: Store, limits: FeedLimits, clock: FeedClock = new FeedClock()) {
    this.#store = store
    this.#limits = limits
    this.#clock = clock
  }

  /**
   * Stores what a sample that is taken in matches; doing it again changes nothing. Hits of others than tenants are left
   * out.
   */
  async recordLive(
    tx: UnitOfWork,
    { sampleId, hits }: { readonly sampleId: number; readonly hits: readonly RuleHit[] },
  ): Promise<void> {
    await this.#add(tx, 'live', sampleId, hits)
  }

  /** The same for what a retro hunt found. Gives how many entries are new. */
  async recordRetro(tx: UnitOfWork, sampleId: number, hits: readonly RuleHit[]): Promise<number> {
    return this.#add(tx, 'retro', sampleId, hits)
  }

  /** What there is from a second on, that second included. `feed.too-old`. */
  async page(tenantId: number, feed: FeedKind, start: number): Promise<FeedPage> {
    return this.#store.transaction('readTenantFeed', async (tx) => {
      const present = await this.#clock.second(tx)
      const days = this.#limits.keptSeconds / 86_400
      if (start < present - this.#limits.keptSeconds) {
        throw new Failure('feed.too-old', `A feed can be asked for what came in the last ${days} days.`)
      }
      const end = Math.min(feedEnd(start), present - 1)
      if (end < start) return { entries: [], last: start - 1 }
      const range = { tenantId, feed, from: start, to: end }
      const full = await tx.feeds.secondOfNth(range, this.#limits.pageEntries)
      const last = full ?? end
      const entries = await tx.feeds.list({ ...range, to: last })
      if (full === null) return { entries, last }
      const isLast = await tx.feeds.isEmpty({ ...range, from: last + 1 })
      return { entries, last: isLast ? end : last }
    })
  }

  /**
   * Resolves when a reader gets everything that retro hunts have found with the ruleset: the second in which the last
   * of it was stored is over then. That is within two seconds, unless more is found meanwhile or the signal is aborted.
   */
  async settled(rulesetId: number, signal: AbortSignal): Promise<void> {
    for (; !signal.aborted; await setTimeout(LOOK_MS)) {
      const isOver = await this.#store.transaction('readTenantFeed', async (tx) => {
        const last = await tx.feeds.lastSecond(rulesetId, 'retro')
        return last === null || last < (await this.#clock.second(tx))
      })
      if (isOver) return
    }
  }

  /** Removes all entries of a ruleset, some at a time so that others get their turn. */
  async empty(rulesetId: number): Promise<void> {
    await inTurns(() => this.#store.feeds.deleteSome(rulesetId, ROWS_AT_ONCE))
  }

  /** Removes the entries that nobody can ask for any more. */
  async removeOld(): Promise<void> {
    const present = await this.#store.transaction('readTenantFeed', (tx) => this.#clock.second(tx))
    const oldest = present - this.#limits.keptSeconds
    await inTurns(() => this.#store.feeds.deleteSomeBefore(oldest, ROWS_AT_ONCE))
  }

  async #add(tx: UnitOfWork, feed: FeedKind, sampleId: number, hits: readonly RuleHit[]): Promise<number> {
    const byRevision = Map.groupBy(hits, ({ ruleset }) => revisionIdOf(ruleset) ?? 0)
    if (byRevision.size === 0) return 0
    const rulesets = await tx.rulesets.listTenants([...byRevision.keys()])
    if (rulesets.length === 0 || !(await tx.samples.exists(sampleId))) return 0
    const entries = rulesets.map(({ id, tenantId, revisionId }) => {
      return { tenantId, rulesetId: id, rules: (byRevision.get(revisionId) ?? []).map(feedRule) }
    })
    return tx.feeds.add({ feed, second: await this.#clock.second(tx), sampleId }, entries)
  }
}

/** Works for as long as there is something to do, and others get their turn in between. */
async function inTurns(work: () => Promise<boolean>): Promise<void> {
  while (await work()) await setImmediate()
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
