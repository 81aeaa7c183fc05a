/**
 * Searches by page numbers, as the vendor's clients turn them. A page number says how many samples stand before it, so
 * what was found is remembered while somebody turns pages: the pages of one search are of one moment, and no sample is
 * left out or repeated. The first page always looks anew.
 */
import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { Failure } from '../errors/index.ts'
import type { Condition } from '../query/index.ts'
import type { SampleOrder, SamplePlace, SampleSearch, SampleSortKey } from '../store/index.ts'

/** A search shows so many samples at most; those that are sorted are the newest of them. */
const MOST_FOUND = 10_000
/** Found at once; other requests are answered in between. */
const FOUND_AT_ONCE = 500
/** What one answer may take. What was not looked at by then is left out, and the answer says so. */
const BUDGET_MS = 20_000
const REMEMBERED = 32
const REMEMBERED_MS = 300_000

export interface PagedQuery {
  readonly condition: Condition | null
  /** Null: last seen first. */
  readonly sort: { readonly by: SampleSortKey; readonly ascending: boolean } | null
  readonly page: number
  readonly size: number
}

export interface PageFound {
  readonly ids: readonly number[]
  readonly hasMore: boolean
  /** Not all samples could be looked at in time, or there are more than a search shows. */
  readonly isCut: boolean
}

export class PagedSearch {
  readonly #store: SampleSearch
  readonly #kept = new LRUCache<string, Found>({ max: REMEMBERED, ttl: REMEMBERED_MS })

  constructor(store: SampleSearch) {
    this.#store = store
  }

  /** Fails with `page.beyond-end` for what no search shows. */
  async find({ condition, sort, page, size }: PagedQuery, signal: AbortSignal): Promise<PageFound> {
    const from = (page - 1) * size
    if (from >= MOST_FOUND) {
      throw new Failure('page.beyond-end', `Max limit reached: a search shows ${MOST_FOUND} samples at most.`)
    }
    const key = JSON.stringify([condition, sort])
    const known = page === 1 ? undefined : this.#kept.get(key)
    const found = known ?? new Found(this.#store, condition, sort)
    this.#kept.set(key, found)
    const ids = await found.upTo(Math.min(from + size + 1, MOST_FOUND + 1), signal)
    const shown = ids.slice(from, Math.min(from + size, MOST_FOUND))
    const hasMore = ids.length > from + size && from + size < MOST_FOUND
    return { ids: shown, hasMore, isCut: !hasMore && found.isCut }
  }
}

/** What one search has found so far. */
class Found {
  readonly #store: SampleSearch
  readonly #condition: Condition | null
  readonly #sort: PagedQuery['sort']
  #ids: number[] = []
  #place: SamplePlace | null = null
  #isDone = false
  /** Requests for pages of the same search look one after the other. */
  #looking: Promise<unknown> = Promise.resolve()
  isCut = false

  constructor(store: SampleSearch, condition: Condition | null, sort: PagedQuery['sort']) {
    this.#store = store
    this.#condition = condition
    this.#sort = sort
  }

  /** The first `count` of what is found, fewer where there are no more. */
  async upTo(count: number, signal: AbortSignal): Promise<readonly number[]> {
    const look = this.#looking.then(() => this.#look(count, signal))
    this.#looking = look.catch(() => {})
    await look
    return this.#ids
  }

  async #look(count: number, signal: AbortSignal): Promise<void> {
    const isSorted = this.#sort !== null && this.#sort.by !== 'firstseen'
    const order: SampleOrder =
      this.#sort?.by === 'firstseen'
        ? { by: 'firstSeen', ascending: this.#sort.ascending }
        : { by: 'lastSeen', ascending: false }
    const wanted = isSorted ? MOST_FOUND + 1 : count
    const started = performance.now()
    while (!this.#isDone && this.#ids.length < wanted) {
      signal.throwIfAborted()
      const { found, next } = await this.#store.find(this.#condition, {
        limit: Math.min(FOUND_AT_ONCE, wanted - this.#ids.length),
        after: this.#place,
        order,
        budgetMs: BUDGET_MS / 10,
      })
      for (const { id } of found) this.#ids.push(id)
      this.#place = next
      const isLate = performance.now() - started > BUDGET_MS
      this.isCut = next !== null && (isLate || this.#ids.length > MOST_FOUND)
      this.#isDone = next === null || this.isCut
      // The whole of what is sorted is there, so it is sorted once.
      if (isSorted && (this.#isDone || this.#ids.length >= wanted)) await this.#order()
      await setImmediate()
    }
  }

  async #order(): Promise<void> {
    if (this.#sort === null) return
    this.#isDone = true
    this.#ids = await this.#store.sort(this.#ids.slice(0, MOST_FOUND), this.#sort.by, this.#sort.ascending)
  }
}
