import type { Readable } from 'node:stream'
import type { Kysely } from 'kysely'
import type { Matches } from '../matches/index.ts'
import type { Segments } from '../segments/index.ts'
import type { BlobStore, Content } from '../store/files/index.ts'
import type { Schema } from '../store/schema.ts'
import type { HashKind } from './hash.ts'
import type { ListedSample } from './listed-sample.ts'
import type { ClassificationVerdict, ExtractedFile, Sample, SampleDetails, SampleFilter, SamplePage } from './sample.ts'

export declare class Samples {
  constructor(options: {
    readonly database: Kysely<Schema>
    readonly blobs: BlobStore
    readonly segments: Segments
    readonly matches: Matches
  })

  /** Null when unknown. Throws `hash.malformed`. */
  find(hash: string): Promise<Sample | null>

  /** Throws `sample.not-found`. */
  get(hash: string): Promise<Sample>

  byIds(ids: readonly number[]): Promise<Map<number, Sample>>

  /** Samples by the given spelling of their hash; unknown ones are left out. */
  findMany(hashes: readonly string[]): Promise<Map<string, Sample>>

  /** In the order of the request. All hashes must be of one kind, else `hash.malformed`. `not_found` includes samples that are not processed yet. */
  status(
    hashes: readonly string[],
    only?: 'processed' | 'not_found',
  ): Promise<{
    readonly hashType: HashKind
    readonly results: readonly { readonly hashValue: string; readonly status: 'processed' | 'not_found' }[]
  }>

  /** For `samples/v2/list`: the known ones, in the order of the request, each once. */
  list(hashes: readonly string[]): Promise<readonly ListedSample[]>

  details(hash: string): Promise<SampleDetails>

  /** Members, direct ones, ascending by path; `total` counts all. */
  extractedFiles(
    hash: string,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly total: number; readonly files: readonly ExtractedFile[] }>

  /**
   * Deletes samples with content, matches and hunt results, at once and for good, together with members that no
   * remaining archive holds and that nobody ever sent by themselves. Unknown hashes are left out of the result.
   */
  delete(
    hashes: readonly string[],
  ): Promise<{ readonly deleted: readonly Sample[]; readonly members: number; readonly unknown: readonly string[] }>

  tags(hash: string): Promise<readonly string[]>
  addTags(hash: string, tags: readonly string[]): Promise<readonly string[]>
  removeTags(hash: string, tags: readonly string[]): Promise<readonly string[]>

  /** A user's own classification, above the one from rules. Throws `parameter.out-of-range`. */
  classify(hash: string, verdict: ClassificationVerdict): Promise<Sample>
  /** Back to what the rules say. */
  unclassify(hash: string): Promise<Sample>

  /** Throws `sample.not-found` or `sample.gone`. */
  content(
    hash: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<{ readonly sample: Sample; readonly content: Content }>

  /** The samples as one zip with the password `infected`. Throws as `content` does, before the first byte. */
  zip(hashes: readonly string[], signal?: AbortSignal): Promise<Readable>

  search(filter: SampleFilter, page: { readonly limit: number; readonly after?: string }): Promise<SamplePage>

  /** Samples by classification, and how many are queued; for the overview. */
  totals(): Promise<{
    readonly samples: number
    readonly bytes: number
    readonly queued: number
    readonly byClassification: readonly [number, number, number, number]
  }>
}
