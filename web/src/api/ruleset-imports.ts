import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { Static } from 'typebox'
import type { ImportShape } from '../../../src/http/contract/ruleset-imports.ts'
import { call } from './http.ts'

export type RulesetImport = Static<typeof ImportShape>
export type ImportedFile = RulesetImport['files'][number]

const LOOK_MS = 700
const busy: ReadonlySet<RulesetImport['phase']> = new Set(['reading', 'checking', 'saving'])

/** What the server makes rulesets of, by its name; it looks into archives itself. */
const USABLE = /\.(yar|yara|yr|rules?|zip|tar|tgz|tbz2?|txz|gz|bz2|xz|zst|7z)$/i

/** Sends files; those that cannot be rules stay here and are counted. */
export function useStartImport() {
  return useMutation({
    mutationFn: async (files: readonly { readonly file: File; readonly path: string }[]) => {
      const usable = files.filter(({ path }) => USABLE.test(path))
      if (usable.length === 0) {
        throw new Error('There is no YARA file (.yar, .yara, .yr, .rule, .rules) and no archive among these files.')
      }
      const form = new FormData()
      for (const { file, path } of usable) form.append('file', file, path)
      const { id } = await call<{ id: number }>('POST', '/api/ruleset-imports/', { form })
      return { id, leftOut: files.length - usable.length }
    },
  })
}

export function useImport(id: string) {
  return useQuery({
    queryKey: ['ruleset-import', id],
    queryFn: ({ signal }) => call<RulesetImport>('GET', `/api/ruleset-imports/${id}/`, { signal }),
    refetchInterval: ({ state: { data } }) => (data && busy.has(data.phase) ? LOOK_MS : false),
    retry: false,
  })
}

export function useSaveImport(id: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (leave_out: readonly string[]) =>
      call<RulesetImport>('POST', `/api/ruleset-imports/${id}/save/`, { json: { leave_out } }),
    onSuccess: (state) => queries.setQueryData(['ruleset-import', id], state),
  })
}
