import type { Condition } from '../query/index.ts'
import type { Micros } from './clock.ts'
import type { Counted } from './counted.ts'

/** Where a walk over samples is: it goes on behind this one. */
export interface SamplePlace {
  readonly at: Micros
  readonly id: number
}

/** Newest first, or oldest first, by one of the two times. */
export interface SampleOrder {
  readonly by: 'lastSeen' | 'firstSeen'
  readonly ascending: boolean
}

export interface SamplesFound {
  readonly found: readonly SamplePlace[]
  /** Where to go on; null when nothing is left. A walk may have found few, even none, before that. */
  readonly next: SamplePlace | null
}

export const sampleSortKeys = ['sha1', 'firstseen', 'threatname', 'sampletype', 'filecount', 'size'] as const
export type SampleSortKey = (typeof sampleSortKeys)[number]

/** Samples by what a query demands of them. */
export interface SampleSearch {
  /** Up to `limit` samples from a place on, as far as they are found within `budgetMs`. */
  find(
    condition: Condition | null,
    walk: {
      readonly limit: number
      readonly after: SamplePlace | null
      readonly order: SampleOrder
      readonly budgetMs: number
    },
  ): Promise<SamplesFound>
  /** How many there are; see `Counted`. */
  count(condition: Condition | null): Promise<Counted>
  /** Those of these samples that fulfil a condition. */
  fulfilling(condition: Condition, ids: readonly number[]): Promise<Set<number>>
  /** These samples in another order; those without a value come last. */
  sort(ids: readonly number[], by: SampleSortKey, ascending: boolean): Promise<number[]>
  /** The outermost archives that hold a sample, directly or within others, at most 1,000. */
  containersOf(id: number): Promise<number[]>
  /** The file types that there are, in alphabetical order. */
  fileTypes(): Promise<string[]>
}
