import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { FoundShape } from '../../../src/http/contract/search.ts'
import { call } from './http.ts'

export type Found = Static<typeof FoundShape>

/** What one search over everything finds; what was found before stays until then. */
export function useFound(text: string) {
  return useQuery({
    queryKey: ['search', text],
    queryFn: ({ signal }) => call<Found>('POST', '/api/search/', { json: { text }, signal }),
    enabled: text !== '',
    placeholderData: keepPreviousData,
    staleTime: 10_000,
    gcTime: 60_000,
  })
}
