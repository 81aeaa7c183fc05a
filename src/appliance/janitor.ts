import type { Log } from '../scanning/index.ts'
import { type Leftovers, type Scratch, type Store, takeOverEarlierFolder } from '../store/index.ts'
import type { Place } from './place.ts'

interface Parts {
  /** The data folder. */
  readonly folder: string
  readonly scratch: Scratch
  readonly contents: Pick<Place['contents'], 'recover'>
  readonly store: Store
  /** What else is cleared away now and then; each gives how many objects it deleted. */
  readonly sweeps: readonly (() => Promise<number>)[]
  readonly log: Log
}

export interface Swept {
  /** Files that were on their way. */
  readonly leftovers: Leftovers
  /** Contents without a sample that were deleted. */
  readonly forgotten: number
}

const EVERY_MS = 10 * 60 * 1_000

/**
 * Clears away what processes have left that are gone, at the start and now and then after it. What a process that lives
 * is at work on stays, whoever's it is.
 */
export class Janitor {
  readonly #parts: Parts
  #timer: NodeJS.Timeout | undefined
  #sweeping: Promise<unknown> = Promise.resolve()

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Also takes over what an earlier version has left. */
  async begin(): Promise<Swept> {
    const earlier = await this.#sweep((recover) => takeOverEarlierFolder(this.#parts.folder, recover))
    const swept = await this.#sweep((recover) => this.#parts.scratch.sweep(recover))
    this.#timer = setInterval(() => {
      // One after the other, also where one takes longer than the time between them.
      this.#sweeping = this.#sweeping.then(() => this.#sweepAgain()).then(() => this.#sweepObjects())
    }, EVERY_MS)
    this.#timer.unref()
    const files = earlier.leftovers.files + swept.leftovers.files
    const bytes = earlier.leftovers.bytes + swept.leftovers.bytes
    return { leftovers: { files, bytes }, forgotten: earlier.forgotten + swept.forgotten }
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#sweeping
  }

  async #sweepAgain(): Promise<void> {
    try {
      const { leftovers, forgotten } = await this.#sweep((recover) => this.#parts.scratch.sweep(recover))
      if (leftovers.files === 0 && forgotten === 0) return
      this.#parts.log.info({ files: leftovers.files, forgotten }, 'what a process had left was cleared away')
    } catch (error) {
      this.#parts.log.error({ err: error }, 'what other processes have left could not be cleared away')
    }
  }

  async #sweepObjects(): Promise<void> {
    let deleted = 0
    for (const sweep of this.#parts.sweeps) {
      try {
        deleted += await sweep()
      } catch (error) {
        this.#parts.log.warn({ err: error }, 'objects that nothing names could not be cleared away now')
      }
    }
    if (deleted > 0) this.#parts.log.info({ objects: deleted }, 'objects that nothing named were cleared away')
  }

  async #sweep(
    clear: (recover: (digests: readonly Uint8Array[]) => Promise<void>) => Promise<Leftovers>,
  ): Promise<Swept> {
    const { contents, store } = this.#parts
    let forgotten = 0
    const leftovers = await clear(async (digests) => {
      forgotten += await contents.recover(digests, (sha256) => store.samples.isStored(sha256))
    })
    return { leftovers, forgotten }
  }
}
