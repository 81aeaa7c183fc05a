/**
 * Takes samples out of the queue and brings each to its end:
 *
 *   queued ──examine──▶ (archive: unpack, its members join the queue) ──▶ finished ──commit──▶ processed
 *      ▲                                                                     │                    ▲
 *      └────────── the enabled rulesets changed: scan what is new ◀──────────┘   archives: when their members are
 *
 * Finished samples are committed together, when there are many or the oldest has waited long enough, and at once when
 * nothing else is under way. As long as an older sample is about to finish, newer ones wait for it, so that the
 * segments that are made of them rarely overlap. A kill loses only what was not committed: those samples are queued
 * still, and start anew.
 */
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import pLimit, { type LimitFunction } from 'p-limit'
import type { Log } from '../scanning/index.ts'
import { isAnswerLost } from '../store/index.ts'
import { type Completed, type CompletionParts, complete, completeArchives, type Done } from './completion.ts'
import { type Examined, type Examiner, mayHaveMembers, type Queued } from './examination.ts'
import type { Queue } from './queue.ts'
import type { Unpacker } from './unpacking.ts'

/** Samples of one commit, and the bytes of their signatures. */
const BATCH = 1_024
const BATCH_BYTES = 64 * 1024 * 1024
/** How long finished samples wait to become a larger batch, while others are under way. */
const LINGER_MS = 1_000
/** How long newer samples wait for an older one; one that takes longer gets a segment inside the range of another. */
const HOLD_MS = 500
const RETRY_MS = 1_000

export interface PipelineParts extends CompletionParts {
  readonly queue: Queue
  readonly examiner: Examiner
  readonly unpacker: Unpacker
  readonly log: Log
  /** Samples under way at once, as of now, and archives being unpacked. */
  readonly atOnce: () => number
  readonly unpackAtOnce: number
  /** Called in the order of commits. */
  readonly onProcessed: (samples: readonly Done[]) => void
  readonly onStarted: () => void
  /** Samples that had been started are in the queue again. */
  readonly onPutBack: (count: number) => void
}

export class Pipeline {
  readonly #parts: PipelineParts
  readonly #stopping = new AbortController()
  /** Under way, with the time they were taken. */
  readonly #underWay = new Map<number, number>()
  #finished: Examined[] = []
  /** Finished, or being committed. */
  readonly #held = new Set<number>()
  /** Of these, the ones that came out of the queue meanwhile: as they were before, or since they were put back into it. */
  readonly #skipped = new Set<number>()
  /** Of the signatures in `#finished`. */
  #finishedBytes = 0
  #finishedSince = 0
  readonly #unpacking: LimitFunction
  #committing: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #taking: Promise<void> | null = null
  #moreToTake = false
  #idle: (() => void)[] = []
  readonly #running = new Set<Promise<void>>()

  constructor(parts: PipelineParts) {
    this.#parts = parts
    this.#unpacking = pLimit(parts.unpackAtOnce)
  }

  get underWay(): number {
    return this.#underWay.size + this.#finished.length
  }

