import type { SegmentUse } from '../scanning/index.ts'

/** What hunts have asked of the index since the start, wherever it was done. */
export class IndexUse {
  #total = { segments: 0, reads: 0, bytes: 0, microseconds: 0 }

  add({ reads, bytes, microseconds }: SegmentUse): void {
    this.#total.segments++
    this.#total.reads += reads
    this.#total.bytes += bytes
    this.#total.microseconds += microseconds
  }

  get total(): SegmentUse & { readonly segments: number } {
    return this.#total
  }
}
