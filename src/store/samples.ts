import type { HashKind } from '../query/index.ts'
import type { Classification } from './classifications.ts'
import type { Micros } from './clock.ts'

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

/** A content that arrives for the first time. */
export interface NewSample {
  readonly name: string
  readonly size: number
  readonly sha256: Uint8Array
  readonly sha1: Uint8Array
  readonly md5: Uint8Array
  readonly sha512: Uint8Array
}

/** What matters of a sample when its content arrives once more. */
export interface KnownSample {
  readonly id: number
  readonly sha256: Uint8Array
  readonly state: Sample['state']
  readonly note: string | null
  readonly extractedFileCount: number
}

/** Samples with a content, and how many of them are queued. */
export interface SampleTotals {
  readonly samples: number
  readonly bytes: number
  readonly queued: number
  readonly byClassification: readonly [number, number, number, number]
}

/** What a sample's content is to be. */
export interface SampleContent {
  readonly id: number
  readonly sha256: Uint8Array
  readonly size: number
}

export interface DeletedSample {
  readonly id: number
  readonly sha256: Uint8Array | null
  /** That held its signature. */
  readonly segment: number | null
}

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
  /** The samples that have one of these SHA-256. */
  findKnown(digests: readonly Uint8Array[]): Promise<KnownSample[]>
  /** Queued from now on. */
  add(samples: readonly NewSample[], seen: Micros): Promise<{ readonly id: number; readonly sha256: Uint8Array }[]>
  /** A sample came in once more, under this name; null: it keeps the one that it has. */
  seeAgain(id: number, seen: Micros, name: string | null): Promise<void>
  /** Where it is called by the one name, it is called by the other. */
  rename(id: number, from: string, to: string): Promise<void>
  /** The greatest id; 0 where there is none. */
  lastId(): Promise<number>
  /** The next sample with a content, by id. */
  nextStored(
    after: number,
  ): Promise<{ readonly id: number; readonly sha1: string; readonly sha256: Uint8Array; readonly size: number } | null>
  delete(id: number): Promise<void>
  /** Returns those that were there. */
  deleteAll(ids: readonly number[]): Promise<DeletedSample[]>

  findByIds(ids: readonly number[]): Promise<Map<number, Sample>>
  /** By digest in lower-case hexadecimal. Of several samples, one with a content is found, and the oldest of these. */
  findByDigests(kind: HashKind, digests: readonly Uint8Array[]): Promise<Map<string, Sample>>
  totals(): Promise<SampleTotals>
  /** Samples with a content that were first seen in a time, its start included and its end not. */
  countArrived(from: Micros, to: Micros): Promise<number>

  /** Samples with a content, one by one: `totals` is for the overview. */
  countContents(): Promise<number>
  /** Contents by ascending SHA-256, the ones that begin with a byte: from the first one on, or behind one. */
  listContents(firstByte: number, after: Uint8Array | null, limit: number): Promise<SampleContent[]>
  /** Whether the sample is there with this content still. */
  isContentOf(id: number, sha256: Uint8Array): Promise<boolean>
  /** The SHA-256 of those of the samples that have a content. */
  contentsOf(ids: readonly number[]): Promise<Uint8Array[]>

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
