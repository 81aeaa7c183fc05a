import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { CloudStatusShape } from '../../../src/http/contract/retro.ts'
import { call, Refusal } from './http.ts'

/** How a ruleset stands with the cloud. */
export type CloudStatus = Static<typeof CloudStatusShape>

const MOVING_LOOK_MS = 1_000
const RESTING_LOOK_MS = 15_000

/** Up to when the cloud's matches are fetched; null for an appliance without a cloud. */
export function useCloudTime() {
  return useQuery({
    queryKey: ['cloud', 'time'],
    queryFn: async () => {
      try {
        return (await call<{ detail: { time: string } }>('GET', '/api/yara/ticloud/time/')).detail.time
      } catch (error) {
        if (error instanceof Refusal && error.status === 405) return null
        throw error
      }
    },
    staleTime: 60_000,
    refetchInterval: ({ state }) => (state.data ? RESTING_LOOK_MS : false),
  })
}

/** Fetches the cloud's matches from a second since 1970 on, also those that were fetched before. */
export function useMoveCloudTime() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (second: number) => call('POST', '/api/yara/ticloud/time/', { json: { time: String(second) } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['cloud', 'time'] }),
  })
}

/** The server shall run it in the cloud: it does, it is on its way there, or something stands in the way. */
export const isWanted = ({ cloud_status }: CloudStatus): boolean =>
  cloud_status !== 'DISABLED' && cloud_status !== 'DELETED'

export const isMoving = ({ cloud_status, retrohunt_status }: CloudStatus): boolean =>
  cloud_status === 'PENDING' || retrohunt_status === 'VALIDATING' || retrohunt_status === 'RUNNING'

const addressOfHunt = (name: string) => `/api/yara/ruleset/${encodeURIComponent(name)}/cloud-retro-hunt/`

/** Looks again by itself, often while something is under way. Asks nothing while there is no cloud. */
export function useCloudStatus(name: string) {
  const isConnected = typeof useCloudTime().data === 'string'
  return useQuery({
    queryKey: ['cloud', 'standing', name],
    queryFn: async () => (await call<{ status: CloudStatus }>('GET', addressOfHunt(name))).status,
    enabled: isConnected && name !== '',
    refetchInterval: ({ state }) => (state.data && isMoving(state.data) ? MOVING_LOOK_MS : RESTING_LOOK_MS),
  })
}

export type CloudOperation = 'START' | 'STOP' | 'CLEAR'

export function useCloudOperation(name: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (operation: CloudOperation) => call('POST', addressOfHunt(name), { json: { operation } }),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ['cloud'] })
      void queries.invalidateQueries({ queryKey: ['matches'] })
    },
  })
}
