/**
 * Which segments are live, and where their files are.
 *
 *              publish                   retire (merged into another)
 *   written ────────────▶ live ────────────────────────────────────▶ (row gone, file gone with its last reader)
 *      │                    │
 *      │ discard            └── reportDamage ──▶ damaged ──▶ (row gone once its samples are indexed anew)
 *      ▼
 *   (file gone)
 *
 * A row changes in one transaction with the samples that name it, so every processed sample is in exactly one live
 * segment or in none. Files come first: a row never names one that is not there.
 */
import { basename } from 'node:path'
import { type SegmentSummary, writeSegment } from '../index/index.ts'
import type { Log } from '../scanning/index.ts'
import { now, type Repositories, type Store, type UnitOfWork } from '../store/index.ts'
import { damageOf } from './damage.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { PreparedSegment, SegmentFile } from './segment-row.ts'

export interface CatalogueParts {
  readonly store: Store
  readonly files: SegmentFiles
  readonly log: Log
}

/** What changed, for whoever merges and rebuilds. `hasGaps`: samples lost their segment. */
export interface CatalogueChange {
  readonly hasGaps: boolean
}

export class SegmentCatalogue {
  readonly #parts: CatalogueParts
  readonly #onChange: (change: CatalogueChange) => void
  /** Deleted samples by the segment that they were in. */
  readonly #deleted = new Map<number, number>()

  constructor(parts: CatalogueParts, onChange: (change: CatalogueChange) => void) {
    this.#parts = parts
    this.#onChange = onChange
  }

  /** Ascending by `firstId`. */
  async live({ segments }: Repositories = this.#parts.store): Promise<SegmentFile[]> {
    const live = await segments.listLive()
    return live.map(({ file, ...segment }) => ({ ...segment, path: this.#parts.files.pathOf(file) }))
  }

  /** Writes and stores a segment of samples in ascending order of id; it is live once `publish` has been committed. */
  async write(samples: readonly { readonly id: number; readonly record: Uint8Array }[]): Promise<PreparedSegment> {
    const { files } = this.#parts
    const path = files.freshPath()
    try {
      const summary: SegmentSummary = writeSegment(path, samples)
      await files.store(path)
      return { path, ...summary }
    } catch (error) {
      await files.discard(path)
      throw error
    }
  }

  /**
   * Makes a stored segment live within the caller's unit of work. Returns the id that its samples are to name. The unit
   * may run again: what else there is to do comes after its commit, by `published`.
   */
  async publish({ segments }: UnitOfWork, prepared: PreparedSegment): Promise<number> {
    const { path, ...segment } = prepared
    return segments.add({ ...segment, file: basename(path), created: now() })
  }

  /** A segment is live: there may be something to merge. */
  published(): void {
    this.#onChange({ hasGaps: false })
  }

  /** Removes the file of a prepared segment that will not be live. */
  async discard(prepared: PreparedSegment): Promise<void> {
    await this.#parts.files.discard(prepared.path)
  }

  /** A merge has replaced the segment: its file goes with its last reader. */
  async retire({ id, path }: SegmentFile): Promise<void> {
    this.#deleted.delete(id)
    await this.#parts.files.retire(path)
  }

  /**
   * A reader found the segment unreadable: its samples count as unindexed from now on, the journal says so, and they are
   * indexed anew in the background. Does nothing for a segment that is not live any more, nor where only a copy was
   * damaged and the segment itself is sound.
   */
  async reportDamage(segmentId: number, message: string): Promise<void> {
    if (await this.#isSoundElsewhere(segmentId)) return
    const segment = await this.#parts.store.transaction('reportDamage', async ({ segments, journal }) => {
      const damaged = await segments.markDamaged(segmentId)
      if (!damaged) return null
      const text = `Segment ${segmentId} with ${damaged.samples} samples is damaged and is made anew. ${message}`
      await journal.add({ kind: 'segment-damaged', message: text, created: now() })
      return damaged
    })
    if (segment === null) return
    this.#parts.log.warn({ segment: segmentId, samples: segment.samples, message }, 'a segment of the index is damaged')
    await this.#parts.files.retire(this.#parts.files.pathOf(segment.file))
    this.#deleted.delete(segmentId)
    this.#onChange({ hasGaps: true })
  }

  /** A reader holds on to the file, until it calls `unpin`. */
  pin(path: string): void {
    this.#parts.files.pin(path)
  }

  unpin(path: string): void {
    this.#parts.files.unpin(path)
  }

  /** How many samples of the segment were deleted since it was written. */
  deleted(segmentId: number): number {
    return this.#deleted.get(segmentId) ?? 0
  }

  setDeleted(segmentId: number, samples: number): void {
    this.#deleted.set(segmentId, samples)
  }

  /** Counts deleted samples by the segments that they were in, once for each sample. */
  countDeleted(segmentIds: readonly number[]): void {
    for (const id of segmentIds) this.#deleted.set(id, this.deleted(id) + 1)
    this.#onChange({ hasGaps: false })
  }

  /**
   * Removes files that no row names, which a merge or intake that was cut short has left, and those that were retired;
   * gives how many.
   */
  sweep(): Promise<number> {
    return this.#parts.files.sweep(async () => new Set((await this.live()).map(({ path }) => basename(path))))
  }

  async #isSoundElsewhere(segmentId: number): Promise<boolean> {
    const { files, log } = this.#parts
    const segment = (await this.live()).find(({ id }) => id === segmentId)
    if (segment === undefined) return false
    const isRestored = await files.restore(segment.path, (path) => damageOf(path) === null)
    if (isRestored) log.warn({ segment: segmentId }, 'a copy of a segment was damaged, and was fetched anew')
    return isRestored
  }
}
