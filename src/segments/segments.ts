/**
 * The catalogue of the index: which segment files are live, and which samples are in them.
 *
 * A segment's life:  staged → live (with `samples.segment_id`, in one transaction) → retired, when it was merged into
 *                    another, or made anew → removed when its last reader is done, in whatever process that is.
 * Whatever happens, a processed sample is either in the live segment that its row names or counts as *unindexed*, and hunts scan
 * those plainly. Segments list their own sample ids, which ascend within a segment; ranges of different segments may
 * interleave (see `chains.ts`), so nobody may conclude from an id's range that a sample is in a segment.
 *
 * Deleting a sample takes effect at once, because hunts look candidates up in the database; its column leaves with the
 * next merge, and segments that consist of deleted samples for a good part are rewritten.
 */
import { basename } from 'node:path'
import type { Log, WorkerPool } from '../scanning/index.ts'
import { type ContentStore, now, type Store, type UnitOfWork } from '../store/index.ts'
import { type BuildOptions, buildIndex } from './building.ts'
import { nextMerge } from './chains.ts'
import { type CheckOptions, type CheckReport, checkIndex, lookAtFiles } from './checking.ts'
import { type MergeElsewhere, merge } from './merging.ts'
import { SegmentCatalogue } from './segment-catalogue.ts'
import type { SegmentFiles } from './segment-files.ts'
import { SegmentReaders } from './segment-readers.ts'
import type { PreparedSegment, SegmentFile } from './segment-row.ts'
import { SegmentThread } from './segment-thread.ts'
import { type IndexStatistics, type IndexTotals, indexStatistics } from './statistics.ts'

/** The index at one instant. `segments` and `unindexed` together hold every processed sample with stored content. */
export interface SegmentSnapshot {
  /** It grows whenever a segment ceases to be live. */
  readonly generation: number
  /** Ascending by `firstId`. Their files stay readable until `release`, even when they are merged meanwhile. */
  readonly segments: readonly SegmentFile[]
  /** Ascending ids of processed samples that no live segment holds: to be scanned plainly. */
  readonly unindexed: Uint32Array
  /** To be called once the reader is done; calling it again does nothing. */
  release(): void
}

export interface SegmentsParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly files: SegmentFiles
  readonly log: Log
  /** Asked before this process merges by itself. */
  readonly mergeElsewhere?: MergeElsewhere
  /** Milliseconds that only grow. */
  readonly clock?: () => number
}

/** Storage that did not answer may do so by then. */
const AGAIN_MS = 30_000

export class Segments {
  readonly #parts: SegmentsParts
  readonly #catalogue: SegmentCatalogue
  readonly #readers: SegmentReaders
  /** Samples wait for what is written; what is read may take long. */
  readonly #writing = new SegmentThread()
  readonly #reading = new SegmentThread()
  readonly #stopping = new AbortController()
  #maintenance: Promise<void> | null = null
  #due = false
  #started = false
  #again: NodeJS.Timeout | undefined
  /** Processed samples without a segment may be there. */
  #gaps = false
  /** Retired segments wait for their readers. */
  #waiting = false

