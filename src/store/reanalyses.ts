/** A sample that waits to be matched again. */
export interface WaitingSample {
  readonly id: number
  readonly sha256: Uint8Array | null
  readonly size: number
  readonly fileType: string
  /** The name it was last seen under. */
  readonly name: string
}

/** The samples that somebody wants to have matched again, each once, until what they match is recorded. */
export interface StoredReanalyses {
  /** Returns the samples that did not wait before. */
  add(sampleIds: readonly number[]): Promise<Set<number>>
  /** Those that have waited longest. */
  findOldest(limit: number): Promise<WaitingSample[]>
  /** Those of the samples that wait. */
  findWaiting(sampleIds: readonly number[]): Promise<Set<number>>
  delete(sampleIds: readonly number[]): Promise<void>
}
