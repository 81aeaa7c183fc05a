import type { Classification } from '../store/schema.ts'
import type { Sample } from './sample.ts'

/** The vendor's words for the four classifications, by number. */
export declare const classificationNames: readonly ['unknown', 'goodware', 'suspicious', 'malicious']

/** One result of `samples/v2/list`; a request may name fewer fields. */
export interface ListedSample {
  readonly id: number
  readonly sha1: string
  readonly sha256: string | null
  readonly sha512: string | null
  readonly md5: string | null
  readonly category: string
  readonly file_type: string
  readonly file_subtype: string
  readonly identification_name: string
  readonly file_size: number
  readonly extracted_file_count: number
  /** ISO 8601 with microseconds and Z. */
  readonly local_first_seen: string
  readonly local_last_seen: string
  readonly classification: (typeof classificationNames)[Classification]
  readonly classification_origin: string | null
  readonly classification_reason: string | null
  readonly classification_source: string | null
  readonly riskscore: number | null
  readonly threat_name: string | null
  readonly aliases: readonly string[]
  readonly tags: { readonly user: readonly string[] }
}

/** All the names that `fields` may hold. */
export declare const listedFields: readonly (keyof ListedSample)[]

/** The vendor's view of a sample. */
export declare function listedSample(
  sample: Sample,
  extras: { readonly tags: readonly string[]; readonly aliases: readonly string[] },
): ListedSample
