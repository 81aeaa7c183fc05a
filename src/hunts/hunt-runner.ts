import { setTimeout as delay } from 'node:timers/promises'
import { Failure, messageOf } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import { isAnswerLost, now, type Store } from '../store/index.ts'
import { type Span, within } from '../tracing/index.ts'
import type { Checkpoint } from './checkpoint.ts'
import { type CorpusScanOptions, type ScanSources, scanCorpus } from './corpus-scan.ts'
import { FairScheduler } from './fair-scheduler.ts'
import { type ClaimedHunt, enter, type HuntKind } from './hunt-row.ts'
import { joined } from './joined-checkpoints.ts'
import { retryWhenAway } from './retry-when-away.ts'
import { retryWhenFull } from './retry-when-full.ts'
import { inParts, ofWholeTexts } from './text-parts.ts'

/**
 * Runs the hunts of one kind, from their rows in `hunts`.
 *
 *             its turn comes               every sample is decided
 *   queued ─────────────────▶ running ──────────────────────────▶ completed
 *      ▲                       │  │
 *      └─ slice used up, ──────┘  └──────── a defect ───────────▶ failed
 *         others wait
 *
 * - A checkpoint's results, the cursor and the counts are stored in one transaction, so a hunt survives a restart and a
 *   kill: it goes on after its last checkpoint. Doing the same samples again changes nothing.
 * - Turns are fair between owners (`FairScheduler`); a hunt gives way between two checkpoints, never inside one.
 * - Texts of many rules are looked up and run rule by rule (text-parts.ts), whatever the kind; policies see whole texts.
 * - Whoever claimed a hunt last holds it: its fence, which each claim raises, is a condition of every write. Work that
 *   goes on in a process which lost its hunt stores nothing, and ends at its next write.
 * - The row's state decides: a checkpoint that comes after a hunt was stopped or removed is thrown away.
 * - While the storage is full, a hunt waits with what it could not store. While it does not answer, the hunt waits too, and is
 *   claimed anew after that.
 * - A hunt ends as `failed` only on a defect; the log has the reason. Scans that were given up do not end it.
 * - `close` leaves the rows as they are: the next start of the server goes on with them.
 */
export class HuntRunner {
  readonly #parts: HuntRunnerParts
  readonly #policy: HuntPolicy
  readonly #scheduler: FairScheduler
  /** By the id of the hunt. */
  readonly #underWay = new Map<number, { readonly abort: AbortController; readonly done: Promise<void> }>()
  /** Hunts that this process has begun to run, by their ids. */
  readonly #claims = new Map<number, ClaimedHunt>()
  readonly #closing = new AbortController()
  /** Settles when hunts of which nobody knew have begun. */
  #looking: Promise<void> = Promise.resolve()

  constructor(policy: HuntPolicy, parts: HuntRunnerParts) {
    this.#policy = policy
    this.#parts = parts
    this.#scheduler = new FairScheduler({ turns: parts.atOnce, sliceMs: parts.sliceMs })
  }

  /** Queues again what an earlier process left unfinished. Returns how many hunts that are. */
  async resume(): Promise<number> {
    const rows = await this.#parts.store.hunts.requeue(this.#policy.kind)
    for (const { id, startedBy } of rows) this.begin(id, startedBy)
    return rows.length
  }

  /** Works on a hunt whose row is there, once its owner's turn comes. Its trace is that of `cause`, or one of its own. */
  begin(id: number, owner: number, cause?: Span | null): void {
    if (this.#underWay.has(id)) return
    const abort = new AbortController()
    const span = this.#parts.sources.tracing.start('hunt', {
      kind: 'internal',
      attributes: { 'backtrail.hunt': id, 'backtrail.hunt.kind': this.#policy.kind },
      ...(cause && { parent: cause }),
    })
    const done = this.#runToItsEnd(id, owner, abort.signal, span)
      .then(
        () => span?.end(),
        (error) => {
          span?.end(error)
          return this.#fail(id, abort.signal, error)
        },
      )
      .finally(() => {
        this.#underWay.delete(id)
        this.#claims.delete(id)
        this.#policy.changed?.(id)
      })
    this.#underWay.set(id, { abort, done })
  }

  /**
   * Throws why a hunt could not be made. Where the answer to that was lost its row may be there: then the hunt begins by
   * itself, as soon as the storage answers.
   */
  failToMake(error: unknown): never {
    if (isAnswerLost(error)) this.#looking = this.#looking.then(() => this.#beginUnknown())
    throw error
  }

  async #beginUnknown(): Promise<void> {
    const { store, log, title } = this.#parts
    const { signal } = this.#closing
    try {
      const rows = await retryWhenAway(() => store.hunts.unfinished(this.#policy.kind), signal)
      if (!signal.aborted) for (const { id, startedBy } of rows) this.begin(id, startedBy)
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, `${title} of which nobody knows begins with the next start only`)
    }
  }

  /** Ends this process's work on a hunt, without changing its row. Resolves when nothing of it runs any more. */
  async interrupt(id: number, reason: Failure): Promise<void> {
    const work = this.#underWay.get(id)
    work?.abort.abort(reason)
    await work?.done
  }

  /** Resolves when this process no longer works on the hunt. */
  async settled(id: number): Promise<void> {
    await this.#underWay.get(id)?.done
  }

