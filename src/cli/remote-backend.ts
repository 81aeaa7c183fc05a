import { setTimeout as pause } from 'node:timers/promises'
import type { Static } from 'typebox'
import type { StoredPhase, StoredReport } from '../appliance/index.ts'
import { Failure } from '../errors/index.ts'
import type { ExplanationShape, HuntHitShape, HuntRulesShape, HuntShape } from '../http/index.ts'
import type { IndexStatistics } from '../segments/index.ts'
import type { ClientSettings } from '../settings/index.ts'
import { toIso } from '../store/index.ts'
import { ApiClient } from './api-client.ts'
import type {
  Backend,
  FoundFile,
  HuntHow,
  HuntNews,
  IndexMaintenance,
  Ingested,
  NamedDiagnostic,
  NamedLeftOut,
  NamedToken,
  NamedUser,
  RetentionPlace,
  RuleText,
  Saved,
  Sources,
  Users,
} from './backend.ts'
import { ProcessedWatch } from './processed-watch.ts'
import { remoteSources } from './remote-sources.ts'
import { remoteRetention } from './retention-places.ts'

/** Works through a running server's API. */
export class RemoteBackend implements Backend {
  readonly dataFolder = null
  readonly ingestsAtOnce = 8
  readonly users: Users
  readonly sources: Sources
  readonly index: IndexMaintenance
  readonly retention: RetentionPlace
  readonly #api: ApiClient
  readonly #processed: ProcessedWatch

  constructor(settings: ClientSettings) {
    this.#api = new ApiClient(settings)
    this.#processed = new ProcessedWatch(this.#api)
    this.users = usersOf(this.#api)
    this.sources = remoteSources(this.#api)
    this.index = indexOf(this.#api)
    this.retention = remoteRetention(this.#api)
  }

  async ingest({ source, name, folder, owner }: FoundFile, signal: AbortSignal): Promise<Ingested> {
    let size = 0
    const watch = () => {
      size = 0
      return (piece: Uint8Array) => {
        size += piece.length
      }
    }
    const { detail } = await this.#api.upload<{ detail: { sha256: string; known: boolean } }>('/api/submit/file/', {
      source,
      name,
      fields: { folder, owner },
      watch,
      signal,
    })
    return { ...detail, size, processed: this.#processed.until(detail.sha256) }
  }

  async saveRuleset(
    { name, content }: RuleText,
    { isCore, partial }: { readonly isCore: boolean; readonly partial: boolean },
  ): Promise<Saved> {
    if (isCore) {
      if (partial)
        throw new Failure('settings.invalid', '--partial is not for core rulesets of a server; leave it out.')
      const json = { name, content }
      const saved = await this.#api.request<CoreJson>('/api/rulesets/core/', { method: 'POST', json })
      return { ...saved, leftOut: [] }
    }
    // The answer to saving has no word of it.
    const isKnown = await this.#hasRuleset(name)
    const isNew = (revision: number) => (isKnown === null ? revision === 1 : !isKnown)
    try {
      const json = { name, content, ...(partial && { partial: 'true' }) }
      const { detail } = await this.#api.request<{ detail: SavedDetail }>('/api/yara/ruleset/', {
        method: 'POST',
        json,
      })
      return { ...detail, leftOut: detail.left_out ?? [], created: isNew(detail.revision), runs: true }
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'ruleset.cannot-run') throw error
      const { revision, diagnostics } = error.detail as unknown as SavedDetail
      return { created: isNew(revision), revision, diagnostics, leftOut: [], runs: false }
    }
  }

