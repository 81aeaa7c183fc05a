/**
 * Which segments there are, and where their files are.
 *
 *             publish           retire (merged into another)                  purge, once nobody reads it
 *   staged ────────────▶ live ─────────────────────────────────────▶ retired ─────────────────────────────▶ (none)
 *      │                  │                                             ▲ ▲
 *      │ discard          └── reportDamage ──▶ damaged ─────────────────┘ │
 *      │                               (its samples are indexed anew)     │
 *      └──────────────────────────────────────────────────────────────────┘
 *
 * A row changes in one transaction with the samples that name it, so every processed sample is in a live
 * segment or in none. Files come before a row is live, and go before it is deleted: a live row never names one that is
 * not there, and a file that a kill has left is found by its row. Who reads a retired one: `segment-readers.ts`.
 */
import { basename } from 'node:path'
import type { Log } from '../scanning/index.ts'
import { now, type Repositories, type Store, type UnitOfWork } from '../store/index.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentReaders } from './segment-readers.ts'
import type { PreparedSegment, SegmentFile, StagedSegment } from './segment-row.ts'
import type { SegmentThread } from './segment-thread.ts'

export interface CatalogueParts {
  readonly store: Store
  readonly files: SegmentFiles
  readonly readers: SegmentReaders
  /** One that nothing long is asked of: samples wait for it. */
  readonly writing: SegmentThread
  readonly reading: SegmentThread
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
  /** Staged segments that are not needed, and that could not be given up yet. */
  readonly #unneeded: StagedSegment[] = []

  constructor(parts: CatalogueParts, onChange: (change: CatalogueChange) => void) {
    this.#parts = parts
    this.#onChange = onChange
  }

  /** Ascending by `firstId`. */
  async live({ segments }: Repositories = this.#parts.store): Promise<SegmentFile[]> {
    const live = await segments.listLive()
    return live.map(({ file, ...segment }) => ({ ...segment, path: this.#parts.files.pathOf(file) }))
  }

  /** A segment whose file is going to be written. It ends with `publish` or `discard`. */
  async stage(): Promise<StagedSegment> {
    const { store, files } = this.#parts
    const path = files.freshPath()
    try {
      return { id: await store.segments.stage({ file: basename(path), process: files.process, at: now() }), path }
    } catch (error) {
      await files.discard(path)
      throw error
    }
  }

  /** Writes and stores a segment of samples in ascending order of id; it is live once `publish` has been committed. */
  async write(samples: readonly { readonly id: number; readonly record: Uint8Array }[]): Promise<PreparedSegment> {
    const staged = await this.stage()
    try {
      const summary = await this.#parts.writing.write(staged.path, samples)
      await this.#parts.files.store(staged.path)
      return { ...staged, ...summary }
    } catch (error) {
      await this.discard(staged)
      throw error
    }
  }

  /**
   * Makes a stored segment live within the caller's unit of work. Returns the id that its samples are to name. The unit
   * may run again: what else there is to do comes after its commit, by `published`.
   */
  async publish({ segments }: UnitOfWork, prepared: PreparedSegment): Promise<number> {
    const { id, path, ...segment } = prepared
    if (await segments.publish(id, { ...segment, at: now() })) return id
    throw new Error(`Segment ${id} was given up: another process took this one for gone.`)
  }

  /** A segment is live: there may be something to merge. */
  published(): void {
    this.#onChange({ hasGaps: false })
  }

  /**
   * A staged segment will not be live: its file goes, and its row with the next `purge`. Where that cannot be stored now, it
   * is tried again then; where it is live in spite of what the caller heard of its commit, nothing is removed. Never fails:
   * the reason to discard it is what is to be reported.
   */
  async discard({ id, path }: StagedSegment): Promise<void> {
    const { store, files, log } = this.#parts
    try {
      if (!(await store.segments.giveUp(id, now()))) return
    } catch (error) {
      log.warn({ segment: id, err: error }, 'a segment that is not needed is removed later')
      this.#unneeded.push({ id, path })
      return
    }
    await files.discard(path)
    this.#onChange({ hasGaps: false })
  }

  /** A merge has replaced the segment. */
  retired(segmentId: number): void {
    this.#deleted.delete(segmentId)
  }

  /** Removes the files of retired segments that nobody reads, and their rows. `left`: some have to wait. */
  async purge(): Promise<{ readonly removed: number; readonly left: boolean }> {
    const { store, files, readers } = this.#parts
    for (const staged of this.#unneeded.splice(0)) await this.discard(staged)
    const retired = await store.segments.listRetired()
    if (retired.length === 0) return { removed: 0, left: false }
    // After the list: who does not stand among the readers by now looks at the index later than any of these died.
    const oldest = await readers.oldestOfAll()
    const latest = now() - files.graceMs * 1_000
    const free = retired.filter(({ died, since }) => died <= oldest && since <= latest)
    for (const { id, file } of free) {
      await files.remove(files.pathOf(file))
      await store.segments.delete([id])
    }
    return { removed: free.length, left: free.length < retired.length }
  }

  /**
   * A reader found the segment unreadable: its samples count as unindexed from now on, the journal says so, and they are
   * indexed anew in the background. Does nothing for a segment that is not live any more, nor where only a copy was
   * damaged and the segment itself is sound.
   */
  async reportDamage(segmentId: number, message: string): Promise<void> {
    if (await this.#isSoundElsewhere(segmentId)) return
    const segment = await this.#parts.store.transaction('reportDamage', async ({ segments, journal }) => {
      const damaged = await segments.markDamaged(segmentId, now())
      if (!damaged) return null
      const text = `Segment ${segmentId} with ${damaged.samples} samples is damaged and is made anew. ${message}`
      await journal.add({ kind: 'segment-damaged', message: text, created: now() })
      return damaged
    })
    if (segment === null) return
    this.#parts.log.warn({ segment: segmentId, samples: segment.samples, message }, 'a segment of the index is damaged')
    this.#deleted.delete(segmentId)
    this.#onChange({ hasGaps: true })
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
   * Gives a sign of life, and removes what processes have left that are gone: files that no row names, and those of staged
   * and retired segments. Gives how many files.
   */
  async sweep(): Promise<number> {
    const { store, files, readers } = this.#parts
    await readers.beat()
    const { removed } = await this.purge()
    return removed + (await files.sweep(async () => new Set(await store.segments.listFiles())))
  }

  async #isSoundElsewhere(segmentId: number): Promise<boolean> {
    const { files, reading, log } = this.#parts
    const segment = (await this.live()).find(({ id }) => id === segmentId)
    if (segment === undefined) return false
    const isRestored = await files.restore(segment.path, async (path) => (await reading.damageOf(path)) === null)
    if (isRestored) log.warn({ segment: segmentId }, 'a copy of a segment was damaged, and was fetched anew')
    return isRestored
  }
}
