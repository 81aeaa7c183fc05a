import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { RulesShape } from '../../../src/http/contract/rulesets.ts'
import { call } from './http.ts'

type Rules = Static<typeof RulesShape>
/** A rule of a ruleset, with its matches. */
export type Rule = Rules['results'][number]

const addressOfRules = (ruleset: string) => `/api/rulesets/${encodeURIComponent(ruleset)}/rules/`

export function useRules(ruleset: string) {
  return useQuery({
    queryKey: ['rulesets', 'rules', ruleset],
    queryFn: ({ signal }) => call<Rules>('GET', addressOfRules(ruleset), { signal }),
  })
}

/** Enables or disables single rules; the list shows it at once, and goes back when the server refuses. */
export function useSwitchRules(ruleset: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ rules, enabled }: { readonly rules: readonly string[]; readonly enabled: boolean }) =>
      call<Rules>('POST', `${addressOfRules(ruleset)}${enabled ? 'enable' : 'disable'}/`, { json: { rules } }),
    onMutate: ({ rules, enabled }) => {
      queries.setQueryData<Rules>(
        ['rulesets', 'rules', ruleset],
        (list) =>
          list && {
            ...list,
            results: list.results.map((rule) => (rules.includes(rule.name) ? { ...rule, enabled } : rule)),
          },
      )
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['rulesets'] }),
  })
}
