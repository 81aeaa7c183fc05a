/**
 * Who may be reading a segment that is not live any more, over all processes.
 *
 * Whenever a segment ceases to be live, the *generation* grows: a segment that *died* in generation 7 belongs to whoever
 * looked at the index in generation 6 or earlier, and to nobody else. So no process says which segments it reads. Each
 * keeps a row with one number, not above the generation of anything that it reads or is going to read, and the file of a
 * segment goes once no row is below the generation in which it died:
 *
 *     generation     4       5       6       7          segment A died in 5, B in 7
 *     process one            ▲ reads                    A may go: nobody is below 5
 *     process two                            ▲          B has to wait for process one
 *
 * Looking at the index writes nothing: the row is there before the process looks for the first time, and is raised now
 * and then. A process that is gone is taken out by the others, and so are the segments that it was writing.
 */
import { now, type Store } from '../store/index.ts'
import type { SegmentFiles } from './segment-files.ts'

/** A process that was silent for so long is gone, where nothing better is known. Each gives a sign every ten minutes. */
const SILENT_MS = 35 * 60 * 1_000

/** Something that reads segments. It is taken for as old as the row of the process until `from` is called. */
export interface Reading {
  from(generation: number): void
  end(): void
}

interface Parts {
  readonly store: Store
  readonly files: Pick<SegmentFiles, 'process' | 'isGone'>
  /** Milliseconds that only grow. */
  readonly clock?: () => number
}

export class SegmentReaders {
  readonly #parts: Parts
  readonly #clock: () => number
  readonly #readings = new Set<{ generation: number }>()
  /** What the row of this process says, or said before it is raised. */
  #kept = 0
  /** The last sign of life of other processes, and when it was first seen here. */
  readonly #signs = new Map<string, { readonly beat: number; readonly seen: number }>()

  constructor(parts: Parts) {
    this.#parts = parts
    this.#clock = parts.clock ?? (() => performance.now())
  }

  /** To be called before anything is read, and ended when nothing of it is. */
  begin(): Reading {
    const reading = { generation: this.#kept }
    this.#readings.add(reading)
    return {
      from: (generation) => {
        reading.generation = generation
      },
      end: () => void this.#readings.delete(reading),
    }
  }

  /** No segment that died in this generation or before is being read here, or will be. */
  async oldest(): Promise<number> {
    // What begins while this is waited for looks at the index later, and sees this generation or a newer one.
    const current = await this.#parts.store.segments.generation()
    return Math.min(current, ...[...this.#readings].map(({ generation }) => generation))
  }

  /** The same for all processes. */
  async oldestOfAll(): Promise<number> {
    const own = await this.oldest()
    const readers = await this.#parts.store.segments.listReaders()
    const others = readers.filter(({ process }) => process !== this.#parts.files.process)
    return Math.min(own, ...others.map(({ generation }) => generation))
  }

  /** A sign of life, and what processes have left that give none any more. */
  async beat(): Promise<void> {
    const {
      store: { segments },
      files,
    } = this.#parts
    const oldest = await this.oldest()
    await segments.keepReader(files.process, oldest)
    this.#kept = oldest
    const others = (await segments.listReaders()).filter(({ process }) => process !== files.process)
    const gone = others.filter(({ process, beat }) => files.isGone(process) ?? this.#isSilent(process, beat))
    if (gone.length > 0) await segments.deleteReaders(gone.map(({ process }) => process))
    await segments.giveUpOfGone(now())
  }

  /** This process reads nothing any more. */
  async leave(): Promise<void> {
    await this.#parts.store.segments.deleteReaders([this.#parts.files.process])
  }

  #isSilent(process: string, beat: number): boolean {
    const known = this.#signs.get(process)
    if (known?.beat === beat) return this.#clock() - known.seen > SILENT_MS
    this.#signs.set(process, { beat, seen: this.#clock() })
    return false
  }
}
