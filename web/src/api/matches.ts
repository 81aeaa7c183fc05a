import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { MatchSearchShape } from '../../../src/http/routes/match-search.ts'
import { addressOf, call, type Query, send } from './http.ts'
import { type Walked, walk } from './walks.ts'

type MatchPage = Static<typeof MatchSearchShape>
export type Match = MatchPage['results'][number]
export type ExportFormat = 'csv' | 'json' | 'hashes'

/** Filters as the API names them; what is empty is left out. */
export type MatchQuery = Query

const PAGE_SIZE = 100
const LOOK_MS = 3_000

interface Page extends Walked<Match, number> {
  /** Of all pages; null where nobody has counted. */
  readonly count: number | null
}

/**
 * Newest first. While only the first page is shown, and `isHeld` is not, new ones come in by themselves; further down, and
 * while somebody chooses rows, they would shift what is being looked at.
 */
export function useMatches(query: MatchQuery, isHeld = false) {
  return useInfiniteQuery({
    queryKey: ['matches', 'list', query],
    queryFn: async ({ pageParam, signal }): Promise<Page> => {
      let count: number | null = null
      const walked = await walk<Match, number>(pageParam, PAGE_SIZE, async (after, limit) => {
        const page = await call<MatchPage>('GET', '/api/matches/', { query: { ...query, after, limit }, signal })
        count = page.count
        return { rows: page.results, next: page.next_after }
      })
      return { ...walked, count }
    },
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (!isHeld && state.data?.pages.length === 1 ? LOOK_MS : false),
  })
}

/** Where all matches that fulfil the filter are downloaded from. */
export const exportAddress = (query: MatchQuery, format: ExportFormat): string =>
  addressOf('/api/matches/export/', { ...query, format })

export const exportChosen = (ids: readonly number[], format: ExportFormat): Promise<Response> =>
  send('POST', '/api/matches/export/', { json: { ids, format } })
