/**
 * Retro hunts of tenants: one ruleset against the samples that were analysed lately, found through the index.
 *
 *              start()            its turn comes           every covered sample is decided
 *   (none) ─────────────▶ queued ────────────────▶ running ───────────────────────────────▶ finished
 *                            ▲                      │    ├── more matches than a hunt may have ──▶ capped
 *                            └─ its slice is over ──┘    ├── its ruleset was suspended, a defect ─▶ failed
 *                                                        └── cancel(), also while queued ─────────▶ cancelled
 *
 * - A ruleset has one hunt, the latest. Starting it again drops what the one before found; removing the ruleset ends it.
 * - A stretch's entries and the cursor are stored in one transaction, so a server that is killed goes on after the last
 *   stretch, and a stretch that comes after `cancel` is thrown away: the row's state decides.
 * - A few hunts run at once; tenants take turns.
 * - `close` leaves the rows as they are: the next start of the server goes on with them.
 */
import { Failure, messageOf } from '../errors/index.ts'
import {
  type Checkpoint,
  countUpTo,
  FairScheduler,
  retryWhenFull,
  type ScanSources,
  scanCorpus,
} from '../hunts/index.ts'
import type { Rulesets, TenantRuleset, TenantRulesets } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import { type Database, type Micros, now } from '../store/index.ts'
import { limits, type RetroState } from '../tca/index.ts'
import { coveredSamples } from './coverage.ts'
import type { Feeds } from './feeds.ts'

export interface RetroLimits {
  /** How many hunts run at once. */
  readonly atOnce: number
  /** Entries that a hunt may find. */
  readonly matches: number
  /** Samples that were analysed longer ago are not covered, in microseconds. */
  readonly age: Micros
  /** Nor are larger ones, in bytes. */
  readonly sampleBytes: number
}

export interface RetroHuntsParts {
  readonly database: Database
  readonly sources: ScanSources
  readonly rulesets: Rulesets
  readonly tenantRulesets: TenantRulesets
  readonly feeds: Feeds
  readonly limits: RetroLimits
  readonly log: Log
}

export interface RetroHunt {
  readonly state: RetroState
  readonly started: Micros | null
  readonly finished: Micros | null
  /** At the rate so far; null when it cannot be told. */
  readonly estimatedFinish: Micros | null
  /** 0 to 1 while it waits or runs, else null. */
  readonly progress: number | null
  readonly reason: string | null
}

const unfinished = ['queued', 'running'] as const
/** How long a hunt keeps its turn while others wait. */
const SLICE_MS = 2_000

export class RetroHunts {
  readonly #parts: RetroHuntsParts
  readonly #scheduler: FairScheduler
  readonly #closing = new AbortController()
  /** By the id of the hunt. */
  readonly #underWay = new Map<number, { readonly abort: AbortController; readonly done: Promise<void> }>()

  constructor(parts: RetroHuntsParts) {
    this.#parts = parts
    this.#scheduler = new FairScheduler({ scheduler: parts.limits.atOnce, sliceMs: SLICE_MS })
  }

  /** Goes on with what an earlier process left unfinished; gives how many hunts that is. */
  async resume(): Promise<number> {
    const rows = await this.#parts.database
      .selectFrom('retro_hunts')
      .innerJoin('rulesets', 'rulesets.id', 'retro_hunts.ruleset_id')
      .select(['retro_hunts.id', 'rulesets.tenant_id'])
      .where('retro_hunts.state', 'in', unfinished)
      .orderBy('retro_hunts.id')
      .execute()
    for (const { id, tenant_id } of rows) this.#begin(id, tenant_id ?? 0)
    return rows.length
  }

  /** Whether the ruleset can be hunted back with. `tenant.retro-refused` when it cannot, `ruleset.not-found`. */
  async demandFitness(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.#parts.tenantRulesets.get(tenantId, name)
    const unsupported = unsupportedReason(ruleset)
    if (unsupported !== null) throw new Failure('tenant.retro-refused', unsupported)
    return ruleset
  }

  /** Fails as `demandFitness` does, and with `tenant.retro-refused` while a hunt of the ruleset is under way. */
  async start(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.demandFitness(tenantId, name)
    const time = now()
    const id = await this.#parts.database.transaction().execute(async (trx) => {
      const hunt = await trx
        .selectFrom('retro_hunts')
        .select(['id', 'state'])
        .where('ruleset_id', '=', ruleset.id)
        .executeTakeFirst()
      if (hunt?.state === 'queued' || hunt?.state === 'running') {
        throw new Failure('tenant.retro-refused', 'A retro hunt with this ruleset is running already.')
      }
      const existing = await trx.selectFrom('rulesets').select('id').where('id', '=', ruleset.id).executeTakeFirst()
      if (!existing) throw new Failure('ruleset.not-found')
      await trx.deleteFrom('feed_entries').where('ruleset_id', '=', ruleset.id).where('feed', '=', 'retro').execute()
      await trx.deleteFrom('retro_hunts').where('ruleset_id', '=', ruleset.id).execute()
      const { last } = await trx
        .selectFrom('samples')
        .select(({ fn }) => fn.max<number | null>('id').as('last'))
        .executeTakeFirstOrThrow()
      const { id } = await trx
        .insertInto('retro_hunts')
        .values({
          ruleset_id: ruleset.id,
          revision_id: ruleset.revisionId,
          state: 'queued',
          created: time,
          analysed_since: time - this.#parts.limits.age,
          // Nothing is offered to a ruleset that wants no sample there is.
          last_sample_id: ruleset.wantsSamples ? (last ?? 0) : 0,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      return id
    })
    this.#begin(id, tenantId)
    return ruleset
  }

