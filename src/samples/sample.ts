import type { ProgramFacts } from '../programs/index.ts'
import type { Condition } from '../query/index.ts'
import type { Classification, ExtractedFile, Micros, Sample, Sighting } from '../store/index.ts'

export interface SampleDetails {
  readonly sample: Sample
  readonly tags: readonly string[]
  /** Newest first, at most 100. */
  readonly sightings: readonly Sighting[]
  readonly parents: readonly ExtractedFile[]
  /** At most 100; `extractedFiles` has them all. */
  readonly members: readonly ExtractedFile[]
  /** Null for what is no program, or is not known. */
  readonly program: ProgramFacts | null
  /** `T1` and 70 digits; null for samples that have none, and until it is computed. */
  readonly tlsh: string | null
}

export interface ClassificationVerdict {
  readonly classification: Classification
  readonly riskScore?: number | null
  readonly threatName?: string | null
}

/** All given conditions hold. */
export interface SampleFilter {
  /** Of the query language. */
  readonly query?: Condition
  /** A hash of any kind, or a part of a name (ASCII case does not matter). */
  readonly text?: string
  readonly fileTypes?: readonly string[]
  readonly classifications?: readonly Classification[]
  readonly tag?: string
  /** On last_seen, inclusive. */
  readonly from?: Micros
  readonly to?: Micros
}

export interface SamplePage {
  /** Newest last_seen first. */
  readonly samples: readonly Sample[]
  /** Opaque; null when nothing is left. A page may be short, even empty, before that. */
  readonly next: string | null
}

/** How far the pipeline is with a content: `processing` also while it waits, `not_found` when it is not here. */
export const sampleStatuses = ['processed', 'processing', 'not_found'] as const
export type SampleStatus = (typeof sampleStatuses)[number]
