import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { cancelHunt, followHunt, type Hunt, type HuntHit, hasEnded, removeHunt, startHunt } from '../../api/hunts.ts'

export type TrialScope = 'everything' | 'goodware'

export interface Trial {
  readonly scope: TrialScope
  /** Null until the server has answered. */
  readonly hunt: Hunt | null
  /** The first of them; the hunt's own page has all. */
  readonly hits: readonly HuntHit[]
  readonly error: Error | null
}

/** What rules should not match: what is classified so, and a collection that somebody has tagged so. */
const GOODWARE = 'classification:goodware OR tag:goodware'

/** Hits that are kept here; more would slow the page down on which somebody is writing. */
const MOST_HITS = 500

/**
 * Trying an unsaved text: an ad-hoc hunt whose results come in while one writes on. A new trial takes the place of the
 * one before, also on the server, so that trials do not pile up among the hunts.
 */
export function useTrial() {
  const queries = useQueryClient()
  const [trial, setTrial] = useState<Trial | null>(null)
  const current = useRef<{ abort: AbortController; id: number | null } | null>(null)
  useEffect(() => () => current.current?.abort.abort(), [])

  /** Resolves with the hunt as it ended, null where it did not, or another trial took its place. */
  const begin = async (
    title: string,
    content: string,
    { scope, isPartial }: { readonly scope: TrialScope; readonly isPartial: boolean },
  ): Promise<Hunt | null> => {
    let last: Hunt | null = null
    const before = current.current
    before?.abort.abort()
    const mine = { abort: new AbortController(), id: null as number | null }
    current.current = mine
    const { signal } = mine.abort
    const change = (changes: (trial: Trial) => Partial<Trial>) => {
      if (!signal.aborted) setTrial((now) => now && { ...now, ...changes(now) })
    }
    setTrial({ scope, hunt: null, hits: [], error: null })
    try {
      if (before?.id) await removeHunt(before.id).catch(() => {})
      const hunt = await startHunt({
        title: `Test of ${title}`,
        rules: [{ name: title, content }],
        ...(isPartial && { partial: true }),
        ...(scope === 'goodware' && { selection: { query: GOODWARE } }),
      })
      mine.id = hunt.id
      change(() => ({ hunt }))
      await followHunt(hunt.id, {
        signal,
        onHits: (hits) => change((now) => ({ hits: [...now.hits, ...hits].slice(0, MOST_HITS) })),
        onProgress: (next) => {
          last = next
          change(() => ({ hunt: next }))
        },
      })
    } catch (error) {
      change(() => ({ error: error instanceof Error ? error : new Error(String(error)) }))
    } finally {
      void queries.invalidateQueries({ queryKey: ['hunts', 'list'] })
    }
    return signal.aborted ? null : last
  }

  return {
    trial,
    begin,
    stop: async () => {
      const id = current.current?.id
      if (id && trial?.hunt && !hasEnded(trial.hunt)) await cancelHunt(id).catch(() => {})
    },
    close: () => {
      const { abort, id } = current.current ?? {}
      abort?.abort()
      current.current = null
      setTrial(null)
      if (id) void removeHunt(id).catch(() => {})
    },
  }
}
