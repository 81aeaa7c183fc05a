import { setTimeout as pause } from 'node:timers/promises'
import type { AuditLog } from '../audit/index.ts'
import { Failure, messageOf } from '../errors/index.ts'
import type { Samples } from '../samples/index.ts'
import type { Log } from '../scanning/index.ts'
import { type Micros, now, type Room, type Sample, type Store } from '../store/index.ts'
import { type Chosen, chooseOf, type Gone, type Group, groupsOf, Kept, type KeptCounts } from './due.ts'
import { loadPolicy, type ReadPolicy, type RetentionPolicy, readPolicy, storePolicy } from './policy.ts'

interface RetentionParts {
  readonly store: Store
  readonly samples: Samples
  readonly audit: AuditLog
  readonly room: Room
  readonly log: Log
  readonly intervalMs: number
}

/** What would go, or what went. */
export interface RetentionCounts {
  /** Members of archives included. */
  readonly samples: number
  readonly bytes: number
  readonly kept: KeptCounts
}

export interface RetentionPreview extends RetentionCounts {
  /** Of when the one was last seen that was seen longest ago, and of the one that was seen last; null for none. */
  readonly oldest: Micros | null
  readonly newest: Micros | null
  /** The first ones that would go. */
  readonly examples: readonly Sample[]
  /** False: there are more, and counting them would take too long. */
  readonly complete: boolean
}

export interface RetentionRun extends RetentionCounts {
  readonly started: Micros
  /** Null while it runs. */
  readonly ended: Micros | null
  /** Why it did not come to its end. */
  readonly problem: string | null
}

/** How long a preview counts, and how many samples. */
const PREVIEW_MS = 5_000
const PREVIEW_MOST = 500_000
const EXAMPLES = 20
/** A server that just started has other work. */
const FIRST_RUN_MS = 120_000
/** Behind each step it pauses as many times longer than that took: requests come first. */
const REST = 2
const LONGEST_REST_MS = 2_000

/** Who deletes, in the audit log: no user can have this name. */
const RETENTION_USER = '(retention)'

/**
 * Deletes by itself what a policy says, group by group:
 *
 *   off ──policy says so──▶ waiting ──interval, or somebody asks──▶ running ──nothing is left, stop──▶ waiting
 *
 * Each group is chosen anew in the transaction that deletes it, so a sample stays that got a match, was sent again, or
 * is part of a hunt since it was found.
 */
export class Retention {
  readonly #parts: RetentionParts
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | null = null
  #last: RetentionRun | null = null
  #counting: Promise<unknown> = Promise.resolve()

  constructor(parts: RetentionParts) {
    this.#parts = parts
  }

  /** From now on it runs by itself. */
  start(): void {
    this.#schedule(Math.min(FIRST_RUN_MS, this.#parts.intervalMs))
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#stopping.abort(new Failure('service.stopping'))
    await this.#running
    await this.#counting.catch(() => undefined)
  }