  /** Null where the server refuses to answer: the token may be for saving alone. */
  async #hasRuleset(name: string): Promise<boolean | null> {
    try {
      await this.#api.request(`/api/rulesets/${encodeURIComponent(name)}/`)
      return true
    } catch (error) {
      if (!(error instanceof Failure) || error.code === 'server.unreachable') throw error
      return error.code === 'ruleset.not-found' ? false : null
    }
  }

  async *hunt(
    texts: readonly RuleText[],
    { useIndex, partial, bound }: HuntHow,
    signal: AbortSignal,
  ): AsyncGenerator<HuntNews> {
    const json = {
      rules: texts.map(textOf),
      index: useIndex,
      partial,
      ...(bound && { most_read: bound.bytes, costly: bound.costly }),
    }
    const made = await this.#api.request<HuntJson>('/api/hunts/', { method: 'POST', json })
    const { id } = made
    try {
      const leftOut = await this.#leftOutOf(made, signal)
      let after = 0
      for (let wait = 20; ; wait = Math.min(wait * 1.5, 500)) {
        // The state before the hits: once it has ended, no more hits come.
        const hunt = await this.#api.request<HuntJson>(`/api/hunts/${id}/`, { signal })
        const progress = { ...hunt, scannedBytes: hunt.scanned_bytes, leftOut }
        for (;;) {
          const query = { after, limit: 1_000 }
          const page = await this.#api.request<HitsJson>(`/api/hunts/${id}/results/`, { query, signal })
          yield { ...progress, hits: page.results }
          after = page.results.at(-1)?.id ?? after
          if (page.next_after === null) break
        }
        if (hunt.state === 'failed') throw new Failure('hunt.failed', `The hunt failed: ${hunt.failure}.`)
        if (hunt.state === 'stopped') throw new Failure('hunt.failed', 'The hunt was cancelled at the server.')
        if (hunt.state === 'completed') return
        await pause(wait, undefined, { signal })
      }
    } finally {
      // A server that is gone keeps the hunt, and its owner finds it there.
      await this.#api.request(`/api/hunts/${id}/`, { method: 'DELETE' }).catch(() => undefined)
    }
  }

  /** A hunt's answer has the first of what does not run; its texts have all of it. */
  async #leftOutOf({ id, left_out = [], left_out_count = 0 }: HuntJson, signal: AbortSignal): Promise<NamedLeftOut[]> {
    if (left_out.length >= left_out_count) return [...left_out]
    const texts = await this.#api.request<HuntTexts>(`/api/hunts/${id}/rules/`, { signal })
    return namedLeftOut(texts.results)
  }

  async explain(texts: readonly RuleText[], partial: boolean) {
    const json = { rules: texts.map(textOf), partial }
    const explanation = await this.#api.request<ExplanationJson>('/api/hunts/explain/', { method: 'POST', json })
    const rules = explanation.texts.flatMap(({ name: ruleset, rules }) =>
      rules.map(({ name: rule, plan, unindexable, advice, weakest, expected }) => {
        return { ruleset, rule, plan, unindexable, advice, weakest, expected, corpus: explanation.corpus }
      }),
    )
    return { rules, leftOut: namedLeftOut(explanation.texts) }
  }

  check(
    each: number | 'quick',
    signal: AbortSignal,
    onProgress: (phase: StoredPhase, done: number, total: number) => void,
  ): Promise<StoredReport> {
    const query: Record<string, string | number> = each === 'quick' ? { quick: 'true' } : { each }
    return follow(this.#api, '/api/check/', query, signal, (done, total, phase) => onProgress(phase, done, total))
  }

  async close(): Promise<void> {
    this.#processed.close()
  }
}

interface CoreJson {
  readonly created: boolean
  readonly revision: number
  readonly runs: boolean
  readonly diagnostics: readonly NamedDiagnostic[]
}

interface SavedDetail {
  readonly revision: number
  readonly diagnostics: readonly NamedDiagnostic[]
  readonly left_out?: readonly NamedLeftOut[]
}

/** Of a server that leaves rules out, and of one that does not know of it. */
type HuntJson = Omit<Static<typeof HuntShape>, 'left_out' | 'left_out_count'> &
  Partial<Pick<Static<typeof HuntShape>, 'left_out' | 'left_out_count'>>

type HuntTexts = Static<typeof HuntRulesShape>

interface TextWithLeftOut {
  readonly name: string
  readonly left_out?: readonly Omit<NamedLeftOut, 'text'>[]
}

function namedLeftOut(texts: readonly TextWithLeftOut[]): NamedLeftOut[] {
  return texts.flatMap(({ name, left_out = [] }) => left_out.map((one) => ({ ...one, text: name })))
}

