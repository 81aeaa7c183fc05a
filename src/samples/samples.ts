import type { Readable } from 'node:stream'
import { zipForDownload } from '../archives/index.ts'
import { Failure } from '../errors/index.ts'
import { classifyByUser } from '../matches/index.ts'
import type { Segments } from '../segments/index.ts'
import { tlshText } from '../similarity/index.ts'
import type {
  Content,
  ContentStore,
  Counted,
  DeletedSample,
  ExtractedFile,
  Micros,
  Sample,
  SampleTotals,
  Scratch,
  Store,
} from '../store/index.ts'
import { deleteSamples, type StillToDelete } from './deletion.ts'
import { type HashKind, parseHash, parseHashes } from './hash.ts'
import { type ListedSample, listedSample } from './listed-sample.ts'
import { type PagedQuery, PagedSearch } from './paged-search.ts'
import type { ClassificationVerdict, SampleDetails, SampleFilter, SamplePage, SampleStatus } from './sample.ts'
import { countFound, searchSamples } from './search.ts'

/** The password of protected downloads. */
const ZIP_PASSWORD = 'infected'
const ZIP_TIME_MS = 3_600_000
/** Sightings, parents and members that `details` shows. */
const SHOWN = 100
/** Names of a sample that a list shows. */
const ALIASES = 20
/** Tags that a sample's own answers hold. */
const MOST_TAGS = 1_000

/** The samples of the collection. Hashes are taken in any of the four kinds, and in either case. */
export class Samples {
  readonly #parts: Parameters<typeof deleteSamples>[0]
  readonly #store: Store
  readonly #paged: PagedSearch
  readonly #contents: ContentStore
  readonly #scratch: Scratch

  constructor(parts: {
    readonly store: Store
    readonly contents: ContentStore
    readonly scratch: Scratch
    readonly segments: Segments
  }) {
    this.#parts = parts
    this.#store = parts.store
    this.#paged = new PagedSearch(parts.store.sampleSearch)
    this.#contents = parts.contents
    this.#scratch = parts.scratch
  }

