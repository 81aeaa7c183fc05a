/** The words that users have put on samples. */
export interface StoredTags {
  /** In alphabetical order, the first ones. */
  list(sampleId: number, limit: number): Promise<string[]>
  /** The same for several samples, so many of each; those without any are missing. */
  listOfEach(sampleIds: readonly number[], limit: number): Promise<Map<number, string[]>>
  /** Tags that some sample has with this in them, whatever the case, in alphabetical order: among the first 5,000 there are. */
  findLike(part: string, most: number): Promise<string[]>
  /** Those that it has already stay. */
  add(sampleId: number, tags: readonly string[]): Promise<void>
  remove(sampleId: number, tags: readonly string[]): Promise<void>
}