interface HitsJson {
  readonly next_after: number | null
  readonly results: readonly Static<typeof HuntHitShape>[]
}

type ExplanationJson = Static<typeof ExplanationShape>

function textOf({ name, content }: RuleText): RuleText {
  return { name, content }
}

function usersOf(api: ApiClient): Users {
  const at = (name: string) => `/api/users/${encodeURIComponent(name)}/`
  return {
    list: async () => {
      const { results } = await api.request<{ results: readonly UserJson[] }>('/api/users/')
      return results.map(({ last_used, ...user }) => ({ ...user, lastUsed: last_used }))
    },
    add: (user) => api.request('/api/users/', { method: 'POST', json: user }),
    setPassword: (name, password, current) =>
      api.request(`${at(name)}password/`, {
        method: 'POST',
        json: { password, ...(current !== undefined && { current }) },
      }),
    setDisabled: (name, disabled) => api.request(`${at(name)}disabled/`, { method: 'POST', json: { disabled } }),
    setRole: (name, role) => api.request(`${at(name)}role/`, { method: 'POST', json: { role } }),
    remove: (name) => api.request(at(name), { method: 'DELETE' }),
    tokens: async (name) => {
      const { results } = await api.request<{ results: readonly TokenJson[] }>(`${at(name)}tokens/`)
      return results.map(({ last_used, ...token }) => ({ ...token, lastUsed: last_used }))
    },
    createToken: async (name, { expires, ...token }) => {
      const json = { ...token, ...(expires !== undefined && { expires: toIso(expires) }) }
      return (await api.request<{ token: string }>(`${at(name)}tokens/`, { method: 'POST', json })).token
    },
    quota: (name) => api.request(`${at(name)}quota/`),
    setQuota: (name, json) =>
      api.request(`${at(name)}quota/`, json === null ? { method: 'DELETE' } : { method: 'POST', json }),
    revokeToken: (name, id) => api.request(`${at(name)}tokens/${id}/`, { method: 'DELETE' }),
  }
}

type UserJson = Omit<NamedUser, 'lastUsed'> & { readonly last_used: string | null }

type TokenJson = Omit<NamedToken, 'lastUsed'> & { readonly last_used: string | null }

/** Follows a long piece of work at the server, which an abort ends. */
async function follow<T>(
  api: ApiClient,
  path: string,
  query: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
  onProgress: (done: number, total: number, phase: StoredPhase) => void,
): Promise<T> {
  const news = api.lines<ProgressJson<T>>(path, { method: 'POST', query, signal })
  for await (const { phase = 'index', done = 0, total = 0, result, error } of news) {
    if (error !== undefined) throw new Failure('server.refused', `The server could not finish: ${error}`)
    if (result !== undefined) return result
    onProgress(done, total, phase)
  }
  throw new Failure('server.unreachable', 'The server stopped before the work was done; start it and try again.')
}

function indexOf(api: ApiClient): IndexMaintenance {
  return {
    build: (signal, onProgress) => follow(api, '/api/index/build/', {}, signal, onProgress),
    check: (each, signal, onProgress) => follow(api, '/api/index/check/', { each }, signal, onProgress),
    stats: async () => {
      const { sample_bytes, index_bytes, by_size, ...rest } = await api.request<StatisticsJson>('/api/index/')
      const bySize = by_size.map(({ up_to, ...size }) => ({ upTo: up_to, ...size }))
      return { ...rest, sampleBytes: sample_bytes, indexBytes: index_bytes, bySize }
    },
  }
}

/** One line of a long piece of work: how far it is, or how it ended. */
interface ProgressJson<T> {
  readonly phase?: StoredPhase
  readonly done?: number
  readonly total?: number
  readonly result?: T
  readonly error?: string
}

interface StatisticsJson extends Omit<IndexStatistics, 'sampleBytes' | 'indexBytes' | 'bySize'> {
  readonly sample_bytes: number
  readonly index_bytes: number
  readonly by_size: readonly {
    readonly up_to: number | null
    readonly segments: number
    readonly samples: number
    readonly bytes: number
  }[]
}
