import type { Account } from '../accounts/index.ts'
import { Failure } from '../errors/index.ts'
import type { Matches } from '../matches/index.ts'
import type { LiveSet, Rulesets } from '../rulesets/index.ts'
import type { Log, RuleSet } from '../scanning/index.ts'
import { type Micros, now, type Store, type UnitOfWork } from '../store/index.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { ScanSources } from './corpus-scan.ts'
import { advance, type ClaimedHunt, type HuntProgress, progressOf, stopKind } from './hunt-row.ts'
import { HuntRunner, type OpenHunt, type UntilStored } from './hunt-runner.ts'

/**
 * Local Retro: all enabled rulesets of the appliance's own against all stored samples, one hunt at a time.
 *
 *              start()                    the scan begins             every sample is decided
 *   (never) ──────────────▶ starting ──────────────────────▶ running ──────────────────────────▶ completed
 *                               │                                │
 *                               └────────── stop() ──────────────┴──▶ stopped
 *
 * - `start` takes the enabled revisions and the greatest sample id in the transaction that makes the hunt's row. What
 *   is being taken in at that moment is matched live with at least those rulesets, so the two leave no gap.
 * - How it runs, waits, ends and goes on after a restart is `HuntRunner`'s.
 * - Scans that were given up are reported as errors of the rulesets (`Rulesets.reportScanErrors`).
 */
export class LocalRetro {
  readonly #parts: LocalRetroParts
  readonly #runner: HuntRunner
  /** How many each hunt has. */
  readonly #rulesets = new Map<number, number>()
  /** Settles when the lists of old runs are gone; nobody who starts a run waits for that. */
  #forgetting: Promise<void> = Promise.resolve()
  readonly #closing = new AbortController()

  constructor(parts: LocalRetroParts) {
    this.#parts = parts
    const { store, sources, log } = parts
    this.#runner = new HuntRunner(
      { kind: 'local-retro', open: (hunt, { untilStored }) => this.#open(hunt, untilStored) },
      { store, sources, log, title: 'Local Retro', atOnce: 1, sliceMs: 1_000 },
    )
  }

  /** Goes on with a hunt that an earlier process left unfinished. Returns how many that are: one, or none. */
  resume(): Promise<number> {
    return this.#runner.resume()
  }

  /** Fails with `retro.wrong-state` while one is under way. Anyone may start one. */
  async start(account: Account): Promise<void> {
    const { rulesets, store } = this.#parts
    for (;;) {
      const live = await rulesets.liveSet()
      const made = store.transaction('startHunt', async (tx) => {
        const state = await tx.hunts.unfinishedState('local-retro')
        if (state) {
          throw new Failure('retro.wrong-state', 'A Local Retro is running; stop it or wait until it is done.', {
            state: shownState[state],
          })
        }
        // The enabled set changed since it was read: take the new one.
        return live.generation === (await rulesets.generation(tx)) ? addHunt(tx, account, live) : null
      })
      const id = await made.catch((error) => this.#runner.failToMake(error))
      if (id === null) continue
      this.#runner.begin(id, account.id)
      this.#forgetting = this.#forgetting.then(() => this.#forgetOldRuns())
      return
    }
  }

  /** Fails with `retro.wrong-state` when none is under way. Anyone may stop it, as in the specification's example. */
  async stop(account: Account): Promise<void> {
    // First the work, so that nothing of it runs any more when the state says that it was stopped.
    await this.#interrupt(new Failure('hunt.wrong-state', 'The hunt was stopped.'))
    const wasUnderWay = await stopKind(this.#parts.store, 'local-retro', account.id)
    if (!wasUnderWay) {
      const latest = await this.status()
      throw new Failure('retro.wrong-state', 'No Local Retro is running, so there is nothing to stop.', {
        ...(latest && { state: latest.state }),
      })
    }
  }

  /** The latest hunt and the earlier ones, newest first, at most 1,000; null when Local Retro was never run. */
  async status(): Promise<LocalRetroStatus | null> {
    const rows = await this.#parts.store.hunts.listRuns('local-retro', MOST_RUNS)
    await this.#countRulesets(rows.map(({ id }) => id))
    const history = rows.map((row) => ({
      id: row.id,
      state: shownState[row.state],
      started: row.started,
      stopped: row.stopped,
      startedBy: row.startedBy ?? 'a removed user',
      stoppedBy: row.stoppedBy,
      rulesets: this.#rulesets.get(row.id) ?? 0,
      failure: row.failure,
      ...progressOf(row),
    }))
    const [latest] = history
    return latest ? { ...latest, history } : null
  }

  /** A hunt's rulesets never change, and whoever waits for one asks for its status again and again. */
  async #countRulesets(hunts: readonly number[]): Promise<void> {
    const unknown = hunts.filter((id) => !this.#rulesets.has(id))
    if (unknown.length === 0) return
    for (const [id, rulesets] of await this.#parts.store.hunts.countRulesets(unknown)) this.#rulesets.set(id, rulesets)
  }

  /** Ends the work without ending the hunt: it goes on at the next `resume`. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#runner.close()
    await this.#forgetting
  }

  /** Resolves when no hunt is being worked on any more. */
  async idle(): Promise<void> {
    await Promise.all(this.#runner.underWay.map((id) => this.#runner.settled(id)))
    await this.#forgetting
  }

  async #forgetOldRuns(): Promise<void> {
    try {
      await this.#parts.matches.forgetOldRuns(this.#closing.signal)
    } catch (err) {
      // The next start deletes them.
      this.#parts.log.warn({ err }, 'Lists of old runs of Local Retro were not deleted')
    }
  }

  async #interrupt(reason: Failure): Promise<void> {
    await Promise.all(this.#runner.underWay.map((id) => this.#runner.interrupt(id, reason)))
  }

  async #open(claimed: ClaimedHunt, untilStored: UntilStored): Promise<OpenHunt> {
    const { store, log, scanLimit } = this.#parts
    const { id } = claimed
    const hunt = await store.hunts.findToRun(id)
    const ruleSet = await this.#ruleSetOf(id)
    log.info({ hunt: id, rulesets: ruleSet.rulesets.length, after: hunt.cursor }, 'Local Retro runs')
    return {
      question: {
        ruleSet,
        after: hunt.cursor,
        upTo: hunt.lastSampleId,
        only: null,
        useIndex: true,
        strings: false,
        scanLimit,
        group: `hunt:${id}`,
      },
      store: (checkpoint) => this.#store(claimed, checkpoint, untilStored),
    }
  }

  async #ruleSetOf(id: number): Promise<RuleSet> {
    const { store, rulesets } = this.#parts
    return { id: `hunt:${id}`, rulesets: await rulesets.runnable(await store.hunts.revisionsOf(id)) }
  }

  async #store(hunt: ClaimedHunt, checkpoint: Checkpoint, untilStored: UntilStored): Promise<boolean> {
    const { store, matches, rulesets } = this.#parts
    const isStored = await untilStored(() =>
      store.transaction('advanceHunt', (tx) =>
        advance(tx, hunt, checkpoint, null, async () => {
          const at = now()
          let found = 0
          for (const { sample, hits } of checkpoint.hits)
            found += (await matches.record(tx, { sampleId: sample, hits, at, run: hunt.id })).length
          return found
        }),
      ),
    )
    if (!isStored) return false
    for (const { sample, errors } of withoutRepeats(checkpoint.errors)) {
      await untilStored(() => rulesets.reportScanErrors(sample, errors))
    }
    return true
  }
}

