/**
 * Matches in another order than that of time.
 *
 * Where few fit, they are sorted. Otherwise they are walked. In an order whose values are few, value by value: the first
 * value's matches, the newest first, then those of the next. A page of that ends anywhere, and goes on with the value and
 * the match that it had come to:
 *
 *     by type     ELF64 Little/Exe            PE/Exe                       Text/None
 *                 match 90, 41, 7      →      match 96, 95 … │ 60, 12      …
 *                                                            └── `after` is 60.type.PE/Exe
 *
 * Where each sample may have a value of its own (its name, threat or size), the samples are walked, and each has its
 * matches; `after` is then the match, the order, the sample and the value, as in 7.size.3.1024.
 */
import { Failure } from '../errors/index.ts'
import {
  type Classification,
  type MatchConditions,
  type MatchPlace,
  type MatchRow,
  type MatchSortKey,
  type MatchValue,
  type MatchValueKey,
  type MatchWalk,
  type MatchWalkKey,
  matchValueKeys,
  matchWalkKeys,
  type StoredMatches,
} from '../store/index.ts'

/** So many are sorted; more are walked. */
const MOST_SORTED = 10_000
/** What looking for them may take; it is passed only by the step that is under way. */
const SORT_BUDGET_MS = 1_000
/** Ids that are looked for at once while they are gathered. */
const IDS_AT_ONCE = 2_000
/** What a page of a walk may take; it is passed only by the value that is under way. */
const WALK_BUDGET_MS = 400
/** Values that are asked for together. */
const VALUES_AT_ONCE = 25
/** Greater than the id of any match. */
const PAST_ALL = Number.MAX_SAFE_INTEGER

export interface MatchSort {
  readonly by: MatchSortKey
  readonly descending: boolean
}

export interface SortedPage {
  readonly limit: number
  /** The `next` of the page before. */
  readonly after?: string
}

export interface SortedMatches {
  readonly results: readonly MatchRow[]
  /** Null at the end. A page may be short, even empty, although there is a next one. */
  readonly next: string | null
}

/** `count`: how many fit, where that is known. Fails with `parameter.out-of-range` for an `after` of another list. */
export async function sortedMatches(
  stored: StoredMatches,
  asked: { readonly rulesetIds: readonly number[]; readonly filter: MatchConditions; readonly count: number | null },
  sort: MatchSort,
  { limit, after }: SortedPage,
): Promise<SortedMatches> {
  const { rulesetIds, filter, count } = asked
  const place = after === undefined ? null : placeOf(after, sort)
  if (place?.value !== undefined || (place === null && (count ?? 0) > MOST_SORTED)) {
    return walkOrder(stored, rulesetIds, filter, sort, { limit, place })
  }
  const ids: number[] = []
  const started = performance.now()
  // Had the first page not found all of them in time, it would have been that of a walk. There may be more by now.
  const most = place === null ? MOST_SORTED : 2 * MOST_SORTED
  let walk: MatchWalk | null = { limit: IDS_AT_ONCE }
  while (walk && ids.length < most && (place !== null || performance.now() - started < SORT_BUDGET_MS)) {
    const found: Awaited<ReturnType<StoredMatches['searchIds']>> = await stored.searchIds(rulesetIds, filter, walk)
    for (const id of found.ids) ids.push(id)
    walk = found.next === null ? null : { limit: Math.min(IDS_AT_ONCE, most - ids.length), after: found.next }
  }
  if (walk !== null) {
    if (place !== null) throw wrongPlace(after)
    return walkOrder(stored, rulesetIds, filter, sort, { limit, place })
  }
  const sorted = await stored.sort(ids, sort.by, sort.descending)
  const from = place?.at ?? 0
  const results = await stored.findByIds(sorted.slice(from, from + limit))
  return { results, next: from + limit < sorted.length ? `${from + limit}.${nameOf(sort)}` : null }
}

interface Place {
  /** Of a sorted list, how many rows are before it; of a walk, the id behind which it goes on in the value. */
  readonly at: number
  /** Of a walk: the value; in the orders of samples, the sample and its value. */
  readonly value?: string
}

/** `type`, or `-type` from the last value on: a page of one order is no beginning for another. */
const nameOf = ({ by, descending }: MatchSort): string => (descending ? `-${by}` : by)

/** place = at "." order [ "." value ] */
function placeOf(after: string, sort: MatchSort): Place {
  const [, at = '', order, value] = /^(\d{1,16})\.(-?[a-z]+)(?:\.(.*))?$/s.exec(after) ?? []
  if (order !== nameOf(sort) || Number(at) > PAST_ALL) throw wrongPlace(after)
  return { at: Number(at), ...(value !== undefined && { value }) }
}

