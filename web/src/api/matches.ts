import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { MatchGroupsShape, MatchSearchShape } from '../../../src/http/contract/matches.ts'
import type { CountedShape } from '../../../src/http/contract/paging.ts'
import { addressOf, call, type Query, send } from './http.ts'
import { atServer } from './root.ts'
import { type Walked, walk } from './walks.ts'

type MatchPage = Static<typeof MatchSearchShape>
export type Match = MatchPage['results'][number]
export type ExportFormat = 'csv' | 'json' | 'hashes' | 'stix' | 'misp'

/** Filters as the API names them; what is empty is left out. */
export type MatchQuery = Query

const PAGE_SIZE = 100
const LATER_PAGE_SIZE = 500
const LOOK_MS = 3_000
/** Groups are counted, each by itself. */
const GROUPS_LOOK_MS = 10_000
/** Answers that are waited for, of a list that is looked at again and again. */
const RULES_PATIENCE = 3

/** Where a list goes on: the id of a match, or a text in another order than that of time. */
type Place = number | string

interface Page extends Walked<Match, Place> {
  /** Of all pages; null where nobody has counted. */
  readonly count: number | null
}

/** What the list is ordered by, as the API names it. */
export interface MatchOrder {
  readonly order: string
  readonly descending: boolean
}

export const newestFirst: MatchOrder = { order: 'recorded', descending: true }

type GroupPage = Static<typeof MatchGroupsShape>
/** The matches of one sample, or of one rule, with the newest of them. */
export type MatchGroup = GroupPage['results'][number]

/**
 * Newest first. While only the first page is shown, and `isHeld` is not, new ones come in by themselves; further down, and
 * while somebody chooses rows, they would shift what is being looked at.
 */
export function useMatches(
  query: MatchQuery,
  order: MatchOrder,
  { isHeld = false, isWanted = true }: { readonly isHeld?: boolean; readonly isWanted?: boolean } = {},
) {
  return useInfiniteQuery({
    queryKey: ['matches', 'list', query, order],
    enabled: isWanted,
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      let count: number | null = null
      // Whoever goes on scrolls through many.
      const size = pageParam === null ? PAGE_SIZE : LATER_PAGE_SIZE
      const walked = await walk<Match, Place>(pageParam, size, async (after, limit) => {
        const asked = { ...query, ...order, after, limit }
        const page = await call<MatchPage>('GET', '/api/matches/', { query: asked, signal })
        count = page.count
        return { rows: page.results, next: page.next_after }
      })
      return { ...walked, count }
    },
    initialPageParam: null as Place | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (!isHeld && state.data?.pages.length === 1 ? LOOK_MS : false),
  })
}

/** One row for each sample, or for each rule, the one with the newest match first. */
export function useMatchGroups(query: MatchQuery, by: 'sample' | 'rule') {
  return useInfiniteQuery({
    queryKey: ['matches', 'groups', query, by],
    queryFn: ({ pageParam, signal }) => walk(pageParam, PAGE_SIZE, groupsOf({ ...query, by }, signal)),
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? GROUPS_LOOK_MS : false),
  })
}

/** The rules that matched since the start of a day (UTC), up to `limit`, the one with the newest match first. */
export function useRulesSince(from: string, limit: number) {
  return useQuery({
    queryKey: ['matches', 'rules-since', from, limit],
    queryFn: ({ signal }) => walk(null, limit, groupsOf({ from, by: 'rule' }, signal), RULES_PATIENCE),
    refetchInterval: GROUPS_LOOK_MS,
  })
}

const groupsOf = (query: Query, signal: AbortSignal) => async (after: number | null, limit: number) => {
  const page = await call<GroupPage>('GET', '/api/matches/groups/', { query: { ...query, after, limit }, signal })
  return { rows: page.results, next: page.next_after }
}

/** How many there are; asked only where the list does not tell it. */
export function useMatchCount(query: MatchQuery, isWanted: boolean) {
  return useQuery({
    queryKey: ['matches', 'count', query],
    queryFn: ({ signal }) => call<Static<typeof CountedShape>>('GET', '/api/matches/count/', { query, signal }),
    enabled: isWanted,
  })
}

/** Matches that are chosen by a filter rather than one by one. */
export interface Gathered {
  readonly ids: readonly number[]
  /** Of their samples, each once. */
  readonly hashes: readonly string[]
  /** More matches fulfil the filter: these are the newest. */
  readonly isCutOff: boolean
}

/** What one request takes of ids and of hashes. */
export const MOST_GATHERED = 10_000

/** The matches that fulfil the filter, the newest of them where they are too many for one request. */
export async function gatherMatches(
  query: MatchQuery,
  { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (found: number) => void },
): Promise<Gathered> {
  const ids: number[] = []
  const hashes = new Set<string>()
  let after: Place | null = null
  do {
    const limit = Math.min(500, MOST_GATHERED - ids.length)
    const page: MatchPage = await call('GET', '/api/matches/', { query: { ...query, after, limit }, signal })
    for (const { id, sha1 } of page.results) {
      ids.push(id)
      hashes.add(sha1)
    }
    after = page.next_after
    onProgress(ids.length)
  } while (after !== null && ids.length < MOST_GATHERED)
  return { ids, hashes: [...hashes], isCutOff: after !== null }
}

/** Where all matches that fulfil the filter are downloaded from. */
export const exportAddress = (query: MatchQuery, format: ExportFormat): string =>
  atServer(addressOf('/api/matches/export/', { ...query, format }))

export const exportChosen = (ids: readonly number[], format: ExportFormat): Promise<Response> =>
  send('POST', '/api/matches/export/', { json: { ids, format } })
