import type { Condition } from '../query/index.ts'
import type { Classification, Micros } from '../store/index.ts'

/** A sample as the rest of the program sees it. Hashes are lower-case hexadecimal. */
export interface Sample {
  readonly id: number
  readonly sha256: string | null
  readonly sha1: string
  readonly md5: string | null
  readonly sha512: string | null
  readonly size: number
  readonly stored: boolean
  readonly state: 'queued' | 'processed'
  readonly fileType: string
  readonly typeDescription: string
  /** The name it was last seen under. */
  readonly name: string
  readonly firstSeen: Micros
  readonly lastSeen: Micros
  readonly processedAt: Micros | null
  readonly extractedFileCount: number
  readonly classification: Classification
  readonly riskScore: number | null
  readonly threatName: string | null
  readonly classificationOrigin: string | null
  readonly note: string | null
  readonly indexed: boolean
}

export interface SampleSighting {
  readonly name: string
  readonly user: string | null
  readonly source: 'upload' | 'ingest' | 'member'
  readonly comment: string | null
  readonly seen: Micros
  /** Where the file lay, and whose it was; null where nobody said. */
  readonly folder: string | null
  readonly owner: string | null
}

export interface ExtractedFile {
  readonly sample: Sample
  /** Its path inside the archive, as text. */
  readonly path: string
}

export interface SampleDetails {
  readonly sample: Sample
  readonly tags: readonly string[]
  /** Newest first, at most 100. */
  readonly sightings: readonly SampleSighting[]
  readonly parents: readonly ExtractedFile[]
  /** At most 100; `extractedFiles` has them all. */
  readonly members: readonly ExtractedFile[]
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
