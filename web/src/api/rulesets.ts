import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type {
  BulkBody,
  BulkShape,
  Diagnosed,
  NotesBody,
  RevisionShape,
  RevisionsShape,
  RulesetListQuery,
  RulesetListShape,
  RulesetShape,
  RulesetTagsShape,
} from '../../../src/http/contract/rulesets.ts'
import { call, Refusal } from './http.ts'
import { mayWork, type SessionUser } from './session.ts'

export type Ruleset = Static<typeof RulesetShape>
export type RulesetStatus = Ruleset['status']
export type Revision = Static<typeof RevisionShape>
export type RevisionEntry = Static<typeof RevisionsShape>['results'][number]
/** A problem in a YARA text; `line` and `column` are from 1, the column in characters. */
export type Diagnostic = Static<typeof Diagnosed>

type ListQuery = Static<typeof RulesetListQuery>
export type RulesetQuery = Pick<ListQuery, 'type' | 'status' | 'source' | 'search' | 'order' | 'descending'> & {
  readonly tag?: string
  readonly page: number
  readonly pageSize: number
}

export type BulkAction = Static<typeof BulkBody>['action']
export type BulkOutcome = Static<typeof BulkShape>
export type Notes = Static<typeof NotesBody>

/** As the server decides it: core rulesets are nobody's, others their owner's and every administrator's. */
export const mayChange = (user: SessionUser, { owner, system_ruleset }: Ruleset): boolean =>
  !system_ruleset && mayWork(user) && (user.role === 'administrator' || owner === user.name)

/** The page of a ruleset: its name may hold any visible character but slashes. */
export const addressOfRuleset = (name: string): string => `/rulesets/${encodeURIComponent(name)}`

export function useRulesets({ page, pageSize, ...query }: RulesetQuery) {
  return useQuery({
    queryKey: ['rulesets', 'list', query, page, pageSize],
    queryFn: ({ signal }) =>
      call<Static<typeof RulesetListShape>>('GET', '/api/rulesets/', {
        query: { page, page_size: pageSize, ...query },
        signal,
      }),
    placeholderData: keepPreviousData,
  })
}

/** Of all rulesets that the filter shows, up to 10,000, in its order. */
export async function namesOfRulesets(query: Omit<RulesetQuery, 'page' | 'pageSize'>): Promise<string[]> {
  const { results } = await call<Static<typeof RulesetListShape>>('GET', '/api/rulesets/', { query })
  return results.map(({ name }) => name)
}

/** All tags that rulesets have. */
export function useRulesetTags() {
  return useQuery({
    queryKey: ['rulesets', 'tags'],
    queryFn: ({ signal }) => call<Static<typeof RulesetTagsShape>>('GET', '/api/ruleset-tags/', { signal }),
  })
}

/** One change of many, in one request; what could not be changed is named in the answer. */
export function useChangeRulesets() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (json: Static<typeof BulkBody>) => call<BulkOutcome>('POST', '/api/rulesets/bulk/', { json }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['rulesets'] }),
  })
}

export function useSetNotes(name: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (json: Notes) => call<Ruleset>('PUT', `/api/rulesets/${encodeURIComponent(name)}/notes/`, { json }),
    onSettled: () => queries.invalidateQueries({ queryKey: ['rulesets'] }),
  })
}

export function useRuleset(name: string) {
  return useQuery({
    queryKey: ['rulesets', 'one', name],
    queryFn: () => call<Ruleset>('GET', `/api/rulesets/${encodeURIComponent(name)}/`),
  })
}

export function useRevisions(name: string) {
  return useQuery({
    queryKey: ['rulesets', 'revisions', name],
    queryFn: () => call<Static<typeof RevisionsShape>>('GET', `/api/rulesets/${encodeURIComponent(name)}/revisions/`),
  })
}

/** A revision never changes, so it is asked for once. */
export function useRevision(name: string, number: number | undefined) {
  return useQuery({
    queryKey: ['revision', name, number],
    queryFn: () => call<Revision>('GET', `/api/rulesets/${encodeURIComponent(name)}/revisions/${number}/`),
    enabled: number !== undefined && number > 0,
    // While the revision that was just saved is on its way, the one before it stays.
    placeholderData: (before, query) => (query?.queryKey[1] === name ? before : undefined),
    staleTime: Number.POSITIVE_INFINITY,
  })
}

export interface ToSave {
  readonly name: string
  readonly content: string
  /** The revision that the text was made of, 0 for a new ruleset: refused when another one is current by now. */
  readonly replaces: number
  /** The cloud is to run it too; without it, it leaves the cloud. */
  readonly isForCloud: boolean
  /** Where some rules do not compile, the others run. */
  readonly isPartial: boolean
}

export interface Saved {
  readonly revision: number
  /** False when it was stored but does not compile. */
  readonly runs: boolean
  readonly diagnostics: readonly Diagnostic[]
  /** Rules that do not run although the others do. */
  readonly left_out?: readonly { readonly name: string; readonly reason: string }[]
  /** Why a ruleset that is for the cloud is not there yet. */
  readonly note?: string
}

/** Which rules of a saved text do not run, in a sentence; empty where all do. */
export function leftOutWords({ left_out = [] }: Saved): string {
  if (left_out.length === 0) return ''
  const [first, ...others] = left_out.map(({ name }) => name)
  return `Left out, since they do not compile: ${first}${others.length > 0 ? ` and ${others.length} more` : ''}.`
}

/** Makes or changes a ruleset. A text that does not compile is stored too: see `runs`. */
export function useSaveRuleset() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: async ({ isForCloud, isPartial, ...ruleset }: ToSave): Promise<Saved> => {
      try {
        const json = { ...ruleset, ...(isForCloud && { ticloud: 'true' }), ...(isPartial && { partial: 'true' }) }
        const { detail } = await call<{ detail: Omit<Saved, 'runs'> }>('POST', '/api/yara/ruleset/', { json })
        return { ...detail, runs: true }
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'ruleset.cannot-run') throw error
        return { ...(error.detail as unknown as Omit<Saved, 'runs'>), runs: false }
      }
    },
    // Also after a refusal: the ruleset may not be what the page shows.
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ['cloud'] })
      return queries.invalidateQueries({ queryKey: ['rulesets'] })
    },
  })
}

export function useDeleteRuleset() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (name: string) => call('DELETE', '/api/yara/ruleset/', { json: { name } }),
    onSuccess: (_, name) => {
      queries.removeQueries({ queryKey: ['rulesets', 'one', name] })
      queries.removeQueries({ queryKey: ['revision', name] })
      return queries.invalidateQueries({ queryKey: ['rulesets', 'list'] })
    },
  })
}

/** Enables or disables; the switch shows it at once, and goes back when the server refuses. */
export function useSwitchRuleset() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: ({ name, enabled }: { readonly name: string; readonly enabled: boolean }) =>
      call('POST', `/api/yara/ruleset/${enabled ? 'enable' : 'disable'}/`, { json: { name } }),
    onMutate: ({ name, enabled }) => {
      const switched = (ruleset: Ruleset) => (ruleset.name === name ? { ...ruleset, enabled } : ruleset)
      queries.setQueriesData<Static<typeof RulesetListShape>>(
        { queryKey: ['rulesets', 'list'] },
        (list) => list && { ...list, results: list.results.map(switched) },
      )
      queries.setQueryData<Ruleset>(['rulesets', 'one', name], (ruleset) => ruleset && switched(ruleset))
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['rulesets'] }),
  })
}
