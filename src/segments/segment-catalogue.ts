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
import { randomUUID } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type SegmentSummary, writeSegment } from '../index/index.ts'
import type { Log } from '../scanning/index.ts'
import { now, type Repositories, type Scratch, type Store, type UnitOfWork } from '../store/index.ts'
import { PinnedFiles } from './pinned-files.ts'
import type { PreparedSegment, SegmentFile } from './segment-row.ts'

export interface CatalogueParts {
  readonly store: Store
  /** Of the segment files. */
  readonly folder: string
  readonly scratch: Pick<Scratch, 'id' | 'isAlive'>
  readonly log: Log
}

/** What changed, for whoever merges and rebuilds. `hasGaps`: samples lost their segment. */
export interface CatalogueChange {
  readonly hasGaps: boolean
}

export class SegmentCatalogue {
  readonly #parts: CatalogueParts
  readonly #onChange: (change: CatalogueChange) => void
  readonly #files = new PinnedFiles()
  /** Deleted samples by the segment that they were in. */
  readonly #deleted = new Map<number, number>()

  constructor(parts: CatalogueParts, onChange: (change: CatalogueChange) => void) {
    this.#parts = parts
    this.#onChange = onChange
  }

  /** Ascending by `firstId`. */
  async live({ segments }: Repositories = this.#parts.store): Promise<SegmentFile[]> {
    const live = await segments.listLive()
    return live.map(({ file, ...segment }) => ({ ...segment, path: this.#pathOf(file) }))
  }

  /** Writes and syncs a segment of samples in ascending order of id; it is live once `publish` has been committed. */
  write(samples: readonly { readonly id: number; readonly record: Uint8Array }[]): PreparedSegment {
    const path = this.freshPath()
    const summary: SegmentSummary = writeSegment(path, samples)
    return { path, ...summary }
  }

  /** Makes a written segment live within the caller's unit of work. Returns the id that its samples are to name. */
  async publish({ segments }: UnitOfWork, prepared: PreparedSegment): Promise<number> {
    const { path, ...segment } = prepared
    const id = await segments.add({ ...segment, file: basename(path), created: now() })
    this.#onChange({ hasGaps: false })
    return id
  }

  /** Removes the file of a prepared segment that will not be live. */
  async discard(prepared: PreparedSegment): Promise<void> {
    await rm(prepared.path, { force: true })
  }

  /** A merge has replaced the segment: its file goes with its last reader. */
  async retire({ id, path }: SegmentFile): Promise<void> {
    this.#deleted.delete(id)
    await this.#files.retire(path)
  }

  /**
   * A reader found the segment unreadable: its samples count as unindexed from now on, the journal says so, and they are
   * indexed anew in the background. Does nothing for a segment that is not live any more.
   */
  async reportDamage(segmentId: number, message: string): Promise<void> {
    const segment = await this.#parts.store.transaction('reportDamage', async ({ segments, journal }) => {
      const damaged = await segments.markDamaged(segmentId)
      if (!damaged) return null
      const text = `Segment ${segmentId} with ${damaged.samples} samples is damaged and is made anew. ${message}`
      await journal.add({ kind: 'segment-damaged', message: text, created: now() })
      return damaged
    })
    if (segment === null) return
    this.#parts.log.warn({ segment: segmentId, samples: segment.samples, message }, 'a segment of the index is damaged')
    await this.#files.retire(this.#pathOf(segment.file))
    this.#deleted.delete(segmentId)
    this.#onChange({ hasGaps: true })
  }

  /** A reader holds on to the file, until it calls `unpin`. */
  pin(path: string): void {
    this.#files.pin(path)
  }

  unpin(path: string): void {
    this.#files.unpin(path)
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

  /** For a file that is to be written: its name begins with the process that writes it. */
  freshPath(): string {
    return this.#pathOf(`${this.#parts.scratch.id}.${randomUUID()}.segment`)
  }

  /**
   * Removes files that no row names, which a merge or intake that was cut short has left; gives how many. What a process
   * that lives is writing has no row yet, and stays.
   */
  async sweep(): Promise<number> {
    const { folder, scratch } = this.#parts
    // The files before the rows: what is published in between has both.
    const files = await readdir(folder)
    const named = new Set((await this.live()).map(({ path }) => basename(path)))
    const strange = files.filter((file) => !named.has(file) && !scratch.isAlive(file.split('.')[0] ?? ''))
    for (const file of strange) await rm(join(folder, file), { recursive: true, force: true })
    return strange.length
  }

  #pathOf(file: string): string {
    return join(this.#parts.folder, file)
  }
}
