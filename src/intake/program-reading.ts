/**
 * Reads what programs are made of that were stored before that was kept.
 *
 *   migration ──▶ row in `programs_to_read` ──read in the background──▶ facts recorded, row removed, in one transaction
 *
 * A restart goes on with the rows that are left.
 */
import type { Log, WorkerPool } from '../scanning/index.ts'
import { type ContentStore, type Store, whileLeased } from '../store/index.ts'
import { isOfTheSample } from './examination.ts'
import { Rounds } from './rounds.ts'

interface ProgramReadingParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly pool: WorkerPool
  readonly log: Log
  /** Larger samples are not read. */
  readonly scanBytes: number
}

type ToRead = Awaited<ReturnType<Store['programs']['findToRead']>>[number]

const AT_ONCE = 16

export class ProgramReading {
  readonly #parts: ProgramReadingParts
  readonly #rounds: Rounds

  constructor(parts: ProgramReadingParts) {
    this.#parts = parts
    this.#rounds = new Rounds(
      (signal) => this.#readSome(signal),
      (err) => parts.log.error({ err }, 'what programs are made of could not be read now, and is tried again'),
    )
  }

  /** Goes on with what an earlier process left. */
  start(): void {
    this.#rounds.wake()
  }

  /** Resolves when no sample waits. */
  idle(): Promise<void> {
    return this.#rounds.idle()
  }

  stop(): Promise<void> {
    return this.#rounds.stop()
  }

  /** False when nothing is left. */
  async #readSome(signal: AbortSignal): Promise<boolean> {
    const { store } = this.#parts
    const waiting = await store.programs.findToRead(AT_ONCE)
    if (waiting.length === 0) return false
    const read = await Promise.all(waiting.map((sample) => this.#read(sample, signal)))
    await store.transaction('recordPrograms', async (tx) => {
      await tx.programs.record(read.flatMap((found) => found ?? []))
      await tx.programs.markRead(waiting.map(({ id }) => id))
    })
    return true
  }

  /** Null for what is none, and where nothing can be known: the content is gone, or ends every worker. */
  async #read({ id, sha256, size }: ToRead, signal: AbortSignal) {
    const { contents, pool, scanBytes } = this.#parts
    if (sha256 === null || size > scanBytes) return null
    try {
      const { program } = await whileLeased(contents, sha256, (path) =>
        pool.run('readProgram', { path, size }, { priority: 'background', waitForRoom: true, signal }),
      )
      return program && { sample: id, facts: program }
    } catch (error) {
      if (signal.aborted || !isOfTheSample(error)) throw error
      return null
    }
  }
}
