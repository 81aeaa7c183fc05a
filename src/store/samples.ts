import type { Classification } from './classifications.ts'
import type { Micros } from './clock.ts'

/** What a cloud's feed reports of a sample. */
export interface CloudSample {
  /** 20 bytes. */
  readonly sha1: Uint8Array
  readonly size: number
  readonly fileType: string
  readonly seen: Micros
}

/** A sample that just arrived, and the row that a cloud was known to have of it. */
export interface CloudTwin {
  readonly from: number
  readonly to: number
  readonly fileType: string
  readonly userClassification: Classification | null
  readonly userRiskScore: number | null
  readonly userThreatName: string | null
}

/** The files that there are, and what is known of them. */
export interface StoredSamples {
  exists(id: number): Promise<boolean>
  /** 40 hexadecimal digits; null for a sample that is gone. */
  sha1Of(id: number): Promise<string | null>
  /** What there is to know about it beside its facts; null where all went well. */
  noteOf(id: number): Promise<string | null>
  setNote(id: number, note: string): Promise<void>
  /** Whether a sample here has this content. */
  isStored(sha256: Uint8Array): Promise<boolean>
  /** Where it is called by the one name, it is called by the other. */
  rename(id: number, from: string, to: string): Promise<void>
  /** The greatest id; 0 where there is none. */
  lastId(): Promise<number>
  /** The next sample with a content, by id. */
  nextStored(
    after: number,
  ): Promise<{ readonly id: number; readonly sha1: string; readonly sha256: Uint8Array; readonly size: number } | null>
  delete(id: number): Promise<void>

  /** The samples that have one of the SHA-1s: those with a content last, and of two the older one. */
  findBySha1(
    digests: readonly Uint8Array[],
  ): Promise<{ readonly id: number; readonly sha1: Uint8Array; readonly size: number; readonly stored: boolean }[]>
  /** Samples that only the cloud has. */
  addInCloud(samples: readonly CloudSample[]): Promise<{ readonly id: number; readonly sha1: Uint8Array }[]>
  /** Those of these samples that the cloud had before they arrived. */
  findCloudTwins(arrived: readonly number[]): Promise<CloudTwin[]>
  /** What was known and said of the cloud's sample, tags included, is of the one that arrived. */
  takeOver(twin: CloudTwin): Promise<void>
  /** Those of these samples with a content that the cloud has matches of. */
  findMatchedInCloud(
    ids: readonly number[],
  ): Promise<(CloudSample & { readonly id: number; readonly md5: Uint8Array | null })[]>
  /** The sample goes, and the cloud still has it: returns the id of the row that stays. Two files of one SHA-1 leave one. */
  leaveInCloud(sample: CloudSample & { readonly md5: Uint8Array | null }): Promise<number>
  /** Forgets samples that only a cloud has and that nothing refers to any more: no match, and no user's word. */
  deleteUnreferenced(): Promise<void>
}
