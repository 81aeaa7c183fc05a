import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { MatchSearchShape } from '../../../src/http/contract/matches.ts'
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
  let after: number | null = null
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
