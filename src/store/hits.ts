import type { Classification } from './classifications.ts'

/** One rule that holds on one sample, as an ad-hoc hunt found it. */
export interface NewHit {
  /** Name of the text. */
  readonly ruleset: string
  readonly rule: string
  readonly tags: readonly string[]
  /** As the service has written them. */
  readonly strings: string
  /** The file name that the rule held for; null where it asks for none. */
  readonly name: string | null
}

export interface StoredHit extends Omit<NewHit, 'name'> {
  /** Grows in the order in which hits were found. */
  readonly id: number
  /** Lower-case hexadecimal digits. */
  readonly sha256: string
  readonly sha1: string
  readonly md5: string
  /** The name that the rule held for, where it asks for names; else the sample's. */
  readonly filename: string
  readonly fileType: string
  readonly fileSize: number
  readonly classification: Classification
  readonly threatName: string | null
}

/** Results of ad-hoc hunts. */
export interface StoredHits {
  /** Those of one sample; none of a deleted one. Returns how many are new. */
  add(huntId: number, sampleId: number, hits: readonly NewHit[]): Promise<number>
  /** With an id above `after`, ascending; without those that another hunt has as well. */
  list(huntId: number, after: number, most: number, notIn?: number): Promise<StoredHit[]>
  /** How many a hunt has that another one has not. */
  countNew(huntId: number, notIn: number): Promise<number>
}