  /** The hunts that wait or run. */
  get underWay(): readonly number[] {
    return [...this.#underWay.keys()]
  }

  /** Ends the work without ending the hunts: they go on at the next `resume`. */
  async close(): Promise<void> {
    this.#closing.abort(new Failure('service.stopping'))
    await this.#looking
    const all = [...this.#underWay.values()]
    for (const { abort } of all) abort.abort(new Failure('service.stopping'))
    await Promise.all(all.map(({ done }) => done))
  }

  /** Where the storage of rows, contents or segments does not answer, the hunt goes on behind its cursor once it does. */
  async #runToItsEnd(id: number, owner: number, signal: AbortSignal, span: Span | null): Promise<void> {
    const { log } = this.#parts
    for (let hasWarned = false; ; hasWarned = true) {
      try {
        return await this.#run(id, owner, signal, span)
      } catch (error) {
        if (!isAnswerLost(error) || signal.aborted) throw error
        if (!hasWarned) log.warn({ hunt: id, err: error }, 'a hunt waits until the storage answers again')
      }
      await delay(AWAY_MS, undefined, { signal }).catch(() => {})
      signal.throwIfAborted()
    }
  }

  async #run(id: number, owner: number, signal: AbortSignal, span: Span | null): Promise<void> {
    const { store, sources } = this.#parts
    const untilStored = this.#untilStored(id, signal)
    const nextTurn = () => within(span, 'hunt.wait', {}, () => this.#scheduler.take(owner, signal))
    let turn = await nextTurn()
    let ruleSetId: string | null = null
    try {
      const hunt = await this.#claim(id, untilStored)
      if (hunt === null) return
      const entered = (state: 'queued' | 'running' | 'completed') => untilStored(() => enter(store, hunt, state))
      const { question, record, ruleSet } = await within(span, 'hunt.plan', {}, async (planning) => {
        const { question, store: record } = await this.#policy.open(hunt, { signal, untilStored })
        // Where every sample is scanned with every rule, parts of a text would only cost more.
        const ruleSet = question.useIndex ? await inParts(question.ruleSet, sources.plans, signal) : question.ruleSet
        planning?.set({
          'backtrail.rulesets': question.ruleSet.rulesets.length,
          'backtrail.parts': ruleSet.rulesets.length,
        })
        return { question, record, ruleSet }
      })
      const ofTexts = ofWholeTexts(ruleSet)
      ruleSetId = ruleSet.id
      sources.pool.setRuleSet(ruleSet)
      sources.jobs.begin(id, ruleSet)
      const decided = joined(scanCorpus(sources, { ...question, ruleSet, priority: 'hunt', signal, span }))
      for await (const ofParts of decided) {
        const checkpoint = ofTexts(ofParts)
        for (const lost of checkpoint.unreadable)
          this.#parts.log.warn({ hunt: id, ...lost }, 'a sample could not be scanned')
        if (!(await record(checkpoint))) return
        this.#policy.changed?.(id)
        if (!turn.isOver()) continue
        if (!(await entered('queued'))) return
        turn.giveBack()
        turn = await nextTurn()
        if (!(await entered('running'))) return
      }
      await entered('completed')
    } finally {
      turn.giveBack()
      if (ruleSetId !== null) {
        await sources.jobs.end(ruleSetId)
        sources.pool.dropRuleSet(ruleSetId)
      }
    }
  }

  async #fail(id: number, signal: AbortSignal, error: unknown): Promise<void> {
    if (signal.aborted) return
    const { store, log, title } = this.#parts
    log.error({ hunt: id, err: error }, `${title} failed`)
    const untilStored = this.#untilStored(id, signal)
    try {
      await retryWhenAway(async () => {
        const hunt = this.#claims.get(id) ?? (await this.#claim(id, untilStored))
        if (hunt !== null) await untilStored(() => enter(store, hunt, 'failed', messageOf(error)))
      }, signal)
    } catch (error) {
      if (!signal.aborted) log.error({ hunt: id, err: error }, 'that the hunt failed could not be stored')
    }
  }

  async #claim(id: number, untilStored: UntilStored): Promise<ClaimedHunt | null> {
    const hunt = await untilStored(() => this.#parts.store.hunts.claim(id, now()))
    if (hunt !== null) this.#claims.set(id, hunt)
    return hunt
  }

  #untilStored(hunt: number, signal: AbortSignal): UntilStored {
    return (write) => retryWhenFull(write, { hunt, signal, log: this.#parts.log })
  }
}

const AWAY_MS = 1_000

/** Does a write, again and again for as long as the storage is full. */
export type UntilStored = <T>(write: () => Promise<T>) => Promise<T>

export interface HuntRunnerParts {
  readonly store: Store
  readonly sources: ScanSources
  readonly log: Log
  /** How the log calls a hunt of this kind. */
  readonly title: string
  /** How many hunts run at once. */
  readonly atOnce: number
  /** How long a hunt keeps its turn while others wait. */
  readonly sliceMs: number
}

/** What one kind of hunt decides for itself. */
export interface HuntPolicy {
  readonly kind: HuntKind
  /** What the hunt asks, and what becomes of the answers. Called when its first turn in this process has come. */
  open(hunt: ClaimedHunt, work: { readonly signal: AbortSignal; readonly untilStored: UntilStored }): Promise<OpenHunt>
  /** There is news of the hunt: results, another state, or this process no longer works on it. */
  changed?(id: number): void
}

export interface OpenHunt {
  readonly question: Omit<CorpusScanOptions, 'priority' | 'signal'>
  /**
   * Stores what a checkpoint found and that it is decided, both in one transaction (`advance`). False when the work is
   * over: the hunt was stopped, removed or claimed by somebody else, or this checkpoint ended it.
   */
  readonly store: (checkpoint: Checkpoint) => Promise<boolean>
}