/**
 * Of a ruleset in quarantine, which is reported for each sample that it is not run on, the first report does for all.
 */
function* withoutRepeats(reports: Checkpoint['errors']): Generator<Checkpoint['errors'][number]> {
  const reported = new Set<string>()
  for (const { sample, errors } of reports) {
    const news = errors.filter(({ ruleset, reason }) => reason !== 'quarantine' || !reported.has(ruleset))
    for (const { ruleset, reason } of news) if (reason === 'quarantine') reported.add(ruleset)
    if (news.length > 0) yield { sample, errors: news }
  }
}

export interface LocalRetroParts {
  readonly store: Store
  readonly sources: ScanSources
  readonly rulesets: Rulesets
  readonly matches: Matches
  readonly log: Log
  /** Samples larger than this many bytes are skipped and counted. */
  readonly scanLimit: number
}

/** `matches` counts those that were new. */
export interface LocalRetroRun extends HuntProgress {
  readonly id: number
  readonly state: 'STARTING' | 'RUNNING' | 'COMPLETED' | 'STOPPED'
  readonly started: Micros | null
  readonly stopped: Micros | null
  readonly startedBy: string
  readonly stoppedBy: string | null
  /** How many rulesets were enabled at the start. */
  readonly rulesets: number
  /** Why a hunt could not go on; such a hunt shows as STOPPED. */
  readonly failure: string | null
}

/** The latest run, and every run including it, newest first. */
export interface LocalRetroStatus extends LocalRetroRun {
  readonly history: readonly LocalRetroRun[]
}

const MOST_RUNS = 1_000

const shownState = {
  queued: 'STARTING',
  starting: 'STARTING',
  running: 'RUNNING',
  completed: 'COMPLETED',
  stopped: 'STOPPED',
  // The specification knows no failed state; the reason is in `failure` and becomes the answer's message.
  failed: 'STOPPED',
  capped: 'STOPPED',
} as const

async function addHunt({ hunts, corpus }: UnitOfWork, account: Account, live: LiveSet): Promise<number> {
  const at = now()
  const { samples } = await corpus.whole()
  return hunts.add({
    kind: 'local-retro',
    state: 'starting',
    startedBy: account.id,
    created: at,
    started: at,
    samples,
    lastSampleId: await corpus.lastId(),
    rulesets: live.members.filter(({ isTenants }) => !isTenants),
  })
}
