/**
 * What the pipeline finds out about one sample: its type, its signature, and which live rulesets match it.
 *
 * The enabled rulesets may change while a sample is on its way. Nothing is matched from the start then: only what is
 * new in the set is scanned, and what was found with rulesets that are gone is dropped.
 */

import { isDeepStrictEqual } from 'node:util'
import { isShortage } from '../errors/index.ts'
import type { Jobs, SampleToExamine } from '../jobs/index.ts'
import type { ProgramFacts } from '../programs/index.ts'
import type { LiveSet, Rulesets } from '../rulesets/index.ts'
import { type KnownName, nameVariables } from '../samples/index.ts'
import type { Digests, Identification, Log, RuleHit, ScanError, TaskOutput, WorkerPool } from '../scanning/index.ts'
import { type Charge, type ContentStore, type IntakeState, whileLeased } from '../store/index.ts'
import { EarlyFindings } from './early-findings.ts'
import { Sharing } from './sharing.ts'

/** A sample from the queue. */
export interface Queued {
  readonly id: number
  /** As it was called last. */
  readonly known: KnownName
  readonly digests: Digests
  /** It has its place in a segment already. */
  readonly indexed: boolean
  /** It may have been matched before, by this or an earlier process. */
  readonly again: boolean
  readonly state: IntakeState
  /** How far it is unpacked, as `Unpacker` wrote it; null for not at all. */
  readonly place: string | null
  /** What was charged for members that came out behind that place, and are admitted. */
  readonly charged: Charge
}

export interface Examined {
  readonly queued: Queued
  readonly identification: Identification
  /** Null for a sample that could not be examined. */
  readonly signature: Uint8Array | null
  /** What it is made of; null for what is no program, or is not known. */
  readonly program: ProgramFacts | null
  /** The set that `hits` are complete for. */
  readonly live: LiveSet
  readonly hits: readonly RuleHit[]
  readonly errors: readonly ScanError[]
  /** What its note says: why it was not matched, or not unpacked wholly. */
  readonly remarks: readonly string[]
}

/** It is unpacked. */
export function mayHaveMembers({ isArchive, holdsArchive = false }: Identification): boolean {
  return isArchive || holdsArchive
}

const UNKNOWN: Identification = { fileType: 'Unknown', description: '', isArchive: false }

export class Examiner {
  readonly #contents: ContentStore
  readonly #pool: WorkerPool
  readonly #rulesets: Rulesets
  readonly #scanBytes: number
  #live: LiveSet | null = null
  /** When the enabled rulesets changed last, in milliseconds of `performance.now()`. */
  #changed = Number.NEGATIVE_INFINITY
  /** How many times samples were brought up to date. */
  #caughtUp = 0
  readonly #early = new EarlyFindings()
  readonly #sharing: Sharing

