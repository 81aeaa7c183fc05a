import { setImmediate } from 'node:timers/promises'
import { type SelectQueryBuilder, sql } from 'kysely'
import { type PackedNames, packNames } from '../planner/index.ts'
import { externalVariables, type KnownName, nameVariables } from '../samples/index.ts'
import type { ExternalVariables, NameVariables } from '../scanning/index.ts'
import {
  type BlobStore,
  type Database,
  DatabaseHealth,
  listOf,
  type Schema,
  type Store,
  storeOf,
} from '../store/index.ts'
import { countProcessed, processedInAll } from './processed-samples.ts'
import { isEverything, type Selection } from './selection.ts'

/** Rows that are read before other requests are answered again. */
const IDS_AT_ONCE = 20_000
/** The same of names, which are many to an id. */
const NAMES_AT_ONCE = 500

/** What a scan has to know about a sample. */
export interface Scannable {
  readonly path: string
  readonly size: number
  readonly variables: ExternalVariables
  /** Further names, where they are asked for. */
  readonly alsoNamed?: readonly NameVariables[]
}

/** The stored and processed samples, as hunts ask for them: by id, many at a time. */
export class Corpus {
  readonly #store: Store
  readonly #database: Database
  readonly #blobs: BlobStore
  readonly #health: DatabaseHealth
  #sizes = new Float64Array(0)
  /** Samples that `#sizes` has sizes of. */
  #sized = 0
  /** The end of the last reading of sizes that was begun: they happen one after the other. */
  #reading: Promise<unknown> = Promise.resolve()

  constructor(database: Database, blobs: BlobStore, health = new DatabaseHealth()) {
    this.#database = database
    this.#store = storeOf(database)
    this.#health = health
    this.#blobs = blobs
  }

  /** Ascending ids with `after < id <= upTo`. */
  async processedIds(after: number, upTo: number): Promise<Uint32Array> {
    const rows = await this.#processed()
      .select('id')
      .where('id', '>', after)
      .where('id', '<=', upTo)
      .orderBy('id')
      .execute()
    return Uint32Array.from(rows, ({ id }) => id)
  }

