import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type {
  PreviewShape,
  RepositoryShape,
  RuleSourceFilesShape,
  RuleSourceShape,
  RuleSourcesShape,
} from '../../../src/http/contract/rule-sources.ts'
import { call, Refusal } from './http.ts'
import type { SessionUser } from './session.ts'

export type RuleSource = Static<typeof RuleSourceShape>
export type RuleSourceFile = Static<typeof RuleSourceFilesShape>['results'][number]
export type Preview = Static<typeof PreviewShape>
export type PreviewedFile = Preview['files'][number]

const key = ['rule-sources']
/** While something goes on. */
const OFTEN_MS = 1_000
const SELDOM_MS = 30_000

/** As the server decides it. */
export const mayManage = (user: SessionUser, { owner }: RuleSource): boolean =>
  user.role === 'administrator' || owner === user.name

const isBusy = ({ activity, state }: RuleSource): boolean => activity !== null || state === 'waiting'

export function useRuleSources() {
  return useQuery({
    queryKey: [...key, 'list'],
    queryFn: () => call<Static<typeof RuleSourcesShape>>('GET', '/api/rule-sources/'),
    refetchInterval: ({ state }) => (state.data?.results.some(isBusy) ? OFTEN_MS : SELDOM_MS),
  })
}

export function useRuleSource(id: number) {
  return useQuery({
    queryKey: [...key, 'one', id],
    queryFn: () => call<RuleSource>('GET', `/api/rule-sources/${id}/`),
    refetchInterval: ({ state }) => (state.data && isBusy(state.data) ? OFTEN_MS : SELDOM_MS),
  })
}

/** `version` and `run` are what the source had when it was asked for: its files are asked for anew when they change. */
export function useRuleSourceFiles(id: number, run: number | undefined) {
  return useQuery({
    queryKey: [...key, 'files', id, run],
    queryFn: () => call<Static<typeof RuleSourceFilesShape>>('GET', `/api/rule-sources/${id}/files/`),
    placeholderData: (before) => before,
  })
}

/** The latest preview; null while there is none. */
export function usePreview(id: number, { isUnderWay, isAwaited }: { isUnderWay: boolean; isAwaited: boolean }) {
  return useQuery({
    queryKey: [...key, 'preview', id, isUnderWay],
    queryFn: async () => {
      try {
        return await call<Preview>('GET', `/api/rule-sources/${id}/preview/`)
      } catch (error) {
        if (error instanceof Refusal && error.code === 'source.not-found') return null
        throw error
      }
    },
    enabled: !isUnderWay,
    placeholderData: (before) => before,
    // It may have been asked for between its request and its end, and a short one is never seen under way.
    staleTime: 0,
    refetchInterval: ({ state }) => (isAwaited && !state.data ? 1_000 : false),
  })
}

export interface NewSource {
  readonly url: string
  readonly name: string
  readonly source_branch: string
  readonly api_token: string
  readonly import_update_preferences: number
}

function useChange<Asked, Answer>(mutationFn: (asked: Asked) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({ mutationFn, onSettled: () => queries.invalidateQueries({ queryKey: key }) })
}

export const useAddSource = () =>
  useChange((json: NewSource) => call<Static<typeof RepositoryShape>>('POST', '/api/yara/repositories/', { json }))

export const useStartPreview = () =>
  useChange((id: number) => call<{ run: number }>('POST', `/api/rule-sources/${id}/preview/`, { json: {} }))

export const useSynchronize = () =>
  useChange(({ id, overwrite = false }: { readonly id: number; readonly overwrite?: boolean }) =>
    call<{ run: number }>('POST', `/api/rule-sources/${id}/sync/`, { query: { overwrite: overwrite ? 'true' : null } }),
  )

export const useRemoveSource = () =>
  useChange(({ id, withRulesets }: { readonly id: number; readonly withRulesets: boolean }) =>
    call('DELETE', `/api/yara/repositories/${id}/`, {
      query: { shouldRemoveRulesets: withRulesets ? 'True' : 'False' },
    }),
  )
