import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { CountedShape } from '../../../src/http/contract/paging.ts'
import type {
  EntropyShape,
  MatchedStringsShape,
  SampleDetailsShape,
  SampleSearchShape,
} from '../../../src/http/contract/samples.ts'
import { call, type Query, send } from './http.ts'
import { type Walked, walk } from './walks.ts'

export type SampleDetails = Static<typeof SampleDetailsShape>
export type Sample = SampleDetails['sample']
export type Program = NonNullable<SampleDetails['program']>
export type MatchedStrings = Static<typeof MatchedStringsShape>
export type MatchedString = MatchedStrings['rules'][number]['strings'][number]
export type Entropy = Static<typeof EntropyShape>

/** `q` is a query in the language of the API, the others are its filters; what is empty is left out. */
export type SampleQuery = Readonly<Record<'q' | 'file_type' | 'classification' | 'tag' | 'from' | 'to', string>>

const PAGE_SIZE = 100

export function useSamples(query: SampleQuery) {
  return useInfiniteQuery({
    queryKey: ['samples', 'list', query],
    queryFn: ({ pageParam, signal }) =>
      walk<Sample, string>(pageParam, PAGE_SIZE, async (after, limit) => {
        const asked: Query = { ...filtersOf(query), after, limit }
        const { results, next } = await call<Static<typeof SampleSearchShape>>('GET', '/api/samples/', {
          query: asked,
          signal,
        })
        return { rows: results, next }
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }: Walked<Sample, string>) => next,
    placeholderData: keepPreviousData,
  })
}

const filtersOf = ({ q, ...filters }: SampleQuery): Query => ({ query: q, ...filters })

/** How many there are; asked only where the list does not tell it. */
export function useSampleCount(query: SampleQuery, isWanted: boolean) {
  return useQuery({
    queryKey: ['samples', 'count', query],
    queryFn: ({ signal }) =>
      call<Static<typeof CountedShape>>('GET', '/api/samples/count/', { query: filtersOf(query), signal }),
    enabled: isWanted,
  })
}

export function useFileTypes() {
  return useQuery({
    queryKey: ['samples', 'file-types'],
    queryFn: () => call<{ results: string[] }>('GET', '/api/samples/file-types/'),
    staleTime: 60_000,
  })
}

/** Looks again by itself until the sample is processed. */
export function useSample(hash: string) {
  return useQuery({
    queryKey: ['samples', 'one', hash],
    queryFn: () => call<SampleDetails>('GET', `/api/samples/${hash}/details/`),
    refetchInterval: ({ state }) => (state.data?.sample.processed === false ? 1_000 : false),
  })
}

/** Scans the sample with the ruleset again, since matches are stored without their strings. */
export function useStrings(hash: string, ruleset: string | null) {
  return useQuery({
    queryKey: ['strings', hash, ruleset],
    queryFn: ({ signal }) =>
      call<MatchedStrings>('GET', `/api/samples/${hash}/strings/`, { query: { ruleset }, signal }),
    enabled: ruleset !== null,
    staleTime: 60_000,
  })
}

export function useEntropy(hash: string, isStored: boolean) {
  return useQuery({
    queryKey: ['entropy', hash],
    queryFn: ({ signal }) => call<Entropy>('GET', `/api/samples/${hash}/entropy/`, { query: { slices: 480 }, signal }),
    enabled: isStored,
    staleTime: Number.POSITIVE_INFINITY,
  })
}

/** A content never changes, so a part of it is asked for once. */
export function useBytes(hash: string, offset: number, length: number) {
  return useQuery({
    queryKey: ['bytes', hash, offset, length],
    queryFn: async ({ signal }) => {
      const answer = await send('GET', `/api/samples/${hash}/bytes/`, { query: { offset, length }, signal })
      return new Uint8Array(await answer.arrayBuffer())
    },
    placeholderData: keepPreviousData,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
  })
}

export interface Verdict {
  /** Null: back to what the rules say. */
  readonly classification: 'goodware' | 'suspicious' | 'malicious' | null
  readonly threat_name?: string
}

interface Changed {
  readonly changed: number
}

/** What is done with samples changes lists of samples and of matches, counts and the overview. */
function useChange<Asked, Answer>(mutationFn: (asked: Asked) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn,
    // Not waited for: the rows that were acted on may be gone with it, and what stands on them with its own `onSuccess`.
    onSuccess: () => {
      for (const group of ['samples', 'matches', 'overview', 'rulesets']) {
        void queries.invalidateQueries({ queryKey: [group] })
      }
    },
  })
}

type Hashes = readonly string[]

export const useTagSamples = () =>
  useChange(
    (asked: { readonly hashes: Hashes; readonly add?: readonly string[]; readonly remove?: readonly string[] }) =>
      call<Changed>('POST', '/api/samples/selection/tags/', {
        json: { hash_values: asked.hashes, add: asked.add ?? [], remove: asked.remove ?? [] },
      }),
  )

export const useClassifySamples = () =>
  useChange(({ hashes, ...verdict }: Verdict & { readonly hashes: Hashes }) =>
    call<Changed>('POST', '/api/samples/selection/classification/', { json: { hash_values: hashes, ...verdict } }),
  )

export const useDeleteSamples = () =>
  useChange((hashes: Hashes) =>
    call<{ detail: { deleted: string[]; members: number } }>('POST', '/api/samples/v2/delete_bulk/', {
      json: { hash_values: hashes },
    }),
  )

/** Of every zip of samples. */
export const ZIP_PASSWORD = 'infected'

/** One zip with that password. */
export const packSamples = (hashes: Hashes): Promise<Response> =>
  send('POST', '/api/samples/selection/download/', { json: { hash_values: hashes } })

/** Which of these samples the pipeline has done with. */
export async function processedAmong(hashes: Hashes): Promise<Set<string>> {
  const { results } = await call<{ results: { hash_value: string; status: string }[] }>(
    'POST',
    '/api/samples/status/',
    {
      json: { hash_values: hashes },
    },
  )
  return new Set(results.filter(({ status }) => status === 'processed').map(({ hash_value }) => hash_value))
}

/** Unpacks an encrypted archive once more; what becomes of it is in its note. */
export function useUnpack(hash: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (password: string) => call('POST', `/api/samples/${hash}/unpack/`, { json: { password } }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ['samples'] }),
  })
}
