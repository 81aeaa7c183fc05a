import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { AuditLogShape } from '../../../src/http/contract/audit.ts'
import { addressOf, call, type Query } from './http.ts'
import { atServer } from './root.ts'
import { walk } from './walks.ts'

type AuditPage = Static<typeof AuditLogShape>
export type AuditEntry = AuditPage['results'][number]

const PAGE_SIZE = 100

/** Newest first. */
export function useAuditLog(query: Query) {
  return useInfiniteQuery({
    queryKey: ['audit', query],
    queryFn: ({ pageParam, signal }) =>
      walk<AuditEntry, number>(pageParam, PAGE_SIZE, async (before, limit) => {
        const page = await call<AuditPage>('GET', '/api/audit/', { query: { ...query, before, limit }, signal })
        return { rows: page.results, next: page.next_before }
      }),
    initialPageParam: null as number | null,
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
  })
}

/** Where all that fulfil the filter are downloaded. */
export const addressOfAuditExport = (query: Query): string =>
  atServer(addressOf('/api/audit/export/', { ...query, format: 'csv' }))
