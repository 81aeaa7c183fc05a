import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { AppliancesShape, SharedRulesetsShape, SharedTextsShape } from '../../../src/http/contract/sharing.ts'
import { call } from './http.ts'
import { useSession } from './session.ts'

export type Sharing = Static<typeof SharedRulesetsShape>
export type SharedRuleset = Sharing['results'][number]
export type Appliances = Static<typeof AppliancesShape>
export type Appliance = Appliances['results'][number]

const sharingKey = ['sharing']
const appliancesKey = ['appliances']
const OFTEN_MS = 5_000

/** Of a server that is an appliance. */
export function useSharing() {
  const isAppliance = useSession().data?.parts.includes('appliance') === true
  return useQuery({
    enabled: isAppliance,
    queryKey: [...sharingKey, 'list'],
    queryFn: () => call<Sharing>('GET', '/api/shared-rulesets/'),
    refetchInterval: ({ state }) => (state.data?.member ? OFTEN_MS : false),
    staleTime: OFTEN_MS,
  })
}

export function useSharedRuleset(name: string) {
  return useQuery({
    queryKey: [...sharingKey, 'one', name],
    queryFn: () => call<Static<typeof SharedTextsShape>>('GET', `/api/shared-rulesets/${encodeURIComponent(name)}/`),
    refetchInterval: OFTEN_MS,
  })
}

export function useIsManager(): boolean {
  return useSession().data?.parts.includes('manager') === true
}

/** Of a server that is a manager. */
export function useAppliances() {
  const isManager = useIsManager()
  return useQuery({
    enabled: isManager,
    queryKey: appliancesKey,
    queryFn: () => call<Appliances>('GET', '/api/appliances/'),
    refetchInterval: OFTEN_MS,
  })
}

function useChange<Asked, Answer>(mutationFn: (asked: Asked) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn,
    onSettled: () =>
      Promise.all([sharingKey, appliancesKey, ['rulesets']].map((queryKey) => queries.invalidateQueries({ queryKey }))),
  })
}

interface Said {
  readonly message: string
}

export const usePublish = () =>
  useChange((name: string) => call<Said>('POST', `/api/yara/publish/ruleset/${encodeURIComponent(name)}/`))

export const usePublishAll = () => useChange(() => call<Said>('POST', '/api/yara/publish/all/'))

export const useResolve = () =>
  useChange(
    ({ name, keep, sequence }: { readonly name: string; readonly keep: 'own' | 'shared'; readonly sequence: number }) =>
      call('POST', `/api/shared-rulesets/${encodeURIComponent(name)}/resolve/`, { json: { keep, sequence } }),
  )

export const useAddAppliance = () =>
  useChange((name: string) => call<{ name: string; token: string }>('POST', '/api/appliances/', { json: { name } }))

export const useRenewToken = () =>
  useChange((name: string) =>
    call<{ name: string; token: string }>('POST', `/api/appliances/${encodeURIComponent(name)}/token/`),
  )

export const useSwitchAppliance = () =>
  useChange(({ name, enabled }: { readonly name: string; readonly enabled: boolean }) =>
    call('POST', `/api/appliances/${encodeURIComponent(name)}/${enabled ? 'enable' : 'disable'}/`),
  )

export const useRemoveAppliance = () =>
  useChange((name: string) => call('DELETE', `/api/appliances/${encodeURIComponent(name)}/`))
