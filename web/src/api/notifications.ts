import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type {
  ChannelBody,
  ChannelShape,
  ChannelsShape,
  DeliveriesShape,
  DeliveryShape,
  NewChannelShape,
} from '../../../src/http/contract/notifications.ts'
import { call } from './http.ts'

export type Channel = Static<typeof ChannelShape>
export type ChannelRequest = Static<typeof ChannelBody>
export type ChannelEvent = Channel['events'][number]
export type Delivery = Static<typeof DeliveryShape>

const key = ['notifications']
/** Messages are on their way while somebody looks. */
const OFTEN_MS = 3_000
const root = '/api/notifications/channels/'

export function useChannels() {
  return useQuery({
    queryKey: [...key, 'channels'],
    queryFn: () => call<Static<typeof ChannelsShape>>('GET', root),
    refetchInterval: OFTEN_MS,
  })
}

export function useDeliveries(channel: number) {
  return useInfiniteQuery({
    queryKey: [...key, 'deliveries', channel],
    initialPageParam: null as number | null,
    queryFn: async ({ pageParam }) => {
      const path = `${root}${channel}/deliveries/`
      const page = await call<Static<typeof DeliveriesShape>>('GET', path, { query: { before: pageParam } })
      return { rows: page.results, next: page.next_before }
    },
    getNextPageParam: ({ next }) => next,
    refetchInterval: OFTEN_MS,
  })
}

function useChange<Asked, Answer>(mutationFn: (asked: Asked) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({ mutationFn, onSettled: () => queries.invalidateQueries({ queryKey: key }) })
}

export const useAddChannel = () =>
  useChange((json: ChannelRequest) => call<Static<typeof NewChannelShape>>('POST', root, { json }))

export const useChangeChannel = () =>
  useChange(({ id, ...json }: ChannelRequest & { readonly id: number }) =>
    call<Channel>('PUT', `${root}${id}/`, { json }),
  )

export const useRemoveChannel = () => useChange((id: number) => call<null>('DELETE', `${root}${id}/`))

export const useTestChannel = () => useChange((id: number) => call<Delivery>('POST', `${root}${id}/test/`))

export const useRetryDelivery = () =>
  useChange(({ channel, id }: { readonly channel: number; readonly id: number }) =>
    call<{ message: string }>('POST', `${root}${channel}/deliveries/${id}/retry/`),
  )

/** The whole of a channel as a request that changes nothing of it. */
export function requestOf(channel: Channel): ChannelRequest {
  const { name, kind, address, events, rulesets, digest_minutes, daily_limit, muted_until } = channel
  return { name, kind, address, events, rulesets, digest_minutes, daily_limit, muted_until }
}
