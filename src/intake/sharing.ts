/**
 * Who examines a sample: this process, or a node.
 *
 *             ┌── this process has little to do ───────────────▶ here
 *   waiting ──┤                                                   ▲
 *             └── a batch of them, as a part for nodes ──┬────────┘ it was not done there, or the answer cannot be
 *                                                        └──▶ found
 *
 * - What a node answers is held to what it was asked, as if it came from outside (`answers.ts`); what it means is decided when it
 *   is committed, as with all that is found here. It was matched with the live set of the time at which it was offered, so it
 *   is brought up to date like any other.
 * - While the live set is changing nothing is offered: a set travels as a whole.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Jobs, SampleToExamine } from '../jobs/index.ts'
import type { LiveSet } from '../rulesets/index.ts'
import type { Log, TaskOutput } from '../scanning/index.ts'
import { readAnswer } from './answers.ts'

export interface SharingParts {
  readonly jobs: Jobs
  /** Worker processes of this server. */
  readonly workers: number
  readonly log: Log
  /** The live set and when it changed, in milliseconds of `performance.now()`; null where it was not read yet. */
  readonly live: () => { readonly set: LiveSet; readonly since: number } | null
}

export interface FoundElsewhere {
  /** The set that it was matched with. */
  readonly live: LiveSet
  readonly found: TaskOutput<'examine'>
}

/** Of one part: samples, and their bytes, of which a signature has up to an eighth. Larger samples stay here. */
const BATCH = 64
const BATCH_BYTES = 8 * 1024 ** 2
const MOST_BYTES = 64 * 1024 ** 2
/** What is enough for each worker here, in samples and bytes; below a quarter of it parts are taken back. */
const ENOUGH = 64
const ENOUGH_BYTES = 32 * 1024 ** 2
/** Samples that come within this time travel together. */
const GATHER_MS = 10
/** A live set that was not changed for this long is worth sending. */
const SETTLED_MS = 1_000
/** What nobody has claimed for so long, this process does. */
const UNCLAIMED_MS = 10_000

export class Sharing {
  readonly #parts: SharingParts
  readonly #waiting: Waiting[] = []
  readonly #here = { samples: 0, bytes: 0 }
  #isGathering = false
  #offered: OfferedSet | null = null

  constructor(parts: SharingParts) {
    this.#parts = parts
  }

  /** How many samples are worth having under way for nodes, beside those for this process. */
  get samplesElsewhere(): number {
    return BATCH * this.#partsElsewhere
  }

  /** Whether what arrives is better left to nodes than examined on its way. */
  get isForNodes(): boolean {
    const { jobs } = this.#parts
    return this.#partsElsewhere > 0 && (!jobs.isWorking('intake') || !this.#hasRoomHere())
  }

  /**
   * What `elsewhere` makes of what a node has found out about a sample, or what `here` does about it. Rejects as they do, and
   * with the signal's reason.
   */
  async examine<T>(
    sample: SampleToExamine,
    signal: AbortSignal,
    { here, elsewhere }: { readonly here: () => Promise<T>; readonly elsewhere: (found: FoundElsewhere) => T },
  ): Promise<T> {
    const found = await this.#find(sample, signal)
    if (found !== null) return elsewhere(found)
    try {
      signal.throwIfAborted()
      return await here()
    } finally {
      this.#here.samples--
      this.#here.bytes -= sample.digests.size
      this.#deal()
    }
  }

  /** The live set has changed. */
  dropLiveSet(): void {
    const offered = this.#offered
    this.#offered = null
    if (offered === null) return
    offered.isOver = true
    this.#endUnused(offered)
  }

  /** Null where it is to be examined here, and is counted so. */
  async #find(sample: SampleToExamine, signal: AbortSignal): Promise<FoundElsewhere | null> {
    const { promise, resolve } = Promise.withResolvers<FoundElsewhere | null>()
    const waiting = { sample, signal, resolve }
    if (this.#partsElsewhere === 0 || sample.digests.size > MOST_BYTES) this.#leaveHere(waiting)
    else {
      this.#waiting.push(waiting)
      void this.#gather()
    }
    return promise
  }

