import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { AllowListShape } from '../../../src/http/contract/rulesets.ts'
import { call } from './http.ts'

type AllowList = Static<typeof AllowListShape>
export type AllowEntry = AllowList['results'][number]

/** What a rule of a ruleset is to report no matches of. */
export interface ToAllow extends Pick<AllowEntry, 'rule' | 'kind' | 'value'> {
  readonly ruleset: string
}

const addressOfList = (ruleset: string) => `/api/rulesets/${encodeURIComponent(ruleset)}/allowed/`

export function useAllowList(ruleset: string) {
  return useQuery({
    queryKey: ['rulesets', 'allowed', ruleset],
    queryFn: ({ signal }) => call<AllowList>('GET', addressOfList(ruleset), { signal }),
  })
}

const allowSample = ({ ruleset, ...entry }: ToAllow): Promise<AllowList> =>
  call<AllowList>('POST', addressOfList(ruleset), { json: entry })

export function useAllow() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: allowSample,
    onSettled: (_list, _error, { ruleset }) =>
      queries.invalidateQueries({ queryKey: ['rulesets', 'allowed', ruleset] }),
  })
}

/** One after the other; stops at the first that is refused. Resolves to how many were allowed. */
export function useAllowAll() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: async (entries: readonly ToAllow[]) => {
      for (const entry of entries) await allowSample(entry)
      return entries.length
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['rulesets', 'allowed'] }),
  })
}

export function useDisallow() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ ruleset, ...entry }: ToAllow) => call<AllowList>('DELETE', addressOfList(ruleset), { json: entry }),
    onSettled: (_list, _error, { ruleset }) =>
      queries.invalidateQueries({ queryKey: ['rulesets', 'allowed', ruleset] }),
  })
}
