/** Samples by what they are: filters and queries become one condition, which the store answers. */
import { Failure } from '../errors/index.ts'
import type { Condition } from '../query/index.ts'
import type { Counted, SampleOrder, SamplePlace, SampleSearch } from '../store/index.ts'
import { parseHash } from './hash.ts'
import type { SampleFilter } from './sample.ts'

/** What one answer may take; it is passed only by the step that is under way. */
const BUDGET_MS = 250

const newestFirst: SampleOrder = { by: 'lastSeen', ascending: false }

export interface SamplesPage {
  readonly ids: readonly number[]
  readonly next: string | null
}

/**
 * Samples that fulfil the filter, up to `limit`. A page may be short or empty although `next` is there: then the time
 * was over, and `next`, given as `after`, goes on.
 */
export async function searchSamples(
  store: SampleSearch,
  filter: SampleFilter,
  { limit, after }: { readonly limit: number; readonly after?: string },
): Promise<SamplesPage> {
  const { found, next } = await store.find(conditionOf(filter), {
    limit,
    after: after === undefined ? null : readToken(after),
    order: newestFirst,
    budgetMs: BUDGET_MS,
  })
  return { ids: found.map(({ id }) => id), next: next && `${next.at}.${next.id}` }
}

/** How many samples fulfil the filter; see `Counted`. */
export async function countFound(store: SampleSearch, filter: SampleFilter): Promise<Counted> {
  return store.count(conditionOf(filter))
}

/** Null for every sample. */
function conditionOf({ query, text, fileTypes, classifications, tag, from, to }: SampleFilter): Condition | null {
  const of: Condition[] = query ? [query] : []
  if (text) of.push(textCondition(text))
  if (fileTypes) of.push(any(fileTypes.map((type) => exactly('type', type))))
  if (classifications) of.push(any(classifications.map((is) => ({ kind: 'classification', is }))))
  if (tag !== undefined) of.push(exactly('tag', tag))
  if (from !== undefined || to !== undefined) {
    of.push({ kind: 'number', field: 'lastseen', bounds: { from: from ?? null, to: to ?? null } })
  }
  return of.length === 0 ? null : { kind: 'all', of }
}

const any = (of: readonly Condition[]): Condition => ({ kind: 'any', of })

const exactly = (field: 'type' | 'tag', text: string): Condition => ({ kind: 'text', field, pattern: [text] })

/** A hash of any kind, or a part of the name that it was last seen under. */
function textCondition(text: string): Condition {
  try {
    const { kind, hex } = parseHash(text)
    return { kind: 'hash', of: kind, digits: hex }
  } catch {
    const many = { wildcard: 'many' } as const
    return { kind: 'text', field: 'latestname', pattern: [many, text, many] }
  }
}

function readToken(token: string): SamplePlace {
  const found = /^(\d{1,16})\.(\d{1,16})$/.exec(token)
  if (!found)
    throw new Failure(
      'parameter.out-of-range',
      'Parameter not in expected range: after must be `next` of an earlier page.',
    )
  return { at: Number(found[1]), id: Number(found[2]) }
}
