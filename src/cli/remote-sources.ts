/** Rule sources of a running server. */
import { setTimeout as pause } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'
import type { ApiClient } from './api-client.ts'
import type { NamedSource, SourcePreview, Sources, SyncResult } from './backend.ts'

const preferences = { manual: 0, update: 1, import: 2 } as const

export function remoteSources(api: ApiClient): Sources {
  const at = (id: number) => `/api/rule-sources/${id}/`
  return {
    list: async () => (await api.request<{ results: readonly NamedSource[] }>('/api/rule-sources/')).results,

    async add({ url, name, branch, token, mode, deletes }) {
      const json = {
        url,
        name,
        source_branch: branch,
        api_token: token,
        import_update_preferences: preferences[mode],
        removed_upstream: deletes ? 'delete' : 'disable',
      }
      const { id } = await api.request<{ id: number }>('/api/yara/repositories/', { method: 'POST', json })
      return api.request<NamedSource>(at(id))
    },

    async preview(id) {
      const { run } = await api.request<Started>(`${at(id)}preview/`, { method: 'POST', json: {} })
      const latest = await untilEnded(run, () =>
        api.request<PreviewJson>(`${at(id)}preview/`).catch((error: unknown) => {
          if (error instanceof Failure && error.code === 'source.not-found') return null
          throw error
        }),
      )
      if (latest.problem !== null || latest.version === null) throw new Failure('source.failed', latest.problem ?? '')
      const files = latest.files.map(({ broad_rules, ...file }) => ({ ...file, broadRules: broad_rules }))
      return { ...latest, version: latest.version, files }
    },

    async synchronize(id, overwrite) {
      const { run } = await api.request<Started>(`${at(id)}sync/`, {
        method: 'POST',
        query: { overwrite: String(overwrite) },
      })
      const { outcome, problem } = await untilEnded(run, async () => (await api.request<SourceJson>(at(id))).last_run)
      if (outcome === null) throw new Failure('source.failed', problem ?? 'It was stopped.')
      return outcome
    },

    remove: (id, withRulesets) =>
      api.request(`/api/yara/repositories/${id}/`, {
        method: 'DELETE',
        query: { shouldRemoveRulesets: withRulesets ? 'True' : 'False' },
      }),
  }
}

interface Started {
  readonly run: number
}

interface SourceJson {
  readonly last_run: {
    readonly run: number
    readonly problem: string | null
    readonly outcome: SyncResult | null
  } | null
}

interface PreviewJson extends Omit<SourcePreview, 'version' | 'files'> {
  readonly run: number
  readonly problem: string | null
  readonly version: string | null
  readonly files: readonly (Omit<SourcePreview['files'][number], 'broadRules'> & {
    readonly broad_rules: readonly string[]
  })[]
}

/** A server bounds how long a run takes. */
async function untilEnded<T extends Started>(run: number, look: () => Promise<T | null>): Promise<T> {
  for (let wait = 50; ; wait = Math.min(wait * 1.5, 2_000)) {
    const latest = await look()
    if (latest !== null && latest.run >= run) return latest
    await pause(wait)
  }
}
