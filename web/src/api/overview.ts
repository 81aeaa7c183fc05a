import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type {
  ActivityQuery,
  ActivityShape,
  HealthShape,
  LimitsShape,
  OverviewShape,
} from '../../../src/http/contract/operation.ts'
import { call } from './http.ts'

export type Overview = Static<typeof OverviewShape>
export type Activity = Static<typeof ActivityShape>
export type Span = Static<typeof ActivityQuery>['span']
export type Health = Static<typeof HealthShape>

const LOOK_MS = 5_000

export function useOverview() {
  return useQuery({
    queryKey: ['overview', 'totals'],
    queryFn: () => call<Overview>('GET', '/api/overview/'),
    refetchInterval: LOOK_MS,
  })
}

export function useActivity(span: Span) {
  return useQuery({
    queryKey: ['overview', 'activity', span],
    queryFn: ({ signal }) => call<Activity>('GET', '/api/overview/activity/', { query: { span }, signal }),
    refetchInterval: 3 * LOOK_MS,
    placeholderData: keepPreviousData,
  })
}

export function useHealth() {
  return useQuery({
    queryKey: ['health'],
    queryFn: () => call<Health>('GET', '/api/health/'),
    refetchInterval: LOOK_MS,
  })
}

export function useLimits() {
  return useQuery({
    queryKey: ['limits'],
    queryFn: () => call<Static<typeof LimitsShape>>('GET', '/api/limits/'),
    staleTime: Number.POSITIVE_INFINITY,
  })
}
