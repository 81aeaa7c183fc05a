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
  /** Ended since `#read` was read: it may name them as they were before. */
  readonly #ended = new Set<number>()
  /** Samples up to this id have been read. */
  #cursor = 0
  #lastAtStart = 0
  /** `readAnew` was called since the last reading began. */
  #isAnew = false

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
    for (const id of ids) this.#again.push(id)
  }

  /** Reads all once more: samples that were put back may be there without anybody's knowledge. */
  readAnew(): void {
    this.#lastAtStart = Math.max(this.#lastAtStart, this.#cursor)
    this.#cursor = 0
    this.#isAnew = true
  }

  /** These samples were committed. Those of them that were read before are given only where they are queued still. */
  ended(ids: readonly number[]): void {
    for (const id of ids) this.#ended.add(id)
  }

  /** The next sample; null when there is none now. */
  async next(): Promise<Queued | null> {
    for (;;) {
      if (this.#read.length === 0) await this.#fill()
      const next = this.#read.shift()
      if (next === undefined) return null
      if (!this.#ended.has(next.id)) return next
      this.putBack([next.id])
    }
  }

  async #fill(): Promise<void> {
    this.#ended.clear()
    const again = this.#again.slice(0, READ_AT_ONCE)
    const isAgain = again.length > 0
    this.#isAnew = false
    const { samples, last } = await this.#stored.next(isAgain ? { ids: again } : { after: this.#cursor }, READ_AT_ONCE)
    // Not before they were read: a reading that fails forgets none of them.
    this.#again.splice(0, again.length)
    // Unless all are to be read anew since.
    if (!isAgain && last !== null && !this.#isAnew) this.#cursor = last
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
