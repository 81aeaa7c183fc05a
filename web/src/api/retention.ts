import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { RetentionBody, RetentionPreviewShape, RetentionShape } from '../../../src/http/contract/retention.ts'
import { call } from './http.ts'

export type Retention = Static<typeof RetentionShape>
export type RetentionChange = Static<typeof RetentionBody>
export type RetentionPreview = Static<typeof RetentionPreviewShape>

const key = ['retention']
const root = '/api/retention/'
/** While a run is under way. */
const OFTEN_MS = 1_000

export function useRetention() {
  return useQuery({
    queryKey: key,
    queryFn: () => call<Retention>('GET', root),
    refetchInterval: ({ state }) => (state.data?.last_run && state.data.last_run.ended === null ? OFTEN_MS : false),
  })
}

function useChange<Asked>(mutationFn: (asked: Asked) => Promise<Retention>) {
  const queries = useQueryClient()
  return useMutation({ mutationFn, onSuccess: (state) => queries.setQueryData(key, state) })
}

export const useSetRetention = () => useChange((json: RetentionChange) => call<Retention>('POST', root, { json }))

export const useRunRetention = () => useChange((_: null) => call<Retention>('POST', `${root}run/`, { json: {} }))

export const usePreviewRetention = () =>
  useMutation({
    mutationFn: (json: RetentionChange) => call<RetentionPreview>('POST', `${root}preview/`, { json }),
  })