  /** There may be something in the queue. */
  wake(): void {
    this.#moreToTake = true
    if (this.#taking !== null || this.#stopping.signal.aborted) return
    this.#taking = this.#take()
      .catch((error) => this.#pauseAfter(error, 'reading the queue failed'))
      .finally(() => {
        this.#taking = null
        if (this.#moreToTake && this.#hasRoom()) this.wake()
        else this.#resolveIdle()
      })
  }

  /** The same after a unit failed that was to put something into the queue; nobody may know whether it did. */
  wakeAfter(error: unknown): void {
    this.#readAnewAfter(error)
    if (this.#moreToTake) this.wake()
  }

  /**
   * Lets what is under way end. Finished samples are committed, once: what cannot be committed, or was matched with
   * rulesets of before, stays in the queue for the next process.
   */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('Intake is stopping.'))
    await this.#taking
    while (this.#running.size > 0) await Promise.allSettled(this.#running)
    while (this.#committing !== null || this.#finished.length > 0) {
      if (this.#committing !== null) await this.#committing
      else await this.#commitSome(this.#finished.splice(0))
    }
    if (this.#timer) clearTimeout(this.#timer)
    this.#resolveIdle()
  }

  /** Resolves when the queue is empty and nothing is under way, or when the pipeline has stopped. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      this.wake()
      this.#resolveIdle()
    })
  }

  #hasRoom(): boolean {
    // Samples that wait for their commit still cost memory.
    return (
      this.#underWay.size < this.#parts.atOnce() &&
      this.#finished.length < 4 * BATCH &&
      this.#finishedBytes < 4 * BATCH_BYTES &&
      !this.#stopping.signal.aborted
    )
  }

  async #take(): Promise<void> {
    const { queue, onStarted } = this.#parts
    while (this.#moreToTake && this.#hasRoom()) {
      // What comes while the queue is read may not be in what was read of it.
      this.#moreToTake = false
      let queued: Queued | null
      try {
        queued = await queue.next()
      } catch (error) {
        this.#moreToTake = true
        throw error
      }
      if (queued === null) {
        await this.#releaseForDeleted()
        return
      }
      this.#moreToTake = true
      if (this.#underWay.has(queued.id)) continue
      if (this.#held.has(queued.id)) {
        this.#skipped.add(queued.id)
        continue
      }
      this.#underWay.set(queued.id, performance.now())
      onStarted()
      const run = this.#bring(queued).finally(() => this.#running.delete(run))
      this.#running.add(run)
    }
  }

  async #bring(queued: Queued): Promise<void> {
    const { signal } = this.#stopping
    const { examiner, unpacker, log } = this.#parts
    try {
      let examined = await examiner.examine(queued, signal)
      if (mayHaveMembers(examined.identification) && queued.state.stage !== 'rematch') {
        const archive = examined
        const remarks = await this.#unpacking(() => unpacker.unpack(archive, signal))
        examined = { ...examined, remarks }
      }
      this.#finish([examined])
    } catch (error) {
      // It stays in the queue: for the next process, or for another try when the cause may pass.
      if (!signal.aborted) {
        log.error({ err: error, sample: queued.id }, 'a sample could not be processed now, and is tried again')
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
        this.#putBack([queued.id])
      }
    } finally {
      this.#underWay.delete(queued.id)
      this.#considerCommit()
      if (!signal.aborted) this.wake()
    }
  }

  /** Logs a failure that may pass, and waits: tried again at once, it would come again at once. */
  async #pauseAfter(error: unknown, message: string): Promise<void> {
    if (this.#stopping.signal.aborted) return
    this.#parts.log.error({ err: error }, message)
    await delay(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {})
  }

  #finish(examined: readonly Examined[]): void {
    if (this.#finished.length === 0) this.#finishedSince = performance.now()
    for (const one of examined) {
      this.#finished.push(one)
      this.#held.add(one.queued.id)
    }
    this.#finishedBytes += bytesOf(examined)
  }

  #considerCommit(): void {
    if (this.#committing !== null || this.#finished.length === 0) return
    const now = performance.now()
    const due =
      this.#finished.length >= BATCH ||
      this.#finishedBytes >= BATCH_BYTES ||
      this.#underWay.size === 0 ||
      now - this.#finishedSince >= LINGER_MS
    const ready = due ? this.#takeReady(now) : []
    if (ready.length === 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null
        this.#considerCommit()
      }, HOLD_MS)
      return
    }
    this.#committing = this.#commitSome(ready).finally(() => {
      this.#committing = null
      this.#considerCommit()
      this.wake()
    })
  }

  /** The finished samples that no older one is about to join, up to a batch. */
  #takeReady(now: number): Examined[] {
    let oldest = Number.POSITIVE_INFINITY
    for (const [id, since] of this.#underWay) if (now - since < HOLD_MS) oldest = Math.min(oldest, id)
    this.#finished.sort((a, b) => a.queued.id - b.queued.id)
    let ready = this.#finished.findIndex(({ queued }) => queued.id > oldest)
    if (ready < 0) ready = this.#finished.length
    const taken = this.#finished.splice(0, Math.min(ready, BATCH))
    this.#finishedBytes -= bytesOf(taken)
    this.#finishedSince = now
    return taken
  }

  async #commitSome(batch: readonly Examined[]): Promise<void> {
    const { log } = this.#parts
    try {
      const { behind, ...completed } = await complete(this.#parts, batch)
      this.#release(batch, behind)
      this.#settle(completed)
      // When stopping they stay in the queue.
      if (behind.length > 0 && !this.#stopping.signal.aborted) this.#catchUp(behind)
    } catch (error) {
      // Most likely the disk is full: the samples keep their results and wait.
      log.error(
        { err: error, samples: batch.length },
        'finished samples could not be committed now, and are tried again',
      )
      if (!this.#stopping.signal.aborted) {
        await delay(RETRY_MS, undefined, { signal: this.#stopping.signal }).catch(() => {})
        this.#finish(batch)
        this.#readAnewAfter(error)
      }
    }
  }

  /** The batch is in this process's hands no longer, but for those that are behind. */
  #release(batch: readonly Examined[], behind: readonly Examined[]): void {
    const left = new Set(behind.map(({ queued }) => queued.id))
    const ended = batch.map(({ queued }) => queued.id).filter((id) => !left.has(id))
    for (const { queued } of batch) this.#held.delete(queued.id)
    this.#parts.queue.ended(ended)
    const again = ended.filter((id) => this.#skipped.delete(id))
    if (again.length === 0) return
    this.#parts.queue.putBack(again)
    this.#moreToTake = true
  }

  #putBack(ids: readonly number[]): void {
    this.#parts.queue.putBack(ids)
    this.#parts.onPutBack(ids.length)
  }

  /** Where nobody knows whether a unit became true, samples may be in the queue behind the place up to which it is read. */
  #readAnewAfter(error: unknown): void {
    if (!isAnswerLost(error)) return
    this.#parts.queue.readAnew()
    this.#moreToTake = true
  }

  #settle({ done, again }: Omit<Completed, 'behind'>): void {
    const { onProcessed, unpacker } = this.#parts
    for (const { id } of done) unpacker.forget(id)
    onProcessed(done)
    if (again.length === 0) return
    this.#putBack(again)
    this.#moreToTake = true
  }

  #catchUp(behind: readonly Examined[]): void {
    const { signal } = this.#stopping
    const byGeneration = Map.groupBy(behind, ({ live }) => live.generation)
    for (const group of byGeneration.values()) {
      const since = performance.now()
      for (const { queued } of group) this.#underWay.set(queued.id, since)
      // In a turn of the event loop of its own: where nothing has to be scanned, all of this is microtasks, and a set
      // that changes all the time would keep everything else waiting.
      const run = nextTurn()
        .then(() => this.#parts.examiner.catchUp(group, signal))
        .then(
          (examined) => this.#finish(examined),
          async (error) => {
            if (signal.aborted) return
            await this.#pauseAfter(error, 'samples could not be matched anew now, and are tried again')
            for (const { queued } of group) this.#underWay.delete(queued.id)
            this.#putBack(group.map(({ queued }) => queued.id))
          },
        )
        .finally(() => {
          this.#running.delete(run)
          for (const { queued } of group) this.#underWay.delete(queued.id)
          this.#considerCommit()
          if (!signal.aborted) this.wake()
        })
      this.#running.add(run)
    }
  }

  /** Archives must not wait for members that were deleted before their turn came. */
  async #releaseForDeleted(): Promise<void> {
    if (this.#underWay.size > 0 || this.#finished.length > 0 || this.#committing) return
    try {
      this.#settle(await completeArchives(this.#parts))
    } catch (error) {
      this.#readAnewAfter(error)
      // Else nobody would try again before the next sample arrives.
      this.#moreToTake = true
      throw error
    }
  }

  #resolveIdle(): void {
    const stopped = this.#stopping.signal.aborted
    const busy = this.#taking !== null || this.#moreToTake || this.underWay > 0 || this.#committing !== null
    if (busy && !stopped) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

function bytesOf(examined: readonly Examined[]): number {
  return examined.reduce((sum, { signature }) => sum + (signature?.length ?? 0), 0)
}
