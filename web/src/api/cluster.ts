import { useQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { ClusterShape } from '../../../src/http/contract/cluster.ts'
import { call } from './http.ts'

export type Cluster = Static<typeof ClusterShape>

const LOOK_MS = 2_000

/** For administrators. */
export function useCluster() {
  return useQuery({
    queryKey: ['cluster'],
    queryFn: () => call<Cluster>('GET', '/api/cluster/'),
    refetchInterval: LOOK_MS,
  })
}