  /**
   * Throws `database.damaged` where the list of samples has others than are counted: a hunt over it would cover less
   * than it says.
   */
  async demandWhole(): Promise<void> {
    const { listed, counted } = await this.#database.transaction().execute(async (trx) => {
      const { rows } = await sql<{ listed: number }>`
        SELECT count(*) AS listed FROM samples INDEXED BY samples_processed WHERE stored = 1 AND state = 'processed'`.execute(
        trx,
      )
      const { samples } = await processedInAll(trx)
      return { listed: rows[0]?.listed ?? 0, counted: samples }
    })
    if (listed === counted) return
    const problem = `it lists ${listed} processed samples and counts ${counted}`
    this.#health.report(problem)
    this.#health.demandSound()
  }

  count(upTo: number): Promise<number> {
    return countProcessed(this.#database, 0, upTo)
  }

  /** The greatest id of any sample; 0 without samples. */
  async lastId(): Promise<number> {
    const row = await this.#database
      .selectFrom('samples')
      .select(({ fn }) => fn.max('id').as('last'))
      .executeTakeFirst()
    return row?.last ?? 0
  }

  /** Deleted samples are left out. `names`: with all names that the samples are known under. */
  async scannable(ids: readonly number[], names: boolean): Promise<Map<number, Scannable>> {
    const rows = await this.#processed()
      .select(['id', 'sha256', 'size', 'name', 'file_type'])
      .where('id', 'in', ids)
      .execute()
    const known = names ? await this.#store.arrivals.names(ids) : new Map<number, never>()
    return new Map(
      rows.map(({ id, sha256, size, name, file_type }) => {
        const [first, ...others] = namesOf(name, known.get(id))
        const path = this.#blobs.path(sha256 as Uint8Array)
        const variables = externalVariables(first, file_type)
        return [id, { path, size, variables, ...(others.length > 0 && { alsoNamed: others.map(nameVariables) }) }]
      }),
    )
  }

  /** What samples are called, as rules are run with; deleted samples are left out. `ids` ascend. */
  async packedNames(ids: Uint32Array): Promise<PackedNames> {
    const named: [id: number, names: ExternalVariables[]][] = []
    for (let start = 0; start < ids.length; start += NAMES_AT_ONCE) {
      if (start > 0) await setImmediate()
      const some = [...ids.subarray(start, start + NAMES_AT_ONCE)]
      const rows = await this.#processed()
        .select(['id', 'name', 'file_type'])
        .where('id', 'in', listOf(some))
        .orderBy('id')
        .execute()
      const known = await this.#store.arrivals.allNames(some)
      for (const { id, name, file_type } of rows) {
        named.push([id, namesOf(name, known.get(id)).map((one) => externalVariables(one, file_type))])
      }
    }
    return packNames(named)
  }

  /** How many samples there are, and their bytes. */
  whole(): Promise<{ samples: number; bytes: number }> {
    return processedInAll(this.#database)
  }

  /**
   * Sizes in bytes by id, up to an id at least; -1 where there is no sample. Sizes never change, so they are kept and
   * only the new ones are read, until a sample is deleted.
   */
  sizes(upTo: number): Promise<Float64Array> {
    const turn = this.#reading.then(() => this.#sizesUpTo(upTo))
    this.#reading = turn.catch(() => {})
    return turn
  }

  async #sizesUpTo(upTo: number): Promise<Float64Array> {
    await this.#readSizes(this.#sizes.length, upTo)
    if ((await this.#countBelow(this.#sizes.length)) !== this.#sized) {
      this.#sizes = new Float64Array(0)
      this.#sized = 0
      await this.#readSizes(0, upTo)
    }
    return this.#sizes
  }

  /** Stored samples with a smaller id; samples that were stored since are not counted yet. */
  async #countBelow(id: number): Promise<number> {
    const { count } = await this.#database
      .selectFrom('sample_counts')
      .select(({ fn, selectFrom, eb }) =>
        eb(
          fn.coalesce(fn.sum<number>('samples'), eb.lit(0)),
          '-',
          selectFrom('samples')
            .select((eb) => eb.fn.countAll<number>().as('later'))
            .where('stored', '=', 1)
            .where('id', '>=', id),
        ).as('count'),
      )
      .executeTakeFirstOrThrow()
    return count
  }

  async #readSizes(from: number, upTo: number): Promise<void> {
    if (upTo < from) return
    const sizes = new Float64Array(upTo + 1).fill(-1, from)
    sizes.set(this.#sizes)
    let read = 0
    for (let start = from; start <= upTo; start += IDS_AT_ONCE) {
      if (start > from) await setImmediate()
      const rows = await this.#database
        .selectFrom('samples')
        .select(['id', 'size'])
        .where('stored', '=', 1)
        .where('id', '>=', start)
        .where('id', '<=', Math.min(upTo, start + IDS_AT_ONCE - 1))
        .execute()
      for (const { id, size } of rows) sizes[id] = size
      read += rows.length
    }
    this.#sizes = sizes
    this.#sized += read
  }

  /** Ascending ids of a part of the corpus; null for all of it. */
  async select(selection: Selection, upTo: number): Promise<Uint32Array | null> {
    if (isEverything(selection)) return null
    const ids: number[] = []
    for await (const rows of this.#selected(selection, upTo)) for (const { id } of rows) ids.push(id)
    return Uint32Array.from(ids)
  }

  /** How many samples a part of the corpus has, and their bytes. */
  async measure(selection: Selection): Promise<{ samples: number; bytes: number }> {
    if (isEverything(selection)) return this.whole()
    const sum = { samples: 0, bytes: 0 }
    for await (const rows of this.#selected(selection, await this.lastId())) {
      sum.samples += rows.length
      for (const { size } of rows) sum.bytes += size
    }
    return sum
  }

  /** By ascending id. Looking at all of a large corpus takes long, so others come in between. */
  async *#selected(selection: Selection, upTo: number): AsyncGenerator<readonly { id: number; size: number }[]> {
    // A list of hashes is looked up, and would be looked up again for each step.
    const step = selection.hashes ? upTo : IDS_AT_ONCE
    for (let from = 1; from <= upTo; from += step) {
      if (from > 1) await setImmediate()
      yield await narrowed(this.#processed().select(['id', 'size']), selection)
        .where('id', '>=', from)
        .where('id', '<=', Math.min(upTo, from + step - 1))
        .orderBy('id')
        .execute()
    }
  }

  #processed() {
    return this.#database.selectFrom('samples').where('stored', '=', 1).where('state', '=', 'processed')
  }
}