  /** `tenant.retro-refused` when no hunt of the ruleset is under way, `ruleset.not-found`. */
  async cancel(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.#parts.tenantRulesets.get(tenantId, name)
    const { database } = this.#parts
    const hunt = await database
      .selectFrom('retro_hunts')
      .select('id')
      .where('ruleset_id', '=', ruleset.id)
      .where('state', 'in', unfinished)
      .executeTakeFirst()
    // First the work, so that nothing of it runs any more when the state tells that it was cancelled.
    if (hunt) await this.#interrupt(hunt.id)
    const { numUpdatedRows } = await database
      .updateTable('retro_hunts')
      .set({ state: 'cancelled', finished: now() })
      .where('id', '=', hunt?.id ?? 0)
      .where('state', 'in', unfinished)
      .executeTakeFirstOrThrow()
    if (numUpdatedRows === 0n) throw new Failure('tenant.retro-refused', 'No retro hunt with this ruleset is running.')
    return ruleset
  }

  /**
   * How the latest hunt is doing. Whoever reads that it has ended may read the feed once and go, so the answer waits
   * until the feed gives everything that was found. `ruleset.not-found`.
   */
  async status(tenantId: number, name: string): Promise<RetroHunt> {
    const ruleset = await this.#parts.tenantRulesets.get(tenantId, name)
    const row = await this.#parts.database
      .selectFrom('retro_hunts')
      .selectAll()
      .where('ruleset_id', '=', ruleset.id)
      .executeTakeFirst()
    const reason = row ? row.reason : unsupportedReason(ruleset)
    const none = { started: null, finished: null, estimatedFinish: null, progress: null, reason }
    if (!row) return { ...none, state: reason === null ? 'VALIDATION_SUCCESS' : 'FAILED' }
    const isUnderWay = row.state === 'queued' || row.state === 'running'
    if (!isUnderWay) await this.#parts.feeds.settled(ruleset.id, this.#closing.signal)
    const share = row.samples === 0 ? 0 : row.processed / row.samples
    const started = row.started ?? row.created
    return {
      state: shownState[row.state],
      started,
      finished: row.finished,
      estimatedFinish: isUnderWay && share > 0 ? Math.round(started + (now() - started) / share) : null,
      progress: isUnderWay ? share : null,
      reason,
    }
  }

