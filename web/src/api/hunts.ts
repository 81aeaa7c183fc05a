import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type {
  ExplanationShape,
  HuntComparisonShape,
  HuntHitShape,
  HuntRulesShape,
  HuntShape,
  SelectedShape,
  SelectionShape,
} from '../../../src/http/contract/hunts.ts'
import { call, Refusal, send, Unreachable } from './http.ts'
import { readEvents } from './server-events.ts'

export type Hunt = Static<typeof HuntShape>
export type HuntHit = Static<typeof HuntHitShape>
export type HuntComparison = Static<typeof HuntComparisonShape>
export type Selected = Static<typeof SelectedShape>
export type Selection = Static<typeof SelectionShape>
export type Explanation = Static<typeof ExplanationShape>

export interface HuntRequest {
  readonly rules: readonly { readonly name: string; readonly content: string }[]
  readonly title?: string
  readonly selection?: Selection
  readonly index?: boolean
  /** Bytes; the costliest rules are left out so that the hunt reads no more. */
  readonly most_read?: number
  readonly costly?: 'refuse' | 'leave-out'
  /** Where some rules do not compile, the others are hunted with. */
  readonly partial?: boolean
  /** The hunt that this one is compared with, as long as it is there. */
  readonly repeats?: number
}

interface Page<T> {
  readonly count: number
  readonly results: T[]
}

const RUNNING_LOOK_MS = 1_000
const SELECTION_LOOK_MS = 20_000

export const hasEnded = ({ state }: Pick<Hunt, 'state'>): boolean =>
  state === 'completed' || state === 'stopped' || state === 'failed'

/** How much of the corpus a selection has, asked again when samples have come or gone. */
export function useSelected(selection: Selection) {
  return useQuery({
    queryKey: ['samples', 'selected', selection],
    queryFn: ({ signal }) => call<Selected>('POST', '/api/hunts/selection/', { json: { selection }, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: SELECTION_LOOK_MS,
  })
}

export const startHunt = (asked: HuntRequest): Promise<Hunt> => call('POST', '/api/hunts/', { json: asked })
export const fetchHunt = (id: number): Promise<Hunt> => call('GET', `/api/hunts/${id}/`)
export const cancelHunt = (id: number): Promise<Hunt> => call('POST', `/api/hunts/${id}/cancel/`)
export const removeHunt = (id: number): Promise<null> => call('DELETE', `/api/hunts/${id}/`)

export function useHunts(asked: { readonly type: 'my' | 'all'; readonly page: number; readonly pageSize: number }) {
  const { type, page, pageSize } = asked
  return useQuery({
    queryKey: ['hunts', 'list', type, page, pageSize],
    queryFn: () => call<Page<Hunt>>('GET', '/api/hunts/', { query: { type, page, page_size: pageSize } }),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.data?.results.every(hasEnded) ? false : RUNNING_LOOK_MS),
  })
}

/** Looks again by itself until the hunt has ended. */
export function useHunt(id: number) {
  return useQuery({
    queryKey: ['hunts', 'one', id],
    queryFn: () => fetchHunt(id),
    refetchInterval: ({ state }) => (state.data && hasEnded(state.data) ? false : RUNNING_LOOK_MS),
  })
}

/** A hunt compared with the one before it, once it has ended; null for one that has none before it. */
export function useComparison({ id, repeats, state }: Hunt) {
  return useQuery({
    queryKey: ['hunts', 'comparison', id, repeats, state],
    queryFn: () => call<{ comparison: HuntComparison | null }>('GET', `/api/hunts/${id}/comparison/`),
    enabled: repeats !== null && hasEnded({ state }),
  })
}

/** The texts of a hunt, which never change. */
export function useHuntRules(id: number) {
  return useQuery({
    queryKey: ['hunt-rules', id],
    queryFn: () => call<Static<typeof HuntRulesShape>>('GET', `/api/hunts/${id}/rules/`),
    enabled: id > 0,
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** A page of results; `after` is the id of the last hit of the page before, 0 for the first. */
export function useHuntHits(
  id: number,
  { after, limit, onlyNew }: { readonly after: number; readonly limit: number; readonly onlyNew: boolean },
  { isRunning, isWanted = true }: { readonly isRunning: boolean; readonly isWanted?: boolean },
) {
  return useQuery({
    // Whether it runs is part of the key, so that the end of the hunt asks once more for what was found last.
    queryKey: ['hunts', 'hits', id, after, limit, onlyNew, isRunning],
    queryFn: () =>
      call<Page<HuntHit> & { next_after: number | null }>('GET', `/api/hunts/${id}/results/`, {
        query: { after, limit, new: onlyNew },
      }),
    enabled: isWanted,
    placeholderData: keepPreviousData,
    refetchInterval: isRunning ? RUNNING_LOOK_MS : false,
  })
}

export function useCancelHunt() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: cancelHunt,
    onSettled: () => queries.invalidateQueries({ queryKey: ['hunts'] }),
  })
}

export function useRepeatHunt() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (id: number) => call<Hunt>('POST', `/api/hunts/${id}/again/`),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['hunts', 'list'] }),
  })
}

export function useRenameHunt() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ id, title }: { readonly id: number; readonly title: string }) =>
      call<Hunt>('PATCH', `/api/hunts/${id}/`, { json: { title } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['hunts'] }),
  })
}

export function useRemoveHunt() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: removeHunt,
    onSuccess: (_, id) => {
      queries.removeQueries({ queryKey: ['hunts', 'one', id] })
      return queries.invalidateQueries({ queryKey: ['hunts', 'list'] })
    },
  })
}

/**
 * What hunting with a text over a part of the samples would read. Fails with the `Refusal` `rules.invalid` when it does not
 * compile.
 */
export const explain = (content: string, selection: Selection, signal: AbortSignal): Promise<Explanation> =>
  call('POST', '/api/hunts/explain/', { json: { rules: [{ name: 'text', content }], selection }, signal })

const CONNECT_AGAIN_MS = 1_000

/**
 * Follows a hunt until it has ended: `onProgress` with its state as it changes, `onHits` with each hit once. When the
 * server goes away it is asked again until it is back; a hunt survives that.
 */
export async function followHunt(
  id: number,
  {
    signal,
    onHits,
    onProgress,
  }: {
    readonly signal: AbortSignal
    readonly onHits: (hits: readonly HuntHit[]) => void
    readonly onProgress: (hunt: Hunt) => void
  },
): Promise<void> {
  let lastHit = 0
  while (!signal.aborted) {
    try {
      const { body } = await send('GET', `/api/hunts/${id}/events/`, { signal })
      for await (const { name, data } of readEvents(body)) {
        if (name === 'hits') {
          // A new connection tells everything from the beginning.
          const fresh = (data as HuntHit[]).filter((hit) => hit.id > lastHit)
          lastHit = fresh.at(-1)?.id ?? lastHit
          if (fresh.length > 0) onHits(fresh)
        } else {
          onProgress(data as Hunt)
          if (name === 'end') return
        }
      }
    } catch (error) {
      if (signal.aborted) return
      const mayPass =
        error instanceof Unreachable || error instanceof TypeError || (error instanceof Refusal && error.status >= 500)
      if (!mayPass) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, CONNECT_AGAIN_MS))
  }
}