/** value = sample [ "." text ]; without a text, among those that have none. */
function samplePlaceOf(by: MatchWalkKey, { at, value = '' }: Place): MatchPlace {
  const [, sample, text] = /^(\d{1,16})(?:\.(.*))?$/s.exec(value) ?? []
  const isKnown = by === 'size' ? /^\d{1,16}$/.test(text ?? '') : text !== undefined || by === 'threat'
  if (sample === undefined || Number(sample) > PAST_ALL || !isKnown) throw wrongPlace(`${at}.${by}.${value}`)
  if (text === undefined) return { value: null, sampleId: 0, id: at }
  return { value: by === 'size' ? Number(text) : text, sampleId: Number(sample), id: at }
}

function wrongPlace(after = ''): Failure {
  const message = `${after} is no end of a page of this list; begin with the first page`
  return new Failure('parameter.out-of-range', `Parameter not in expected range: ${message}.`)
}

interface WalkedPage {
  readonly limit: number
  readonly place: Place | null
}

function walkOrder(
  stored: StoredMatches,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  { by, descending }: MatchSort,
  page: WalkedPage,
): Promise<SortedMatches> {
  const value = matchValueKeys.find((key) => key === by)
  if (value !== undefined) return walkValues(stored, rulesetIds, filter, { by: value, descending }, page)
  const ofSamples = matchWalkKeys.find((key) => key === by)
  if (ofSamples === undefined) throw new Error(`There is no walk by ${by}.`)
  return walkSamples(stored, rulesetIds, filter, { by: ofSamples, descending }, page)
}

async function walkSamples(
  stored: StoredMatches,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  order: MatchSort & { readonly by: MatchWalkKey },
  { limit, place }: WalkedPage,
): Promise<SortedMatches> {
  const after = place && samplePlaceOf(order.by, place)
  const { results, next } = await stored.searchInOrder(rulesetIds, filter, { ...order, limit, after })
  if (next === null) return { results, next }
  const value = next.value === null ? '' : `.${next.value}`
  return { results, next: `${next.id}.${nameOf(order)}.${next.sampleId}${value}` }
}

type ValueOrder = MatchSort & { readonly by: MatchValueKey }

async function walkValues(
  stored: StoredMatches,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  order: ValueOrder,
  { limit, place }: WalkedPage,
): Promise<SortedMatches> {
  // Rulesets are looked at one by one, and what all of them hold for stays so.
  const { together, ...others } = filter
  const each = together ? { ...others, ofAll: rulesetIds } : filter
  const started = performance.now()
  const results: MatchRow[] = []
  let from = place?.value ?? null
  let isBehind = false
  /** A page looks at one value at least, however late it is: otherwise the list would not go on. */
  let hasLooked = false
  for (;;) {
    const values = await stored.values(rulesetIds, { ...order, from, isBehind, most: VALUES_AT_ONCE })
    for (const value of values) {
      const next = (at: number) => `${at}.${nameOf(order)}.${value.value}`
      if (results.length >= limit || (hasLooked && performance.now() - started > WALK_BUDGET_MS)) {
        return { results, next: next(PAST_ALL) }
      }
      hasLooked = true
      from = value.value
      const narrowed = narrow(order.by, value, each)
      if (narrowed === null) continue
      const after = place?.value === value.value ? place.at : PAST_ALL
      const found = await stored.search(value.rulesetIds, narrowed, { limit: limit - results.length, after })
      results.push(...found.results)
      if (found.next !== null) return { results, next: next(found.next) }
    }
    if (values.length < VALUES_AT_ONCE) return { results, next: null }
    isBehind = true
  }
}

/** The filter for the matches with a value; null where it leaves none. */
function narrow(by: MatchValueKey, { value }: MatchValue, filter: MatchConditions): MatchConditions | null {
  switch (by) {
    case 'ruleset':
      return filter
    case 'rule': {
      const name = value.slice(0, value.indexOf('/'))
      const { exactRule = name, rule = '' } = filter
      // Whatever the case of ASCII letters, as the database compares: a rule's name has no others.
      const isWanted = exactRule === name && name.toLowerCase().includes(rule.toLowerCase())
      return isWanted ? { ...filter, exactRule: name } : null
    }
    case 'type':
      return (filter.fileTypes?.includes(value) ?? true) ? { ...filter, fileTypes: [value] } : null
    case 'classification': {
      const classification = Number(value) as Classification
      const isWanted = filter.classifications?.includes(classification) ?? true
      return isWanted ? { ...filter, classifications: [classification] } : null
    }
  }
}
