/**
 * Retro hunts of tenants: one ruleset against the samples that were analysed lately, found through the index.
 *
 *              start()            its turn comes           every covered sample is decided
 *   (none) ─────────────▶ queued ────────────────▶ running ───────────────────────────────▶ completed
 *                            ▲                      │    ├── more matches than a hunt may have ──▶ capped
 *                            └─ its slice is over ──┘    ├── its ruleset was suspended, a defect ─▶ failed
 *                                                        └── cancel(), also while queued ─────────▶ stopped
 *
 * - A ruleset has one hunt, the latest. Starting it again drops what the one before found; removing the ruleset ends it.
 * - A stretch's entries and the cursor are stored in one transaction, so a server that is killed goes on after the last
 *   stretch, and a stretch that comes after `cancel` is thrown away: the row's state decides.
 * - A few hunts run at once; tenants take turns.
 * - `close` leaves the rows as they are: the next start of the server goes on with them.
 */
import { Failure } from '../errors/index.ts'
import {
  advance,
  type Checkpoint,
  enter,
  HuntRunner,
  hasEnded,
  type OpenHunt,
  type ScanSources,
  type UntilStored,
  unfinishedStates,
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

export class RetroHunts {
  readonly #parts: RetroHuntsParts
  readonly #runner: HuntRunner
  readonly #closing = new AbortController()

  constructor(parts: RetroHuntsParts) {
    this.#parts = parts
    const { database, sources, log, limits } = parts
    this.#runner = new HuntRunner(
      { kind: 'retro', open: (id, { untilStored }) => this.#open(id, untilStored) },
      { database, sources, log, title: 'a retro hunt', atOnce: limits.atOnce, sliceMs: 2_000 },
    )
  }

  /** Goes on with what an earlier process left unfinished; gives how many hunts that is. */
  resume(): Promise<number> {
    return this.#runner.resume()
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
        .selectFrom('hunts')
        .select(['id', 'state'])
        .where('ruleset_id', '=', ruleset.id)
        .executeTakeFirst()
      if (hunt && !hasEnded(hunt.state)) {
        throw new Failure('tenant.retro-refused', 'A retro hunt with this ruleset is running already.')
      }
      const existing = await trx.selectFrom('rulesets').select('id').where('id', '=', ruleset.id).executeTakeFirst()
      if (!existing) throw new Failure('ruleset.not-found')
      await trx.deleteFrom('feed_entries').where('ruleset_id', '=', ruleset.id).where('feed', '=', 'retro').execute()
      await trx.deleteFrom('hunts').where('ruleset_id', '=', ruleset.id).execute()
      const { last } = await trx
        .selectFrom('samples')
        .select(({ fn }) => fn.max<number | null>('id').as('last'))
        .executeTakeFirstOrThrow()
      const { id } = await trx
        .insertInto('hunts')
        .values({
          kind: 'retro',
          state: 'queued',
          started_by: tenantId,
          ruleset_id: ruleset.id,
          created: time,
          analysed_since: time - this.#parts.limits.age,
          // Nothing is offered to a ruleset that wants no sample there is.
          last_sample_id: ruleset.wantsSamples ? (last ?? 0) : 0,
        })
        .returning('id')
        .executeTakeFirstOrThrow()
      await trx
        .insertInto('hunt_rulesets')
        .values({ hunt_id: id, ruleset_id: ruleset.id, revision_id: ruleset.revisionId })
        .execute()
      return id
    })
    this.#runner.begin(id, tenantId)
    return ruleset
  }

  /** `tenant.retro-refused` when no hunt of the ruleset is under way, `ruleset.not-found`. */
  async cancel(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.#parts.tenantRulesets.get(tenantId, name)
    const { database } = this.#parts
    const hunt = await database
      .selectFrom('hunts')
      .select('id')
      .where('ruleset_id', '=', ruleset.id)
      .where('state', 'in', unfinishedStates)
      .executeTakeFirst()
    // First the work, so that nothing of it runs any more when the state says that it was cancelled.
    if (hunt) await this.#interrupt(hunt.id)
    const { numUpdatedRows } = await database
      .updateTable('hunts')
      .set({ state: 'stopped', stopped: now(), stopped_by: tenantId })
      .where('id', '=', hunt?.id ?? 0)
      .where('state', 'in', unfinishedStates)
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
      .selectFrom('hunts')
      .select(['state', 'created', 'started', 'stopped', 'samples', 'processed', 'failure'])
      .where('ruleset_id', '=', ruleset.id)
      .executeTakeFirst()
    const reason = row ? row.failure : unsupportedReason(ruleset)
    const none = { started: null, finished: null, estimatedFinish: null, progress: null, reason }
    if (!row) return { ...none, state: reason === null ? 'VALIDATION_SUCCESS' : 'FAILED' }
    const isUnderWay = !hasEnded(row.state)
    if (!isUnderWay) await this.#parts.feeds.settled(ruleset.id, this.#closing.signal)
    const share = row.samples === 0 ? 0 : row.processed / row.samples
    const started = row.started ?? row.created
    return {
      state: shownState[row.state],
      started,
      finished: row.stopped,
      estimatedFinish: isUnderWay && share > 0 ? Math.round(started + (now() - started) / share) : null,
      progress: isUnderWay ? share : null,
      reason,
    }
  }

  /** Ends this process's work on hunts whose rows are gone: their rulesets were removed. */
  async endOrphans(): Promise<void> {
    const ids = this.#runner.underWay
    if (ids.length === 0) return
    const rows = await this.#parts.database.selectFrom('hunts').select('id').where('id', 'in', ids).execute()
    const existing = new Set(rows.map(({ id }) => id))
    await Promise.all(ids.filter((id) => !existing.has(id)).map((id) => this.#interrupt(id)))
  }

  /** Hunts that wait or run. */
  get unfinished(): number {
    return this.#runner.underWay.length
  }

  /** Ends the work without ending the hunts: they go on at the next `resume`. */
  close(): Promise<void> {
    this.#closing.abort()
    return this.#runner.close()
  }

  #interrupt(id: number): Promise<void> {
    return this.#runner.interrupt(id, new Failure('tenant.retro-refused', 'The retro hunt was cancelled.'))
  }

  async #open(id: number, untilStored: UntilStored): Promise<OpenHunt> {
    const { database, rulesets, limits } = this.#parts
    const hunt = await database
      .selectFrom('hunts')
      .innerJoin('hunt_rulesets', 'hunt_rulesets.hunt_id', 'hunts.id')
      .select(['cursor', 'last_sample_id', 'analysed_since', 'revision_id'])
      .where('hunts.id', '=', id)
      .executeTakeFirstOrThrow()
    const only = await coveredSamples(database, {
      since: hunt.analysed_since ?? 0,
      upTo: hunt.last_sample_id,
      maxBytes: limits.sampleBytes,
    })
    await untilStored(() => this.#recordSamples(id, only.length))
    const group = `retro:${id}`
    return {
      question: {
        ruleSet: { id: group, rulesets: await rulesets.runnable([hunt.revision_id]) },
        after: hunt.cursor,
        upTo: hunt.last_sample_id,
        only,
        useIndex: true,
        // The ruleset asks for the first match of each string by itself.
        strings: false,
        scanLimit: limits.sampleBytes,
        group,
      },
      store: async (checkpoint) =>
        (await untilStored(() => this.#store(id, checkpoint, only))) &&
        !(await this.#stopsFor(id, checkpoint, untilStored)),
    }
  }

  /** Stores what a checkpoint found and that it is decided. False when the hunt has ended, also by what was found. */
  #store(id: number, checkpoint: Checkpoint, only: Uint32Array): Promise<boolean> {
    const { database, feeds, limits } = this.#parts
    return database.transaction().execute(async (trx) => {
      let isCapped = false
      const isStored = await advance(trx, id, checkpoint, only, async (before) => {
        const room = limits.matches - before
        isCapped = checkpoint.hits.length > room
        let found = 0
        for (const { sample, hits } of checkpoint.hits.slice(0, room))
          found += await feeds.recordRetro(trx, sample, hits)
        return found
      })
      if (isCapped) await enter(trx, id, 'capped')
      return isStored && !isCapped
    })
  }

  /** Reports where the ruleset had to be stopped; true when that was once too often, and the hunt has ended with it. */
  async #stopsFor(id: number, { errors }: Checkpoint, untilStored: UntilStored): Promise<boolean> {
    const { database, rulesets } = this.#parts
    if (errors.length === 0) return false
    for (const { sample, errors: some } of errors) await untilStored(() => rulesets.reportScanErrors(sample, some))
    const ruleset = await database
      .selectFrom('hunts')
      .innerJoin('rulesets', 'rulesets.id', 'hunts.ruleset_id')
      .select(['rulesets.state', 'rulesets.reason'])
      .where('hunts.id', '=', id)
      .executeTakeFirst()
    if (ruleset?.state !== 'error') return false
    await untilStored(() => enter(database, id, 'failed', ruleset.reason))
    return true
  }

  async #recordSamples(id: number, samples: number): Promise<void> {
    await this.#parts.database.updateTable('hunts').set({ samples }).where('id', '=', id).execute()
  }
}

const shownState = {
  queued: 'RUNNING',
  starting: 'RUNNING',
  running: 'RUNNING',
  completed: 'FINISHED',
  stopped: 'CANCELLED',
  capped: 'CAPPED',
  failed: 'FAILED',
} as const

/** Why a ruleset cannot be hunted back with; null when it can. */
function unsupportedReason({ rules, runs, reason }: TenantRuleset): string | null {
  if (rules > limits.retroRules) return `It has ${rules} rules; a retro hunt takes up to ${limits.retroRules}.`
  return runs ? null : `It was suspended: ${reason}`
}
