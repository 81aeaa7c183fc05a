import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { RetroRunShape, RetroRunsShape } from '../../../src/http/contract/retro.ts'
import { call } from './http.ts'

export type RetroRun = Static<typeof RetroRunShape>

const RUNNING_LOOK_MS = 400
const IDLE_LOOK_MS = 10_000

export const isRunning = ({ state }: Pick<RetroRun, 'state'>): boolean => state === 'STARTING' || state === 'RUNNING'

/** Newest first; looked at often while one runs, and now and then otherwise, since a colleague may start one. */
export function useRetroRuns() {
  return useQuery({
    queryKey: ['retro'],
    queryFn: () => call<Static<typeof RetroRunsShape>>('GET', '/api/local-retro/'),
    refetchInterval: ({ state }) => (state.data?.results.some(isRunning) ? RUNNING_LOOK_MS : IDLE_LOOK_MS),
  })
}

export function useRetroOperation() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (operation: 'START' | 'STOP') =>
      call('POST', '/api/uploads/local-retro-hunt/', { json: { operation } }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['retro'] }),
  })
}
