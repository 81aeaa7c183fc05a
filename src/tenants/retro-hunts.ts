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
 * - The entries of a checkpoint and the cursor are stored in one transaction, so a server that is killed goes on after the
 *   last checkpoint, and one that comes after `cancel` is thrown away: the row's state decides.
 * - A few hunts run at once; tenants take turns.
 * - `close` leaves the rows as they are: the next start of the server goes on with them.
 */
import { Failure } from '../errors/index.ts'
import {
  advance,
  type Checkpoint,
  type ClaimedHunt,
  enter,
  enterWithin,
  HuntRunner,
  hasEnded,
  type OpenHunt,
  type ScanSources,
  stop,
  type UntilStored,
} from '../hunts/index.ts'
import type { Rulesets, TenantRuleset, TenantRulesets } from '../rulesets/index.ts'
import type { Log } from '../scanning/index.ts'
import { type Micros, now, type Store } from '../store/index.ts'
import { limits, type RetroState } from '../tca/index.ts'
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
  readonly store: Store
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
    const { store, sources, log, limits } = parts
    this.#runner = new HuntRunner(
      { kind: 'retro', open: (hunt, { untilStored }) => this.#open(hunt, untilStored) },
      { store, sources, log, title: 'a retro hunt', atOnce: limits.atOnce, sliceMs: 2_000 },
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
    const made = this.#parts.store.transaction('startHunt', async (tx) => {
      const hunt = await tx.hunts.findOfRuleset(ruleset.id)
      if (hunt && !hasEnded(hunt.state)) {
        throw new Failure('tenant.retro-refused', 'A retro hunt with this ruleset is running already.')
      }
      if (!(await tx.rulesets.exists(ruleset.id))) throw new Failure('ruleset.not-found')
      await tx.feeds.deleteOfRuleset(ruleset.id, 'retro')
      await tx.hunts.deleteOfRuleset(ruleset.id)
      return tx.hunts.add({
        kind: 'retro',
        state: 'queued',
        startedBy: tenantId,
        created: time,
        // Nothing is offered to a ruleset that wants no sample there is.
        lastSampleId: ruleset.wantsSamples ? await tx.samples.lastId() : 0,
        rulesets: [{ rulesetId: ruleset.id, revisionId: ruleset.revisionId }],
        retro: { rulesetId: ruleset.id, analysedSince: time - this.#parts.limits.age },
      })
    })
    const id = await made.catch((error) => this.#runner.failToMake(error))
    this.#runner.begin(id, tenantId)
    return ruleset
  }

  /** `tenant.retro-refused` when no hunt of the ruleset is under way, `ruleset.not-found`. */
  async cancel(tenantId: number, name: string): Promise<TenantRuleset> {
    const ruleset = await this.#parts.tenantRulesets.get(tenantId, name)
    const { store } = this.#parts
    const latest = await store.hunts.findOfRuleset(ruleset.id)
    const hunt = latest && !hasEnded(latest.state) ? latest : null
    // First the work, so that nothing of it runs any more when the state says that it was cancelled.
    if (hunt) await this.#interrupt(hunt.id)
    const wasUnderWay = hunt !== null && (await stop(store, hunt.id, tenantId))
    if (!wasUnderWay) throw new Failure('tenant.retro-refused', 'No retro hunt with this ruleset is running.')
    return ruleset
  }

  /**
   * How the latest hunt is doing. Whoever reads that it has ended may read the feed once and go, so the answer waits
   * until the feed gives everything that was found. `ruleset.not-found`.
   */
  async status(tenantId: number, name: string): Promise<RetroHunt> {
    const ruleset = await this.#parts.tenantRulesets.get(tenantId, name)
    const row = await this.#parts.store.hunts.findOfRuleset(ruleset.id)
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
    const existing = await this.#parts.store.hunts.findExisting(ids)
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

  async #open(claimed: ClaimedHunt, untilStored: UntilStored): Promise<OpenHunt> {
    const { store, rulesets, limits } = this.#parts
    const { id } = claimed
    const hunt = await store.hunts.findToRun(id)
    const only = await store.corpus.covered({
      since: hunt.analysedSince ?? 0,
      upTo: hunt.lastSampleId,
      maxBytes: limits.sampleBytes,
    })
    await untilStored(() => store.hunts.setSamples(claimed, only.length))
    const group = `retro:${id}`
    return {
      question: {
        ruleSet: { id: group, rulesets: await rulesets.runnable(await store.hunts.revisionsOf(id)) },
        after: hunt.cursor,
        upTo: hunt.lastSampleId,
        only,
        useIndex: true,
        // The ruleset asks for the first match of each string by itself.
        strings: false,
        scanLimit: limits.sampleBytes,
        group,
      },
      store: async (checkpoint) =>
        (await untilStored(() => this.#store(claimed, checkpoint, only))) &&
        !(await this.#stopsFor(claimed, checkpoint, untilStored)),
    }
  }

  /** Stores what a checkpoint found and that it is decided. False when the work on it is over, also by what was found. */
  #store(hunt: ClaimedHunt, checkpoint: Checkpoint, only: Uint32Array): Promise<boolean> {
    const { store, feeds, limits } = this.#parts
    return store.transaction('advanceHunt', async (tx) => {
      let isCapped = false
      const isStored = await advance(tx, hunt, checkpoint, only, async (before) => {
        const room = limits.matches - before
        isCapped = checkpoint.hits.length > room
        let found = 0
        for (const { sample, hits } of checkpoint.hits.slice(0, room))
          found += await feeds.recordRetro(tx, sample, hits)
        return found
      })
      if (isCapped) await enterWithin(tx, hunt, 'capped')
      return isStored && !isCapped
    })
  }

  /** Reports where the ruleset had to be stopped; true when that was once too often, and the hunt has ended with it. */
  async #stopsFor(hunt: ClaimedHunt, { errors }: Checkpoint, untilStored: UntilStored): Promise<boolean> {
    const { store, rulesets } = this.#parts
    if (errors.length === 0) return false
    for (const { sample, errors: some } of errors) await untilStored(() => rulesets.reportScanErrors(sample, some))
    const ruleset = await store.hunts.rulesetOf(hunt.id)
    if (ruleset?.state !== 'error') return false
    await untilStored(() => enter(store, hunt, 'failed', ruleset.reason))
    return true
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