  /** Ends this process's work on hunts whose rows are gone: their rulesets were removed. */
  async endOrphans(): Promise<void> {
    const ids = [...this.#underWay.keys()]
    if (ids.length === 0) return
    const rows = await this.#parts.database.selectFrom('retro_hunts').select('id').where('id', 'in', ids).execute()
    const existing = new Set(rows.map(({ id }) => id))
    await Promise.all(ids.filter((id) => !existing.has(id)).map((id) => this.#interrupt(id)))
  }

  /** Hunts that wait or run. */
  get unfinished(): number {
    return this.#underWay.size
  }

  /** Ends the work without ending the hunts: they go on at the next `resume`. */
  async close(): Promise<void> {
    this.#closing.abort()
    const all = [...this.#underWay.values()]
    for (const { abort } of all) abort.abort(new Failure('service.stopping'))
    await Promise.all(all.map(({ done }) => done))
  }

  async #interrupt(id: number): Promise<void> {
    const work = this.#underWay.get(id)
    work?.abort.abort(new Failure('tenant.retro-refused', 'The retro hunt was cancelled.'))
    await work?.done
  }

  #begin(id: number, tenantId: number): void {
    const abort = new AbortController()
    const done = this.#run(id, tenantId, abort.signal)
      .catch(async (error) => {
        if (abort.signal.aborted) return
        this.#parts.log.error({ retroHunt: id, err: error }, 'a retro hunt failed')
        await this.#untilStored(id, abort.signal, () => this.#end(id, 'failed', messageOf(error))).catch((error) =>
          this.#parts.log.error({ retroHunt: id, err: error }, 'that the retro hunt failed could not be stored'),
        )
      })
      .finally(() => this.#underWay.delete(id))
    this.#underWay.set(id, { abort, done })
  }

  async #run(id: number, tenantId: number, signal: AbortSignal): Promise<void> {
    const { database, sources, rulesets, limits } = this.#parts
    const untilStored = <T>(write: () => Promise<T>) => this.#untilStored(id, signal, write)
    let turn = await this.#scheduler.take(tenantId, signal)
    const setId = `retro:${id}`
    try {
      if (!(await untilStored(() => this.#enter(id, 'running')))) return
      const hunt = await database.selectFrom('retro_hunts').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      const runnable = await rulesets.runnable([hunt.revision_id])
      const only = await coveredSamples(database, {
        since: hunt.analysed_since,
        upTo: hunt.last_sample_id,
        maxBytes: limits.sampleBytes,
      })
      await untilStored(() => this.#noteSamples(id, only.length))
      const ruleSet = { id: setId, rulesets: runnable }
      sources.pool.setRuleSet(ruleSet)
      const checkpoints = scanCorpus(sources, {
        ruleSet,
        after: hunt.cursor,
        upTo: hunt.last_sample_id,
        only,
        useIndex: true,
        // The ruleset asks for the first match of each string by itself.
        strings: false,
        scanLimit: limits.sampleBytes,
        priority: 'hunt',
        group: setId,
        signal,
      })
      for await (const checkpoint of checkpoints) {
        if (!(await untilStored(() => this.#store(id, checkpoint, only)))) return
        if (await this.#stopsFor(id, checkpoint, untilStored)) return
        if (!turn.isOver()) continue
        if (!(await untilStored(() => this.#enter(id, 'queued')))) return
        turn.giveBack()
        turn = await this.#scheduler.take(tenantId, signal)
        if (!(await untilStored(() => this.#enter(id, 'running')))) return
      }
      await untilStored(() => this.#end(id, 'finished', null))
    } finally {
      turn.giveBack()
      sources.pool.dropRuleSet(setId)
    }
  }

  /** Stores what a stretch found and that it is decided. False when the hunt has ended, also by what was found. */
  #store(id: number, checkpoint: Checkpoint, only: Uint32Array): Promise<boolean> {
    const { database, feeds, limits } = this.#parts
    return database.transaction().execute(async (trx) => {
      const hunt = await trx
        .selectFrom('retro_hunts')
        .select('matches')
        .where('id', '=', id)
        .where('state', '=', 'running')
        .executeTakeFirst()
      if (!hunt) return false
      const room = limits.matches - hunt.matches
      let found = 0
      for (const { sample, hits } of checkpoint.hits.slice(0, room)) found += await feeds.recordRetro(trx, sample, hits)
      const isCapped = checkpoint.hits.length > room
      await trx
        .updateTable('retro_hunts')
        .set({
          cursor: checkpoint.upTo,
          processed: countUpTo(only, checkpoint.upTo),
          matches: hunt.matches + found,
          ...(isCapped && { state: 'capped', finished: now() }),
        })
        .where('id', '=', id)
        .execute()
      return !isCapped
    })
  }

  /** Reports where the ruleset had to be stopped; true when that was once too often, and the hunt has ended with it. */
  async #stopsFor(id: number, { errors }: Checkpoint, untilStored: UntilStored): Promise<boolean> {
    const { database, rulesets } = this.#parts
    if (errors.length === 0) return false
    for (const { sample, errors: some } of errors) await untilStored(() => rulesets.reportScanErrors(sample, some))
    const ruleset = await database
      .selectFrom('retro_hunts')
      .innerJoin('rulesets', 'rulesets.id', 'retro_hunts.ruleset_id')
      .select(['rulesets.state', 'rulesets.reason'])
      .where('retro_hunts.id', '=', id)
      .executeTakeFirst()
    if (ruleset?.state !== 'error') return false
    await untilStored(() => this.#end(id, 'failed', ruleset.reason))
    return true
  }

  async #noteSamples(id: number, samples: number): Promise<void> {
    await this.#parts.database.updateTable('retro_hunts').set({ samples }).where('id', '=', id).execute()
  }

  /** The one place where a hunt that goes on changes its state; false when it was cancelled or removed meanwhile. */
  async #enter(id: number, state: 'queued' | 'running'): Promise<boolean> {
    const { numUpdatedRows } = await this.#parts.database
      .updateTable('retro_hunts')
      .set(({ fn, val }) => ({ state, started: fn.coalesce('started', val(now())) }))
      .where('id', '=', id)
      .where('state', 'in', unfinished)
      .executeTakeFirstOrThrow()
    return numUpdatedRows > 0n
  }

  async #end(id: number, state: 'finished' | 'failed', reason: string | null): Promise<void> {
    await this.#parts.database
      .updateTable('retro_hunts')
      .set({ state, reason, finished: now() })
      .where('id', '=', id)
      .where('state', 'in', unfinished)
      .execute()
  }

  #untilStored<T>(hunt: number, signal: AbortSignal, write: () => Promise<T>): Promise<T> {
    return retryWhenFull(write, { hunt, signal, log: this.#parts.log })
  }
}

type UntilStored = <T>(write: () => Promise<T>) => Promise<T>

const shownState = {
  queued: 'RUNNING',
  running: 'RUNNING',
  finished: 'FINISHED',
  cancelled: 'CANCELLED',
  capped: 'CAPPED',
  failed: 'FAILED',
} as const

/** Why a ruleset cannot be hunted back with; null when it can. */
function unsupportedReason({ rules, runs, reason }: TenantRuleset): string | null {
  if (rules > limits.retroRules) return `It has ${rules} rules; a retro hunt takes up to ${limits.retroRules}.`
  return runs ? null : `It was suspended: ${reason}`
}
