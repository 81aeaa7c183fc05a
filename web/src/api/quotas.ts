import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { QuotaBody, QuotaShape } from '../../../src/http/contract/quotas.ts'
import { call } from './http.ts'

/** Null: no limit. `own`: it is not everybody's. */
export type Quota = Static<typeof QuotaShape>
export type Limits = Static<typeof QuotaBody>

const keyOf = (user: string) => ['quotas', user]
const addressOf = (user: string) => `/api/users/${encodeURIComponent(user)}/quota/`

export function useQuota(user: string) {
  return useQuery({ queryKey: keyOf(user), queryFn: () => call<Quota>('GET', addressOf(user)) })
}

/** Null takes the user's own quota away: everybody's counts. */
export function useSetQuota(user: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (limits: Limits | null) =>
      limits === null ? call<Quota>('DELETE', addressOf(user)) : call<Quota>('POST', addressOf(user), { json: limits }),
    onSuccess: (quota) => queries.setQueryData(keyOf(user), quota),
  })
}
