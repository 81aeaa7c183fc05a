import { setImmediate } from 'node:timers/promises'
import { type PackedNames, packNames } from '../planner/index.ts'
import { externalVariables, type KnownName, nameVariables } from '../samples/index.ts'
import type { ExternalVariables, NameVariables } from '../scanning/index.ts'
import { DatabaseHealth, type Store } from '../store/index.ts'
import { isEverything, type Selection } from './selection.ts'

/** Rows that are read before other requests are answered again. */
const IDS_AT_ONCE = 20_000
/** The same where names, tags and the like are looked up for each sample. */
const IDS_OF_QUERY_AT_ONCE = 1_000
/** The same of names, which are many to an id. */
const NAMES_AT_ONCE = 500

/** What a scan has to know about a sample. */
export interface Scannable {
  readonly sha256: Uint8Array
  readonly size: number
  readonly variables: ExternalVariables
  /** Further names, where they are asked for. */
  readonly alsoNamed?: readonly NameVariables[]
}

/** The stored and processed samples, as hunts ask for them: by id, many at a time. */
export class Corpus {
  readonly #store: Store
  readonly #health: DatabaseHealth
  #sizes = new Float64Array(0)
  /** Samples that `#sizes` has sizes of. */
  #sized = 0
  /** The end of the last reading of sizes that was begun: they happen one after the other. */
  #reading: Promise<unknown> = Promise.resolve()

  constructor(store: Store, health = new DatabaseHealth()) {
    this.#store = store
    this.#health = health
  }

  /** Ascending ids with `after < id <= upTo`. */
  processedIds(after: number, upTo: number): Promise<Uint32Array> {
    return this.#store.corpus.processedIds(after, upTo)
  }

  /**
   * Throws `database.damaged` where the list of samples has others than are counted: a hunt over it would cover less
   * than it says.
   */
  async demandWhole(): Promise<void> {
    const { listed, counted } = await this.#store.transaction('checkCorpus', async ({ corpus }) => ({
      listed: await corpus.countListed(),
      counted: (await corpus.whole()).samples,
    }))
    if (listed === counted) return
    const problem = `it lists ${listed} processed samples and counts ${counted}`
    this.#health.report(problem)
    this.#health.demandSound()
  }

  count(upTo: number): Promise<number> {
    return this.#store.corpus.count(0, upTo)
  }

  /** The greatest id of any sample; 0 without samples. */
  lastId(): Promise<number> {
    return this.#store.samples.lastId()
  }

  /** Deleted samples are left out. `names`: with all names that the samples are known under. */
  async scannable(ids: readonly number[], names: boolean): Promise<Map<number, Scannable>> {
    const rows = await this.#store.corpus.findToScan(ids)
    const known = names ? await this.#store.arrivals.names(ids) : new Map<number, never>()
    return new Map(
      rows.map(({ id, sha256, size, name, fileType }) => {
        const [first, ...others] = namesOf(name, known.get(id))
        const variables = externalVariables(first, fileType)
        const alsoNamed = others.map(nameVariables)
        return [id, { sha256, size, variables, ...(others.length > 0 && { alsoNamed }) }]
      }),
    )
  }

  /** What samples are called, as rules are run with; deleted samples are left out. `ids` ascend. */
  async packedNames(ids: Uint32Array): Promise<PackedNames> {
    const named: [id: number, names: ExternalVariables[]][] = []
    for (let start = 0; start < ids.length; start += NAMES_AT_ONCE) {
      if (start > 0) await setImmediate()
      const some = [...ids.subarray(start, start + NAMES_AT_ONCE)]
      const rows = await this.#store.corpus.findNames(some)
      const known = await this.#store.arrivals.allNames(some)
      for (const { id, name, fileType } of rows) {
        named.push([id, namesOf(name, known.get(id)).map((one) => externalVariables(one, fileType))])
      }
    }
    return packNames(named)
  }

  /** How many samples there are, and their bytes. */
  whole(): Promise<{ samples: number; bytes: number }> {
    return this.#store.corpus.whole()
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
    if ((await this.#store.corpus.countStoredBelow(this.#sizes.length)) !== this.#sized) {
      this.#sizes = new Float64Array(0)
      this.#sized = 0
      await this.#readSizes(0, upTo)
    }
    return this.#sizes
  }

  async #readSizes(from: number, upTo: number): Promise<void> {
    if (upTo < from) return
    const sizes = new Float64Array(upTo + 1).fill(-1, from)
    sizes.set(this.#sizes)
    let read = 0
    for (let start = from; start <= upTo; start += IDS_AT_ONCE) {
      if (start > from) await setImmediate()
      const rows = await this.#store.corpus.sizes(start, Math.min(upTo, start + IDS_AT_ONCE - 1))
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

  /** The same of a part that `select` gave; null for all of it. Samples that were deleted since are left out. */
  async measureOf(ids: Uint32Array | null, upTo: number): Promise<{ samples: number; bytes: number }> {
    if (ids === null) return this.whole()
    const sizes = await this.sizes(upTo)
    const sum = { samples: 0, bytes: 0 }
    for (const id of ids) {
      const size = sizes[id] ?? -1
      if (size < 0) continue
      sum.samples++
      sum.bytes += size
    }
    return sum
  }

  /** By ascending id. Looking at all of a large corpus takes long, so others come in between. */
  async *#selected(selection: Selection, upTo: number): AsyncGenerator<readonly { id: number; size: number }[]> {
    // A list of hashes is looked up, and would be looked up again for each step.
    const step = selection.hashes ? upTo : selection.query === undefined ? IDS_AT_ONCE : IDS_OF_QUERY_AT_ONCE
    for (let from = 1; from <= upTo; from += step) {
      if (from > 1) await setImmediate()
      yield await this.#store.corpus.select(selection, from, Math.min(upTo, from + step - 1))
    }
  }
}

/** A sample that nobody has sent has one name all the same. */
function namesOf(name: string, known: readonly KnownName[] = []): readonly [KnownName, ...KnownName[]] {
  const [first = { name, folder: '', owner: '' }, ...others] = known
  return [first, ...others]
}
