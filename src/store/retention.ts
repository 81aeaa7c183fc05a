/** What keeps samples from being deleted by themselves, asked of a number of samples at once. */
export interface StoredRetention {
  /** Those that have yet to be processed or matched again, or that a hunt which has not ended has yet to decide. */
  findBusy(sampleIds: readonly number[]): Promise<Set<number>>
  /** Those with matches, here or in a cloud, with hits of hunts, or in the feed of a tenant. */
  findMatched(sampleIds: readonly number[]): Promise<Set<number>>
  /** Those that nobody has sent by themselves, and that an archive holds. */
  findUnsentMembers(sampleIds: readonly number[]): Promise<Set<number>>
}