/** A sample that nobody has sent has one name all the same. */
function namesOf(name: string, known: readonly KnownName[] = []): readonly [KnownName, ...KnownName[]] {
  const [first = { name, folder: '', owner: '' }, ...others] = known
  return [first, ...others]
}

type SampleQuery = SelectQueryBuilder<Schema, 'samples', { id: number; size: number }>

function narrowed(query: SampleQuery, selection: Selection): SampleQuery {
  const { fileTypes, tags, hashes } = selection
  const ranges = [
    ['first_seen', '>=', selection.firstSeenFrom],
    ['first_seen', '<=', selection.firstSeenTo],
    ['last_seen', '>=', selection.lastSeenFrom],
    ['last_seen', '<=', selection.lastSeenTo],
    ['size', '>=', selection.minSize],
    ['size', '<=', selection.maxSize],
  ] as const
  for (const [column, operator, bound] of ranges) {
    if (bound !== undefined) query = query.where(column, operator, bound)
  }
  if (selection.classifications) query = query.where('classification', 'in', [...selection.classifications])
  if (fileTypes) {
    query = query.where(({ or, eb }) =>
      or(
        fileTypes
          .flatMap(meantBy)
          .flatMap((type) => [
            eb('file_type', '=', type),
            eb(sql`substr(file_type, 1, ${type.length + 1})`, '=', `${type}/`),
          ]),
      ),
    )
  }
  if (tags) {
    query = query.where(({ exists, selectFrom }) =>
      exists(
        selectFrom('tags')
          .select('tags.tag')
          .whereRef('tags.sample_id', '=', 'samples.id')
          .where('tags.tag', 'in', [...tags]),
      ),
    )
  }
  if (selection.namePattern !== undefined) {
    query = query.where(sql<boolean>`lower(name) GLOB ${globOf(selection.namePattern.toLowerCase())}`)
  }
  if (hashes) {
    query = query.where(({ or }) => or(hashKinds.map((kind) => digestIn(kind, hashes))))
  }
  return query
}

/** `PE` are programs of 32 and 64 bits, as everybody calls them; `PE32` and `PE32+` are one of the two. */
const families: Readonly<Record<string, readonly string[]>> = { PE: ['PE', 'PE+'], PE32: ['PE'], 'PE32+': ['PE+'] }

function meantBy(type: string): readonly string[] {
  return families[type] ?? [type]
}

const hashKinds = ['md5', 'sha1', 'sha256', 'sha512'] as const

/** The list travels as one JSON parameter, since it may be longer than a statement may have parameters. */
function digestIn(kind: (typeof hashKinds)[number], hashes: readonly string[]) {
  return sql<boolean>`${sql.ref(kind)} IN (SELECT unhex(value) FROM json_each(${JSON.stringify(hashes)}))`
}

/** `*` and `?` keep their meaning; the brackets that GLOB would read as a set stand for themselves. */
function globOf(pattern: string): string {
  return pattern.replaceAll('[', '[[]')
}
