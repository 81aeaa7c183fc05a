/**
 * The catalogue of the index: which segment files are live, and which samples are in them.
 *
 * A segment's life:  written (a file that no row names) → live (row and `samples.segment_id` set in one transaction)
 *                    → merged into another, or damaged → its file is removed when its last reader is done.
 * Whatever happens, a processed sample is either in exactly one live segment or counts as *unindexed*, and hunts scan
 * those plainly. Segments list their own sample ids, which ascend within a segment; ranges of different segments may
 * interleave (see `chains.ts`), so nobody may conclude from an id's range that a sample is in a segment.
 *
 * Deleting a sample takes effect at once, because hunts look candidates up in the database; its column leaves with the
 * next merge, and segments that consist of deleted samples for a good part are rewritten.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type SegmentSummary, writeSegment } from '../index/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
import { type BlobStore, type Database, now, type Transaction } from '../store/index.ts'
import { type BuildOptions, buildIndex } from './building.ts'
import { nextMerge } from './chains.ts'
import { type CheckOptions, type CheckReport, checkIndex } from './checking.ts'
import { mergeInto } from './merging.ts'
import { PinnedFiles } from './pinned-files.ts'
import { liveSegments, type PreparedSegment, remainingSamples, type SegmentFile } from './segment-row.ts'
import { type IndexStatistics, type IndexTotals, indexStatistics, indexTotals } from './statistics.ts'

/** The index at one instant. `segments` and `unindexed` together hold every processed sample with stored content. */
export interface SegmentSnapshot {
  /** Ascending by `firstId`. Their files stay readable until `release`, even when they are merged meanwhile. */
  readonly segments: readonly SegmentFile[]
  /** Ascending ids of processed samples that no live segment holds: to be scanned plainly. */
  readonly unindexed: Uint32Array
  /** To be called once the reader is done; calling it again does nothing. */
  release(): void
}

export interface SegmentsParts {
  readonly database: Database
  readonly blobs: BlobStore
  readonly pool: WorkerPool
  /** Of the segment files; made when missing. */
  readonly folder: string
  readonly log: Log
}

export class Segments {
  readonly #parts: SegmentsParts
  readonly #files = new PinnedFiles()
  /** Deleted samples by the segment that they were in. */
  readonly #deleted = new Map<number, number>()
  readonly #stopping = new AbortController()
  #maintenance: Promise<void> | null = null
  #due = false
  #started = false
  /** Processed samples without a segment may be there. */
  #gaps = false

  constructor(parts: SegmentsParts) {
    this.#parts = parts
  }

  /**
   * Removes files that no row names, which a cut short merge or intake has left, declares segments damaged whose file
   * is missing or of the wrong size, and begins to merge and rebuild in the background.
   */
  async start(): Promise<{ readonly removedFiles: number; readonly damaged: number }> {
    const { database, folder, log } = this.#parts
    await mkdir(folder, { recursive: true })
    const live = await this.#live()
    const named = new Set(live.map(({ path }) => basename(path)))
    const strange = (await readdir(folder)).filter((file) => !named.has(file))
    for (const file of strange) await rm(join(folder, file), { recursive: true })
    let damaged = 0
    for (const segment of live) {
      const size = await stat(segment.path).then(
        (found) => found.size,
        () => null,
      )
      if (size === segment.bytes) continue
      damaged++
      await this.reportDamage(segment.id, size === null ? 'Its file is missing.' : `Its file has ${size} bytes.`)
    }
    // Rows and files of different instants, as a copy of a folder in use has them: such samples count as unindexed.
    const { numUpdatedRows: lost } = await database
      .updateTable('samples')
      .set({ segment_id: null })
      .where('segment_id', 'is not', null)
      .where('segment_id', 'not in', (eb) => eb.selectFrom('segments').select('id').where('state', '=', 'live'))
      .executeTakeFirst()
    if (lost > 0n)
      log.warn({ samples: Number(lost) }, 'samples named a segment that is not there; they are indexed anew')
    const remaining = await remainingSamples(database)
    for (const { id, samples } of live) {
      const named = remaining.get(id) ?? 0
      if (named <= samples) continue
      damaged++
      await this.reportDamage(id, `Its file has ${samples} samples, and ${named} are said to be in it.`)
    }
    for (const { id, samples } of live) this.#deleted.set(id, samples - (remaining.get(id) ?? 0))
    this.#started = true
    this.#gaps = true
    this.#wake()
    return { removedFiles: strange.length, damaged }
  }

  /** Stops background work; what was begun is either complete or leaves no trace. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The index is being closed.'))
    await this.#maintenance
  }

  async snapshot(): Promise<SegmentSnapshot> {
    // In one transaction, so that no sample moves between the two answers.
    const { segments, unindexed } = await this.#parts.database.transaction().execute(async (trx) => {
      const segments = await this.#live(trx)
      const rows = await trx
        .selectFrom('samples')
        .select('id')
        .where('segment_id', 'is', null)
        .where('stored', '=', 1)
        .where('state', '=', 'processed')
        .orderBy('id')
        .execute()
      // Before the transaction ends, since the next one may retire them.
      for (const { path } of segments) this.#files.pin(path)
      return { segments, unindexed: Uint32Array.from(rows, ({ id }) => id) }
    })
    let held = true
    const release = () => {
      if (held) for (const { path } of segments) this.#files.unpin(path)
      held = false
    }
    return { segments, unindexed, release }
  }

  /** Writes and syncs a segment of samples in ascending order of id; it is live once `publish` has been committed. */
  write(samples: readonly { readonly id: number; readonly record: Uint8Array }[]): PreparedSegment {
    const path = this.#freshPath()
    const summary: SegmentSummary = writeSegment(path, samples)
    return { path, ...summary }
  }

