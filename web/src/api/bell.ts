import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { FollowShape, ReadBody, UnreadShape } from '../../../src/http/contract/bell.ts'
import { call } from './http.ts'

export type Unread = Static<typeof UnreadShape>

const key = ['bell']
const LOOK_MS = 20_000

/** What is new for the user, wherever they have read it. */
export function useUnread() {
  return useQuery({
    queryKey: key,
    queryFn: ({ signal }) => call<Unread>('GET', '/api/bell/', { signal }),
    refetchInterval: LOOK_MS,
  })
}

export function useMarkRead() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (read: Static<typeof ReadBody>) => call<Unread>('POST', '/api/bell/read/', { json: read }),
    onSuccess: (unread) => queries.setQueryData(key, unread),
  })
}

type Follow = Static<typeof FollowShape>
const followOf = (name: string) => `/api/rulesets/${encodeURIComponent(name)}/follow/`

export function useFollow(name: string) {
  const queries = useQueryClient()
  const followKey = ['rulesets', 'follow', name]
  const state = useQuery({ queryKey: followKey, queryFn: () => call<Follow>('GET', followOf(name)) })
  const change = useMutation({
    mutationFn: (follows: boolean) => call<Follow>('PUT', followOf(name), { json: { follows } }),
    onSuccess: (follow) => {
      queries.setQueryData(followKey, follow)
      void queries.invalidateQueries({ queryKey: key })
    },
  })
  return { follows: state.data?.follows, change }
}