  constructor(parts: SegmentsParts) {
    this.#parts = parts
    this.#readers = new SegmentReaders(parts)
    this.#catalogue = new SegmentCatalogue(this.#all, ({ hasGaps }) => {
      if (hasGaps) this.#gaps = true
      this.#wake()
    })
  }

  /**
   * Clears away what processes have left that are gone, declares segments damaged whose file is missing or of the wrong
   * size, and begins to merge and rebuild in the background.
   */
  async start(): Promise<{ readonly removedFiles: number; readonly damaged: number }> {
    const { store, files, log } = this.#parts
    await files.open()
    const removedFiles = await this.#catalogue.sweep()
    const live = await this.#catalogue.live()
    const sizes = await files.sizes(live.map(({ path }) => basename(path)))
    let damaged = 0
    for (const segment of live) {
      const size = sizes.get(basename(segment.path))
      if (size === segment.bytes) continue
      damaged++
      await this.reportDamage(segment.id, size === undefined ? 'Its file is missing.' : `Its file has ${size} bytes.`)
    }
    // Rows and files of different instants, as a copy of a folder in use has them: such samples count as unindexed.
    const lost = await store.segments.releaseLost()
    if (lost > 0) log.warn({ samples: lost }, 'samples named a segment that is not there; they are indexed anew')
    const remaining = await store.segments.countSamples()
    for (const { id, samples } of live) {
      const named = remaining.get(id) ?? 0
      if (named <= samples) continue
      damaged++
      await this.reportDamage(id, `Its file has ${samples} samples, and ${named} are said to be in it.`)
    }
    for (const { id, samples } of live) this.#catalogue.setDeleted(id, samples - (remaining.get(id) ?? 0))
    this.#started = true
    this.#gaps = true
    this.#wake()
    return { removedFiles, damaged }
  }

  /** Stops background work; what was begun is either complete or leaves no trace. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The index is being closed.'))
    clearTimeout(this.#again)
    await this.#maintenance
    if (this.#started) {
      // What cannot be removed or stored now is found by the next start, and by the others.
      await this.#catalogue.purge().catch(() => {})
      await this.#readers.leave().catch(() => {})
    }
    await Promise.all([this.#writing.stop(), this.#reading.stop()])
  }

  async snapshot(): Promise<SegmentSnapshot> {
    const reading = this.#readers.begin()
    const release = () => {
      reading.end()
      if (this.#waiting) this.#wake()
    }
    try {
      // In one transaction, so that no sample moves between the answers.
      const taken = await this.#parts.store.transaction('takeSnapshot', async (tx) => ({
        generation: await tx.segments.generation(),
        segments: await this.#catalogue.live(tx),
        unindexed: await tx.segments.unindexedIds(),
      }))
      reading.from(taken.generation)
      return { ...taken, release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** A sign of life of this process; removes files that nobody needs any more, and gives how many. */
  sweep(): Promise<number> {
    return this.#catalogue.sweep()
  }

  /** Writes and stores a segment of samples in ascending order of id; it is live once `publish` has been committed. */
  write(samples: readonly { readonly id: number; readonly record: Uint8Array }[]): Promise<PreparedSegment> {
    return this.#catalogue.write(samples)
  }

  /**
   * Makes a stored segment live within the caller's unit of work, after whose commit `published` is to be called.
   * Returns the id that its samples are to name.
   */
  publish(tx: UnitOfWork, prepared: PreparedSegment): Promise<number> {
    return this.#catalogue.publish(tx, prepared)
  }

  /** What was published is committed. */
  published(): void {
    this.#catalogue.published()
  }

  /** Removes the file of a prepared segment that will not be live. */
  discard(prepared: PreparedSegment): Promise<void> {
    return this.#catalogue.discard(prepared)
  }

  /** A reader found the segment unreadable: see SegmentCatalogue. Its samples are indexed anew in the background. */
  reportDamage(segmentId: number, message: string): Promise<void> {
    return this.#catalogue.reportDamage(segmentId, message)
  }

  /** Counts deleted samples by the segments that they were in, once for each sample. */
  forget(segmentIds: readonly number[]): void {
    this.#catalogue.countDeleted(segmentIds)
  }

  /** Indexes every processed sample that no segment holds. Can be stopped and called again: what was indexed stays. */
  async build(options: BuildOptions = {}): Promise<{ readonly indexed: number; readonly failed: number }> {
    return buildIndex(this.#parts, this.#catalogue, options)
  }

  /** Verifies all checksums, and that signatures match their samples; reports what is damaged. */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const snapshot = await this.snapshot()
    try {
      return await checkIndex(this.#all, this.#catalogue, snapshot.segments, options)
    } finally {
      snapshot.release()
    }
  }

  /** Whether all files are there as a whole, without reading them; reports what is damaged. */
  async lookAtFiles(): Promise<CheckReport> {
    const snapshot = await this.snapshot()
    try {
      return await lookAtFiles(this.#parts.files, this.#catalogue, snapshot.segments)
    } finally {
      snapshot.release()
    }
  }

  async stats(): Promise<IndexStatistics> {
    const snapshot = await this.snapshot()
    try {
      return await indexStatistics(this.#all, snapshot.segments)
    } finally {
      snapshot.release()
    }
  }

  /** The size of the index, without looking into its files as `stats` does. */
  totals(): Promise<IndexTotals> {
    return this.#parts.store.segments.totals()
  }

  /** Resolves when no merge and no rebuild is due. */
  async settled(): Promise<void> {
    while (this.#maintenance) await this.#maintenance
  }

  get #all() {
    return { ...this.#parts, readers: this.#readers, writing: this.#writing, reading: this.#reading }
  }

  #wake(): void {
    this.#due = true
    if (!this.#started || this.#maintenance !== null || this.#stopping.signal.aborted) return
    // Not in the caller's stack: it may be inside a transaction.
    this.#maintenance = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#maintain())
      .catch((error) => {
        if (this.#stopping.signal.aborted) return
        this.#parts.log.error({ err: error }, 'maintaining the index failed, and is tried again')
        this.#again = setTimeout(() => this.#wake(), AGAIN_MS).unref()
      })
      .finally(() => {
        this.#maintenance = null
      })
  }

  /** Rebuilds and merges until nothing is due. */
  async #maintain(): Promise<void> {
    const { signal } = this.#stopping
    while (this.#due && !signal.aborted) {
      this.#due = false
      if (this.#gaps) {
        this.#gaps = false
        await this.build({ signal }).catch((error) => {
          this.#gaps = true
          throw error
        })
        await this.#parts.store.segments.retireDamaged(now())
      }
      while (!signal.aborted && (await this.#mergeOnce())) {}
      this.#waiting = (await this.#catalogue.purge()).left
    }
  }

  /** The next merge that is worth doing; false when there is none. */
  async #mergeOnce(): Promise<boolean> {
    const reading = this.#readers.begin()
    try {
      return await this.#mergeNext()
    } finally {
      reading.end()
    }
  }

  async #mergeNext(): Promise<boolean> {
    const live = await this.#catalogue.live()
    const inputs = nextMerge(live.map((segment) => ({ ...segment, deleted: this.#catalogue.deleted(segment.id) })))
    if (inputs === null) return false
    const { signal } = this.#stopping
    const result = await merge({ ...this.#all, catalogue: this.#catalogue }, inputs, signal)
    for (const { segment, message } of result.damaged) await this.reportDamage(segment.id, message)
    if (result.merged === null) return result.damaged.length > 0
    for (const { id } of inputs) this.#catalogue.retired(id)
    if (result.merged.deletedSince > 0) this.#catalogue.setDeleted(result.merged.id, result.merged.deletedSince)
    return true
  }
}