  constructor(parts: {
    readonly contents: ContentStore
    readonly pool: WorkerPool
    readonly rulesets: Rulesets
    readonly scanBytes: number
    readonly jobs: Jobs
    /** Worker processes of the pool. */
    readonly workers: number
    readonly log: Log
  }) {
    this.#contents = parts.contents
    this.#pool = parts.pool
    this.#rulesets = parts.rulesets
    this.#scanBytes = parts.scanBytes
    const live = () => (this.#live === null ? null : { set: this.#live, since: this.#changed })
    this.#sharing = new Sharing({ ...parts, live })
  }

  /** How many samples are worth having under way for nodes. */
  get samplesElsewhere(): number {
    return this.#sharing.samplesElsewhere
  }

  /** The enabled rulesets changed: the next sample sees it. */
  dropLiveSet(): void {
    if (this.#live) this.#pool.dropRuleSet(this.#live.id)
    this.#live = null
    this.#changed = performance.now()
    this.#sharing.dropLiveSet()
  }

  /** Makes the enabled rulesets known to the workers. */
  async prepare(): Promise<void> {
    await this.#liveSet()
  }

  /**
   * Copies a file to `temporary` while hashing it, and examines it on the way where that saves work. `known` is what its
   * sample will be called. What was found waits for `examine`: `forget` it when no sample comes of it.
   */
  async copyAndHash(
    file: { readonly source: string; readonly temporary: string; readonly size: number; readonly known: KnownName },
    options: { readonly group?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Digests> {
    const { known, ...copied } = file
    return this.#withLiveSet(async (live) => {
      const examine = { ruleSet: live.id, variables: nameVariables(known), upTo: this.#scanBytes }
      const { digests, examined } = await this.#pool.run(
        'copyAndHash',
        // What nodes are to examine is copied only: else this process would be the slowest of all.
        { ...copied, examine: this.#early.isFull || this.#sharing.isForNodes ? null : examine },
        { priority: 'live', waitForRoom: true, ...options },
      )
      if (examined !== null) this.#early.keep(digests.sha256, { known, live, found: examined })
      return digests
    })
  }

  /** What was found early should be asked for before more files are taken. */
  get hasEnough(): boolean {
    return this.#early.isFull
  }

  /** No sample comes of the content, or it is known already. */
  forget({ sha256 }: Digests): void {
    this.#early.take(sha256)
  }

  /** Never rejects for the sample's sake: one that cannot be examined says so in its remarks. */
  async examine(queued: Queued, signal: AbortSignal): Promise<Examined> {
    const early = this.#early.take(queued.digests.sha256)
    // Rules may ask for the name, and what was given up on a sample before is left out.
    if (early !== undefined && isDeepStrictEqual(early.known, queued.known) && !queued.again) {
      return { ...early.found, queued, live: early.live, remarks: [] }
    }
    const { digests, known } = queued
    const without = await this.#without(queued)
    const scan = digests.size <= this.#scanBytes
    const sample = { digests, variables: nameVariables(known), without, scan }
    return this.#sharing.examine(sample, signal, {
      here: () => this.#withLiveSet((live) => this.#examineWith(live, queued, sample, signal)),
      elsewhere: ({ live, found }) => ({ ...found, queued, live, remarks: this.#remarksOn(queued) }),
    })
  }

  #remarksOn({ digests }: Queued): string[] {
    if (digests.size <= this.#scanBytes) return []
    return [`It is larger than ${this.#scanBytes} bytes, and is not matched against rules.`]
  }

  async #examineWith(
    live: LiveSet,
    queued: Queued,
    { without, scan }: Pick<SampleToExamine, 'without' | 'scan'>,
    signal: AbortSignal,
  ): Promise<Examined> {
    const base = { queued, live, hits: [], errors: [], signature: null, program: null, identification: UNKNOWN }
    try {
      const found = await this.#run(queued, { ruleSet: live.id, without, scan }, signal)
      return { ...base, ...found, remarks: this.#remarksOn(queued) }
    } catch (error) {
      if (signal.aborted || !isOfTheSample(error)) throw error
      return { ...base, remarks: [`It could not be examined: ${(error as Error).message}`] }
    }
  }

  /** Brings samples that were all examined with one older set up to date with what is enabled now. */
  async catchUp(behind: readonly Examined[], signal: AbortSignal): Promise<Examined[]> {
    const old = behind[0]?.live
    if (!old) return []
    const live = await this.#currentLiveSet()
    const before = new Set(old.rulesets.map(({ key }) => key))
    const after = new Set(live.rulesets.map(({ key }) => key))
    const rulesets = live.rulesets.filter(({ key }) => !before.has(key))
    // Others may catch up from the same set at the same time, and end before this does.
    const news = { id: `live:${old.generation}-${live.generation} ${this.#caughtUp++}`, rulesets }
    if (rulesets.length > 0) this.#pool.setRuleSet(news)
    try {
      return await Promise.all(
        behind.map(async (examined) => {
          const hits = examined.hits.filter(({ ruleset }) => after.has(ruleset))
          const mayMatch = examined.signature !== null && examined.queued.digests.size <= this.#scanBytes
          if (rulesets.length === 0 || !mayMatch) return { ...examined, live, hits }
          const without = await this.#without(examined.queued)
          const found = await this.#run(examined.queued, { ruleSet: news.id, without, scan: true }, signal)
          const errors = [...examined.errors, ...found.errors]
          return { ...examined, live, hits: [...hits, ...found.hits], errors }
        }),
      )
    } finally {
      if (rulesets.length > 0) this.#pool.dropRuleSet(news.id)
    }
  }

  /** The rulesets that were given up on a sample before. */
  async #without({ id, again }: Queued): Promise<string[]> {
    return again ? this.#rulesets.givenUpOn(id) : []
  }

  #run(
    { known, digests }: Queued,
    how: { readonly ruleSet: string; readonly without: readonly string[]; readonly scan: boolean },
    signal: AbortSignal,
  ): Promise<TaskOutput<'examine'>> {
    return whileLeased(this.#contents, digests.sha256, (path) => {
      const input = { path, digests, variables: nameVariables(known), ...how }
      return this.#pool.run('examine', input, { priority: 'live', waitForRoom: true, signal })
    })
  }

  /** Runs a task that names the live set: nothing can happen in between, so the set is not dropped before. */
  async #withLiveSet<T>(task: (live: LiveSet) => Promise<T>): Promise<T> {
    let live = await this.#liveSet()
    while (live !== this.#live) live = await this.#liveSet()
    return task(live)
  }

  /** The set of this instant: a kept one may be older, where nobody reported the change (yet, or any more). */
  async #currentLiveSet(): Promise<LiveSet> {
    const generation = await this.#rulesets.generation()
    if (this.#live?.generation !== generation) this.dropLiveSet()
    return this.#liveSet()
  }

  async #liveSet(): Promise<LiveSet> {
    if (this.#live) return this.#live
    const live = await this.#rulesets.liveSet()
    if (this.#live === null) {
      this.#pool.setRuleSet(live)
      this.#live = live
    }
    return this.#live
  }
}

/** A file that cannot be read, or a content that every worker dies of; everything else is ours to solve. */
export function isOfTheSample(error: unknown): boolean {
  return error instanceof Error && !('status' in error) && !isShortage(error)
}
