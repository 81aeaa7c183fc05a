/** Retention of a data folder here, and of a running server. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Appliance } from '../appliance/index.ts'
import { changeInWords } from '../retention/index.ts'
import { toIso } from '../store/index.ts'
import type { ApiClient } from './api-client.ts'
import type { NamedPolicy, NamedRetentionCounts, NamedSample, RetentionPlace } from './backend.ts'

export function localRetention(
  { retention }: Appliance,
  record: (operation: string, ...subjects: readonly string[]) => Promise<void>,
): RetentionPlace {
  const policy = async (): Promise<NamedPolicy> => {
    const { maxBytes, keepMatched, ...rest } = await retention.policy()
    return { ...rest, max_bytes: maxBytes, keep_matched: keepMatched }
  }
  return {
    policy,
    async change(change) {
      const { max_bytes, keep_matched, ...rest } = { ...(await policy()), ...change }
      await retention.setPolicy({ ...rest, maxBytes: max_bytes, keepMatched: keep_matched })
      await record('setRetention', ...changeInWords(change))
    },
    async preview() {
      const { examples, ...counts } = await retention.preview(await retention.policy(), new AbortController().signal)
      return {
        ...counts,
        examples: examples.map(({ sha256, name, size, lastSeen }) => ({
          sha256,
          name,
          size,
          last_seen: toIso(lastSeen),
        })),
      }
    },
    async run(signal) {
      await retention.begin()
      await record('runRetention')
      const end = () => void retention.stop()
      signal.addEventListener('abort', end)
      await retention.idle().finally(() => signal.removeEventListener('abort', end))
      signal.throwIfAborted()
      const { samples = 0, bytes = 0, kept = nothingKept, problem = null } = retention.last ?? {}
      return { samples, bytes, kept, problem }
    },
  }
}

const nothingKept = { matched: 0, chosen: 0, busy: 0 }
const ASK_MS = 500

export function remoteRetention(api: ApiClient): RetentionPlace {
  const state = (signal?: AbortSignal) => api.request<StateJson>('/api/retention/', signal ? { signal } : {})
  return {
    async policy() {
      const { last_run: _, ...policy } = await state()
      return policy
    },
    async change(json) {
      await api.request('/api/retention/', { method: 'POST', json })
    },
    async preview() {
      const { last_run: _, ...json } = await state()
      return api.request<NamedRetentionCounts & { complete: boolean; examples: NamedSample[] }>(
        '/api/retention/preview/',
        { method: 'POST', json },
      )
    },
    async run(signal) {
      let run = (await api.request<StateJson>('/api/retention/run/', { method: 'POST', signal })).last_run
      while (run === null || run.ended === null) {
        await pause(ASK_MS, undefined, { signal })
        run = (await state(signal)).last_run
      }
      return run
    },
  }
}

interface StateJson extends NamedPolicy {
  readonly last_run: (NamedRetentionCounts & { readonly ended: string | null; readonly problem: string | null }) | null
}
