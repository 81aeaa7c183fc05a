import type { KnownName } from './arrivals.ts'
import type { WaitingSample } from './reanalyses.ts'

/** The samples that were seen under names that rules have not seen, until they are matched again. */
export interface StoredNewNames {
  add(sampleId: number): Promise<void>
  /**
   * Adds those of the samples that did not have the name before that they come under now. Returns them, and with them those
   * that wait already.
   */
  addRenamed(arriving: readonly (KnownName & { readonly sampleId: number })[]): Promise<Set<number>>
  isEmpty(): Promise<boolean>
  /** Processed ones, by id; what is queued is matched under all its names anyway. */
  findProcessed(limit: number): Promise<Omit<WaitingSample, 'name'>[]>
  delete(sampleIds: readonly number[]): Promise<void>
}
