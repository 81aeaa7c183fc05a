import type { StoredIntake } from '../store/index.ts'
import type { Queued } from './examination.ts'

const READ_AT_ONCE = 512

/**
 * The queue is the samples whose state is `queued`; this reads it in the order of arrival, and those first that were
 * put back. What an earlier process left is read like everything else.
 */
export class Queue {
  readonly #stored: StoredIntake
  #read: Queued[] = []
  #again: number[] = []
  /** Samples up to this id have been read. */
  #cursor = 0
  #lastAtStart = 0

  constructor(stored: StoredIntake) {
    this.#stored = stored
  }

  /** Gives how many samples an earlier process left. */
  async open(): Promise<number> {
    const { count, last } = await this.#stored.queue()
    this.#lastAtStart = last
    return count
  }

  /** Reads these samples once more. */
  putBack(ids: readonly number[]): void {
    this.#again.push(...ids)
  }

  /** The next sample; null when there is none now. */
  async next(): Promise<Queued | null> {
    if (this.#read.length === 0) await this.#fill()
    return this.#read.shift() ?? null
  }

  async #fill(): Promise<void> {
    const again = this.#again.splice(0, READ_AT_ONCE)
    const isAgain = again.length > 0
    const { samples, last } = await this.#stored.next(isAgain ? { ids: again } : { after: this.#cursor }, READ_AT_ONCE)
    if (!isAgain && last !== null) this.#cursor = last
    for (const { id, name, called, size, sha256, sha1, md5, sha512, isIndexed, state, place, charged } of samples) {
      this.#read.push({
        id,
        known: called ?? { name, folder: '', owner: '' },
        digests: { size, sha256, sha1, md5, sha512 },
        indexed: isIndexed,
        again: isAgain || id <= this.#lastAtStart,
        state,
        place,
        charged,
      })
    }
    // A page of nothing but waiting archives is no end, nor are samples that were deleted after they were put back.
    if (this.#read.length === 0 && (last !== null || isAgain)) await this.#fill()
  }
}