  policy(): Promise<RetentionPolicy> {
    return loadPolicy(this.#parts.store.settings)
  }

  /** Says what goes from the next run on. Fails with `query.malformed` and `parameter.out-of-range`. */
  async setPolicy(policy: RetentionPolicy): Promise<void> {
    readPolicy(policy)
    await storePolicy(this.#parts.store.settings, policy)
  }

  /** The latest run since the start, which may be under way. */
  get last(): RetentionRun | null {
    return this.#last
  }

  /** Begins a run, unless one is under way. Fails with `retention.off`. */
  async begin(): Promise<void> {
    if (!(await this.policy()).enabled) throw new Failure('retention.off')
    this.#runOnce()
  }

  /** Resolves when no run is under way. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  /** What would go with a policy, whether it is turned on or not. Previews wait for one another. */
  preview(policy: RetentionPolicy, signal: AbortSignal): Promise<RetentionPreview> {
    const read = readPolicy(policy)
    const counted = this.#counting
      .catch(() => undefined)
      .then(() => this.#count(read, AbortSignal.any([signal, this.#stopping.signal])))
    this.#counting = counted
    return counted
  }

  async #count(policy: ReadPolicy, signal: AbortSignal): Promise<RetentionPreview> {
    const { store } = this.#parts
    const started = performance.now()
    const kept = new Kept()
    const ids = new Set<number>()
    const examples: Sample[] = []
    let bytes = 0
    let oldest: Micros | null = null
    let newest: Micros | null = null
    let complete = true
    const walking = { gone: (): Gone => ({ ids, bytes }), rest: async () => {}, signal }
    for await (const group of groupsOf(store, policy, now(), walking)) {
      const chosen = await chooseOf(store, policy, group, kept, ids)
      for (const sample of chosen.samples) {
        ids.add(sample.id)
        bytes += sample.size
        oldest = oldest === null ? sample.lastSeen : Math.min(oldest, sample.lastSeen)
        newest = newest === null ? sample.lastSeen : Math.max(newest, sample.lastSeen)
        if (examples.length < EXAMPLES) examples.push(sample)
      }
      complete = performance.now() - started < PREVIEW_MS && ids.size < PREVIEW_MOST
      if (!complete) break
    }
    return { samples: ids.size, bytes, kept: kept.counts, oldest, newest, examples, complete }
  }

  #schedule(ms: number): void {
    this.#timer = setTimeout(() => {
      void this.#ifEnabled()
      this.#schedule(this.#parts.intervalMs)
    }, ms)
    this.#timer.unref()
  }

  async #ifEnabled(): Promise<void> {
    try {
      if ((await this.policy()).enabled) this.#runOnce()
    } catch (err) {
      this.#parts.log.error({ err }, 'the settings of retention could not be read')
    }
  }

  #runOnce(): void {
    if (this.#running !== null || this.#stopping.signal.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = null
    })
  }

  async #run(): Promise<void> {
    const { store, log } = this.#parts
    const { signal } = this.#stopping
    const kept = new Kept()
    const run = { started: now(), ended: null as Micros | null, problem: null as string | null }
    let samples = 0
    let bytes = 0
    const report = () => {
      this.#last = { ...run, samples, bytes, kept: kept.counts }
    }
    const rest = (ms: number) => pause(Math.min(REST * ms, LONGEST_REST_MS), undefined, { signal })
    report()
    try {
      const policy = readPolicy(await this.policy())
      for await (const group of groupsOf(store, policy, run.started, { gone: nothingGone, rest, signal })) {
        const began = performance.now()
        const deleted = await this.#deleteGroup(policy, group, kept)
        samples += deleted.samples.length
        bytes += deleted.bytes
        report()
        await rest(performance.now() - began)
      }
    } catch (error) {
      if (!signal.aborted) {
        run.problem = messageOf(error)
        log.error(
          { err: error },
          'samples that are to be deleted by themselves could not be deleted, which is tried again later',
        )
      }
    }
    run.ended = now()
    report()
    if (samples > 0) log.info({ samples, bytes, ...kept.counts }, 'old samples were deleted')
  }

  async #deleteGroup(policy: ReadPolicy, group: Group, kept: Kept): Promise<Chosen> {
    const { store, samples, audit, room } = this.#parts
    const first = await chooseOf(store, policy, group, kept)
    if (first.ids.length === 0) return first
    let chosen: Chosen = nothing
    await room.lend(() =>
      samples.deleteChosen(first.ids, async (tx) => {
        chosen = await chooseOf(tx, policy, { ...group, ids: first.ids }, new Kept())
        return chosen.ids
      }),
    )
    const subjects = chosen.samples.map(({ sha256, sha1 }) => sha256 ?? sha1)
    if (subjects.length > 0) {
      const operation = 'deleteExpiredSamples'
      await audit.record({ user: RETENTION_USER, operation, subjects, status: 200, address: 'server' })
    }
    return chosen
  }
}

const nothing: Chosen = { ids: [], samples: [], bytes: 0 }
const nothingGone = (): Gone => ({ ids: new Set(), bytes: 0 })