  /** Null when unknown. Throws `hash.malformed`. */
  async find(hash: string): Promise<Sample | null> {
    const { kind, bytes, hex } = parseHash(hash)
    return (await this.#store.samples.findByDigests(kind, [bytes])).get(hex) ?? null
  }

  /** Throws `sample.not-found`. */
  async get(hash: string): Promise<Sample> {
    const sample = await this.find(hash)
    if (sample === null) throw new Failure('sample.not-found')
    return sample
  }

  async byIds(ids: readonly number[]): Promise<Map<number, Sample>> {
    return this.#store.samples.findByIds(ids)
  }

  /** Samples by the given spelling of their hash; unknown ones are left out. */
  async findMany(hashes: readonly string[]): Promise<Map<string, Sample>> {
    const byHex = new Map<string, Sample>()
    for (const [kind, some] of parseHashes(hashes)) {
      const digests = some.map(({ bytes }) => bytes)
      for (const [hex, sample] of await this.#store.samples.findByDigests(kind, digests)) byHex.set(hex, sample)
    }
    const found = new Map<string, Sample>()
    for (const hash of hashes) {
      const sample = byHex.get(parseHash(hash).hex)
      if (sample) found.set(hash, sample)
    }
    return found
  }

  /**
   * In the order of the request. All hashes must be of one kind, else `hash.malformed`. A sample that waits for the
   * pipeline or is in it is `processing`, also one that is to be matched again; one that only a cloud has is `not_found`.
   */
  async status(
    hashes: readonly string[],
    only?: SampleStatus,
  ): Promise<{
    readonly hashType: HashKind
    readonly results: readonly { readonly hashValue: string; readonly status: SampleStatus }[]
  }> {
    const [hashType, ...others] = parseHashes(hashes).keys()
    if (hashType === undefined) throw new Failure('hash.malformed', 'There is no hash value.')
    if (others.length > 0) throw new Failure('hash.malformed', 'All hash values must be of one kind.')
    const found = await this.findMany(hashes)
    const waiting = await this.#store.reanalyses.findWaiting([...found.values()].map(({ id }) => id))
    const results = hashes.map((hashValue) => ({
      hashValue,
      status: statusOf(found.get(hashValue), waiting),
    }))
    return { hashType, results: only ? results.filter(({ status }) => status === only) : results }
  }

  /** For `samples/v2/list`: the known ones, in the order of the request, each once. */
  async list(hashes: readonly string[]): Promise<readonly ListedSample[]> {
    const found = await this.findMany(hashes)
    const samples = [...new Map([...found.values()].map((sample) => [sample.id, sample])).values()]
    const ids = samples.map(({ id }) => id)
    // Users add tags and send files again under new names without end: the first of each are read, for each sample.
    const tags = await this.#store.tags.listOfEach(ids, SHOWN)
    const names = await this.#store.arrivals.firstNames(ids, ALIASES)
    return samples.map((sample) =>
      listedSample(sample, {
        tags: tags.get(sample.id) ?? [],
        aliases: names.get(sample.id) ?? [],
      }),
    )
  }

  async details(hash: string): Promise<SampleDetails> {
    const sample = await this.get(hash)
    return {
      sample,
      tags: await this.#tagsOf(sample.id),
      sightings: await this.#store.arrivals.list(sample.id, SHOWN),
      parents: await this.#store.members.archivesOf(sample.id, SHOWN),
      members: await this.#store.members.list(sample.id, { offset: 0, limit: SHOWN }),
      program: await this.#store.programs.find(sample.id),
      tlsh: await this.#tlshOf(sample.id),
    }
  }

  /** The import hashes of programs, by the ids of samples. */
  async imphashesOf(samples: readonly Sample[]): Promise<ReadonlyMap<number, string>> {
    return this.#store.programs.imphashesOf(samples.map(({ id }) => id))
  }

  /** Members, direct ones, ascending by path; `total` counts all. */
  async extractedFiles(
    hash: string,
    page: { readonly offset: number; readonly limit: number },
  ): Promise<{ readonly total: number; readonly files: readonly ExtractedFile[] }> {
    const { id } = await this.get(hash)
    return { total: await this.#store.members.count(id), files: await this.#store.members.list(id, page) }
  }

  /**
   * Deletes samples with content, matches and hunt results, at once and for good, together with members that no
   * remaining archive holds and that nobody ever sent by themselves (`members` counts those that were not named).
   */
  async delete(hashes: readonly string[]): Promise<{
    readonly deleted: readonly Sample[]
    readonly members: number
    readonly unknown: readonly string[]
  }> {
    const found = await this.findMany(hashes)
    const deleted = [...new Map([...found.values()].map((sample) => [sample.id, sample])).values()]
    const ids = deleted.map(({ id }) => id)
    const members = ids.length > 0 ? (await deleteSamples(this.#parts, ids)).length - ids.length : 0
    return { deleted, members, unknown: hashes.filter((hash) => !found.has(hash)) }
  }

  /** The same by ids, of those that `still` chooses in the transaction. Gives all that went, members included. */
  deleteChosen(ids: readonly number[], still: StillToDelete): Promise<readonly DeletedSample[]> {
    return deleteSamples(this.#parts, ids, still)
  }

  async tags(hash: string): Promise<readonly string[]> {
    return this.#tagsOf((await this.get(hash)).id)
  }

  /** Gives the tags of the sample afterwards, the first 1,000 of them, as `removeTags` and `tags` do. */
  async addTags(hash: string, tags: readonly string[]): Promise<readonly string[]> {
    const { id } = await this.get(hash)
    await this.#store.tags.add(id, tags)
    return this.#tagsOf(id)
  }

  async removeTags(hash: string, tags: readonly string[]): Promise<readonly string[]> {
    const { id } = await this.get(hash)
    await this.#store.tags.remove(id, tags)
    return this.#tagsOf(id)
  }

  /** A user's own classification, above the one from rules. Throws `parameter.out-of-range`. */
  async classify(hash: string, verdict: ClassificationVerdict): Promise<Sample> {
    const { id, sha1 } = await this.get(hash)
    const { classification, riskScore = null, threatName = null } = verdict
    if (classification === 0) throw new Failure('parameter.out-of-range')
    await this.#store.transaction('classify', (tx) => classifyByUser(tx, id, { classification, riskScore, threatName }))
    return this.get(sha1)
  }

  /** Back to what the rules say. */
  async unclassify(hash: string): Promise<Sample> {
    const { id, sha1 } = await this.get(hash)
    await this.#store.transaction('classify', (tx) => classifyByUser(tx, id, null))
    return this.get(sha1)
  }

  /** The caller consumes or destroys the stream. Throws `sample.not-found` or `sample.gone`. */
  async content(
    hash: string,
    range?: { readonly start: number; readonly end: number },
  ): Promise<{ readonly sample: Sample; readonly content: Content }> {
    const sample = await this.get(hash)
    if (sample.sha256 === null || !sample.stored) throw new Failure('sample.gone')
    return { sample, content: await this.#contents.range(Buffer.from(sample.sha256, 'hex'), range) }
  }

  /**
   * The samples as one zip with the password `infected`, each under its SHA-256. Throws `sample.not-found` or
   * `sample.gone` before the first byte.
   */
  async zip(hashes: readonly string[], signal?: AbortSignal): Promise<Readable> {
    const found = await this.findMany(hashes)
    if (hashes.some((hash) => !found.has(hash))) throw new Failure('sample.not-found')
    const names: string[] = []
    for (const name of new Set([...found.values()].map(({ sha256 }) => sha256))) {
      if (name === null || (await this.#contents.size(Buffer.from(name, 'hex'))) === null)
        throw new Failure('sample.gone')
      names.push(name)
    }
    const lease = await this.#contents.lease(names.map((name) => Buffer.from(name, 'hex')))
    const files = names.map((name, n) => ({ name, path: lease.paths[n] as string }))
    const folder = this.#scratch.fresh()
    const bounds = { password: ZIP_PASSWORD, timeMs: ZIP_TIME_MS, ...(signal && { signal }) }
    return zipForDownload(files, { folder, ...bounds }).once('close', () => lease.release())
  }

  /** Last seen first; `after` is the `next` of the page before. A page may be short although there are more. */
  async search(filter: SampleFilter, page: { readonly limit: number; readonly after?: string }): Promise<SamplePage> {
    const { ids, next } = await searchSamples(this.#store.sampleSearch, filter, page)
    const samples = await this.byIds(ids)
    return { samples: ids.flatMap((id) => samples.get(id) ?? []), next }
  }

  /** The same by page numbers, for clients that know no other. Fails with `page.beyond-end`. */
  async searchPage(
    query: PagedQuery,
    signal: AbortSignal,
  ): Promise<{ readonly found: readonly Sample[]; readonly hasMore: boolean; readonly isCut: boolean }> {
    const { ids, hasMore, isCut } = await this.#paged.find(query, signal)
    const samples = await this.byIds(ids)
    return { found: ids.flatMap((id) => samples.get(id) ?? []), hasMore, isCut }
  }

  /** The outermost archives that hold a sample, at most 1,000. */
  async containersOf(id: number): Promise<readonly Sample[]> {
    const ids = await this.#store.sampleSearch.containersOf(id)
    const samples = await this.byIds(ids)
    return ids.flatMap((each) => samples.get(each) ?? [])
  }

  /** How many samples `search` finds, as far as they can be counted in a moment. */
  async count(filter: SampleFilter): Promise<Counted> {
    if (Object.keys(filter).length === 0) return { count: (await this.totals()).samples, more: false }
    return countFound(this.#store.sampleSearch, filter)
  }

  /** The file types that there are, in alphabetical order. */
  async fileTypes(): Promise<readonly string[]> {
    return this.#store.sampleSearch.fileTypes()
  }

  /** How many samples were first seen in a time, its start included and its end not. */
  async arrivedBetween(from: Micros, to: Micros): Promise<number> {
    return this.#store.samples.countArrived(from, to)
  }

  /** Samples by classification, and how many are queued; for the overview. */
  async totals(): Promise<SampleTotals> {
    return this.#store.samples.totals()
  }

  async #tlshOf(id: number): Promise<string | null> {
    const digest = await this.#store.tlsh.find(id)
    return digest && tlshText(digest)
  }

  #tagsOf(id: number): Promise<string[]> {
    return this.#store.tags.list(id, MOST_TAGS)
  }
}

function statusOf(sample: Sample | undefined, toMatchAgain: ReadonlySet<number>): SampleStatus {
  if (!sample?.stored) return 'not_found'
  return sample.state === 'processed' && !toMatchAgain.has(sample.id) ? 'processed' : 'processing'
}
