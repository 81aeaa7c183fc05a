/**
 * Matches in another order than that of time.
 *
 * As many as can be held are sorted. Where more fit, and an index has the values of the order, they are walked value by
 * value: the first value's matches, the newest first, then those of the next. A page of that ends anywhere, and goes on
 * with the value and the match that it had come to:
 *
 *     by type     ELF64 Little/Exe            PE/Exe                       Text/None
 *                 match 90, 41, 7      →      match 96, 95 … │ 60, 12      …
 *                                                            └── `after` is 60.type.PE/Exe
 *
 * Orders without such an index have the newest of those that fit, which `complete` reports.
 */
import { Failure } from '../errors/index.ts'
import {
  type Classification,
  type MatchConditions,
  type MatchesFound,
  type MatchRow,
  type MatchSortKey,
  type MatchValue,
  type MatchValueKey,
  type MatchWalk,
  matchValueKeys,
  type StoredMatches,
} from '../store/index.ts'

/** An order that no index has is made of so many. */
const MOST_SORTED = 10_000
/** What looking for them may take; it is passed only by the step that is under way. */
const SORT_BUDGET_MS = 1_000
/** Rows read at once while they are gathered. */
const ROWS_AT_ONCE = 2_000
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
  /** False: more fit, and only the newest of them are in this list. */
  readonly complete: boolean
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
  const byValue = valueOrderOf(sort, filter)
  if (byValue !== null && (place?.value !== undefined || (place === null && (count ?? 0) > MOST_SORTED))) {
    return walkValues(stored, rulesetIds, filter, byValue, { limit, place })
  }
  if (place?.value !== undefined) throw wrongPlace(after)
  const ids: number[] = []
  const started = performance.now()
  // Had the first page not found all of them in time, it would have been that of a walk.
  const isPatient = byValue !== null && place !== null
  let walk: MatchWalk | null = { limit: ROWS_AT_ONCE }
  while (walk && ids.length < MOST_SORTED && (isPatient || performance.now() - started < SORT_BUDGET_MS)) {
    const { results, next }: MatchesFound = await stored.search(rulesetIds, filter, walk)
    for (const { id } of results) ids.push(id)
    walk = next === null ? null : { limit: Math.min(ROWS_AT_ONCE, MOST_SORTED - ids.length), after: next }
  }
  const isComplete = walk === null
  if (!isComplete && byValue !== null && place === null) {
    return walkValues(stored, rulesetIds, filter, byValue, { limit, place })
  }
  const sorted = await stored.sort(ids, sort.by, sort.descending)
  const from = place?.at ?? 0
  const results = await stored.findByIds(sorted.slice(from, from + limit))
  return {
    results,
    next: from + limit < sorted.length ? `${from + limit}.${nameOf(sort)}` : null,
    complete: isComplete,
  }
}

interface Place {
  /** Of a sorted list, how many rows are before it; of a walk, the id behind which it goes on in the value. */
  readonly at: number
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

function wrongPlace(after = ''): Failure {
  const message = `${after} is no end of a page of this list; begin with the first page`
  return new Failure('parameter.out-of-range', `Parameter not in expected range: ${message}.`)
}

type ValueOrder = MatchSort & { readonly by: MatchValueKey }

/** Null where the order cannot be walked: a run is a list of its own, and rulesets that hold together are not taken apart. */
function valueOrderOf({ by, descending }: MatchSort, { run, together }: MatchConditions): ValueOrder | null {
  const key = matchValueKeys.find((each) => each === by)
  return key === undefined || run !== undefined || together ? null : { by: key, descending }
}

async function walkValues(
  stored: StoredMatches,
  rulesetIds: readonly number[],
  filter: MatchConditions,
  order: ValueOrder,
  { limit, place }: { readonly limit: number; readonly place: Place | null },
): Promise<SortedMatches> {
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
        return { results, next: next(PAST_ALL), complete: true }
      }
      hasLooked = true
      from = value.value
      const narrowed = narrow(order.by, value, filter)
      if (narrowed === null) continue
      const after = place?.value === value.value ? place.at : PAST_ALL
      const found = await stored.search(value.rulesetIds, narrowed, { limit: limit - results.length, after })
      results.push(...found.results)
      if (found.next !== null) return { results, next: next(found.next), complete: true }
    }
    if (values.length < VALUES_AT_ONCE) return { results, next: null, complete: true }
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