  /** Makes a written segment live within the caller's transaction, and gives the id for `samples.segment_id`. */
  async publish(transaction: Transaction, prepared: PreparedSegment): Promise<number> {
    const { id } = await transaction
      .insertInto('segments')
      .values({
        file: basename(prepared.path),
        first_id: prepared.firstId,
        last_id: prepared.lastId,
        samples: prepared.samples,
        bytes: prepared.bytes,
        state: 'live',
        created: now(),
      })
      .returning('id')
      .executeTakeFirstOrThrow()
    this.#wake()
    return id
  }

  /** Removes the file of a prepared segment that will not be live. */
  async discard(prepared: PreparedSegment): Promise<void> {
    await rm(prepared.path, { force: true })
  }

  /**
   * A reader found the segment unreadable: its samples count as unindexed from now on, the journal says so, and they are
   * indexed anew in the background. Does nothing for a segment that is not live any more.
   */
  async reportDamage(segmentId: number, message: string): Promise<void> {
    const segment = await this.#parts.database.transaction().execute(async (trx) => {
      const [row] = await trx
        .updateTable('segments')
        .set({ state: 'damaged' })
        .where('id', '=', segmentId)
        .where('state', '=', 'live')
        .returning(['file', 'samples'])
        .execute()
      if (!row) return null
      await trx.updateTable('samples').set({ segment_id: null }).where('segment_id', '=', segmentId).execute()
      const text = `Segment ${segmentId} with ${row.samples} samples is damaged and is made anew. ${message}`
      await trx.insertInto('journal').values({ created: now(), kind: 'segment-damaged', message: text }).execute()
      return row
    })
    if (segment === null) return
    this.#parts.log.warn({ segment: segmentId, samples: segment.samples, message }, 'a segment of the index is damaged')
    await this.#files.retire(this.#pathOf(segment.file))
    this.#deleted.delete(segmentId)
    this.#gaps = true
    this.#wake()
  }

  /** Tells the segments that deleted samples were in, once for each sample. */
  forget(segmentIds: readonly number[]): void {
    for (const id of segmentIds) this.#deleted.set(id, (this.#deleted.get(id) ?? 0) + 1)
    this.#wake()
  }

  /** Indexes every processed sample that no segment holds. Can be stopped and called again: what was indexed stays. */
  async build(options: BuildOptions = {}): Promise<{ readonly indexed: number; readonly failed: number }> {
    return buildIndex(this.#parts, this, options)
  }

  /** Verifies all checksums, and that signatures match their samples; reports what is damaged. */
  async check(options: CheckOptions = {}): Promise<CheckReport> {
    const snapshot = await this.snapshot()
    try {
      return await checkIndex(this.#parts, this, snapshot.segments, options)
    } finally {
      snapshot.release()
    }
  }

  async stats(): Promise<IndexStatistics> {
    const snapshot = await this.snapshot()
    try {
      return await indexStatistics(this.#parts.database, snapshot.segments)
    } finally {
      snapshot.release()
    }
  }

  /** The size of the index, without looking into its files as `stats` does. */
  totals(): Promise<IndexTotals> {
    return indexTotals(this.#parts.database)
  }

  /** Resolves when no merge and no rebuild is due. */
  async settled(): Promise<void> {
    while (this.#maintenance) await this.#maintenance
  }

  #live(database: Database = this.#parts.database): Promise<SegmentFile[]> {
    return liveSegments(database, (file) => this.#pathOf(file))
  }

  #pathOf(file: string): string {
    return join(this.#parts.folder, file)
  }

  #freshPath(): string {
    return this.#pathOf(`${randomUUID()}.segment`)
  }

  #wake(): void {
    this.#due = true
    if (!this.#started || this.#maintenance !== null || this.#stopping.signal.aborted) return
    // Not in the caller's stack: it may be inside a transaction.
    this.#maintenance = new Promise<void>((resolve) => setImmediate(resolve))
      .then(() => this.#maintain())
      .catch((error) => {
        if (!this.#stopping.signal.aborted) this.#parts.log.error({ err: error }, 'tending the index failed')
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
        await this.build({ signal })
        await this.#parts.database.deleteFrom('segments').where('state', '=', 'damaged').execute()
      }
      while (!signal.aborted && (await this.#mergeOnce())) {}
    }
  }

  /** The next merge that is worth doing; false when there is none. */
  async #mergeOnce(): Promise<boolean> {
    const live = await this.#live()
    const inputs = nextMerge(live.map((segment) => ({ ...segment, deleted: this.#deleted.get(segment.id) ?? 0 })))
    if (inputs === null) return false
    const { signal } = this.#stopping
    const result = await mergeInto(this.#parts, inputs, { output: this.#freshPath(), signal })
    for (const { segment, message } of result.damaged) await this.reportDamage(segment.id, message)
    if (result.merged === null) return result.damaged.length > 0
    for (const { id, path } of inputs) {
      this.#deleted.delete(id)
      await this.#files.retire(path)
    }
    if (result.merged.deletedSince > 0) this.#deleted.set(result.merged.id, result.merged.deletedSince)
    return true
  }
}