  get #partsElsewhere(): number {
    const { jobs } = this.#parts
    return jobs.elsewhere('intake') + jobs.roomElsewhere('intake')
  }

  #leaveHere({ sample, resolve }: Waiting): void {
    this.#here.samples++
    this.#here.bytes += sample.digests.size
    resolve(null)
  }

  #hasRoomHere(share = 1): boolean {
    const most = this.#parts.workers * share
    return this.#here.samples < ENOUGH * most && this.#here.bytes < ENOUGH_BYTES * most
  }

  async #gather(): Promise<void> {
    if (this.#isGathering) return
    this.#isGathering = true
    await delay(GATHER_MS)
    this.#isGathering = false
    this.#deal()
  }

  /** Gives what waits to whoever has room for it, the oldest first. Whenever something ends that was given, it is called. */
  #deal(): void {
    const { jobs } = this.#parts
    for (let [first] = this.#waiting; first !== undefined; [first] = this.#waiting) {
      const set = first.signal.aborted ? null : this.#setToOffer()
      if (set === null || (jobs.isWorking('intake') && this.#hasRoomHere())) {
        this.#waiting.shift()
        this.#leaveHere(first)
      } else if (jobs.roomElsewhere('intake') > 0) {
        void this.#offer(this.#takeBatch(), set, first.signal)
      } else break
    }
  }

  #takeBatch(): Waiting[] {
    let count = 1
    let bytes = this.#waiting[0]?.sample.digests.size ?? 0
    for (const { sample } of this.#waiting.slice(1, BATCH)) {
      bytes += sample.digests.size
      if (bytes > BATCH_BYTES) break
      count++
    }
    return this.#waiting.splice(0, count)
  }

  async #offer(batch: readonly Waiting[], offered: OfferedSet, signal: AbortSignal): Promise<void> {
    const { jobs, log } = this.#parts
    offered.parts++
    const left = new Set(batch)
    try {
      const items = batch.map(({ sample }) => sample)
      const how = { ruleSet: offered.set.id, signal, isWantedBack: (ageMs: number) => this.#isWantedBack(ageMs) }
      const answer = await jobs.share('examine', { items }, how)
      const found = answer === null ? [] : await readAnswer(answer, items, offered.keys)
      if (found === null)
        log.warn({ samples: items.length }, 'a node answered what it was not asked, and is not believed')
      for (const [n, one] of (found ?? []).entries()) {
        const waiting = batch[n]
        if (one === null || waiting === undefined) continue
        left.delete(waiting)
        waiting.resolve({ live: offered.set, found: one })
      }
    } catch (error) {
      // The next who wants to know it is this process.
      if (!signal.aborted) log.warn({ err: error }, 'samples could not be examined by nodes')
    } finally {
      offered.parts--
      this.#endUnused(offered)
      for (const waiting of left) this.#leaveHere(waiting)
      this.#deal()
    }
  }

  /** Whether this process would rather examine what it has offered that long ago, and that nobody has begun with. */
  #isWantedBack(ageMs: number): boolean {
    if (ageMs > UNCLAIMED_MS) return true
    return this.#parts.jobs.isWorking('intake') && this.#waiting.length === 0 && this.#hasRoomHere(1 / 4)
  }

  #setToOffer(): OfferedSet | null {
    const live = this.#parts.live()
    if (live === null || performance.now() - live.since < SETTLED_MS) return null
    if (this.#offered?.set === live.set) return this.#offered
    this.dropLiveSet()
    this.#parts.jobs.begin(null, live.set)
    this.#offered = { set: live.set, keys: new Set(live.set.rulesets.map(({ key }) => key)), parts: 0, isOver: false }
    return this.#offered
  }

  /** What was offered with an earlier set goes on with it: less is to be scanned then than from the start. */
  #endUnused(offered: OfferedSet): void {
    if (offered.isOver && offered.parts === 0) void this.#parts.jobs.end(offered.set.id)
  }
}

interface Waiting {
  readonly sample: SampleToExamine
  readonly signal: AbortSignal
  /** With null where it is left to this process. */
  readonly resolve: (found: FoundElsewhere | null) => void
}

/** A live set that nodes are offered samples with. */
interface OfferedSet {
  readonly set: LiveSet
  readonly keys: ReadonlySet<string>
  /** That are offered now. */
  parts: number
  /** Another set is live. */
  isOver: boolean
}
