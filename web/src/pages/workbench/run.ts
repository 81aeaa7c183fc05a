/**
 * Runs of the text in the editor: ad-hoc hunts whose results come in while one writes on.
 *
 *   draft     the text as it stands in the editor; kept in the browser until it is saved (src/editor/draft.ts)
 *   ruleset   what is saved: revisions on the server, each made of the one before
 *   run       the draft at one moment, over a part of the samples: a hunt on the server, whose id is in the address
 *
 * - A run names the one before, so that the server compares them, where both are over the same part of the samples.
 * - A run that is under way when the next one begins is removed: nobody waits for it any more.
 * - Of the runs that are begun here, the last two stay. The others go, unless somebody has named them.
 */
import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useEffectEvent, useRef, useState } from 'react'
import { Refusal } from '../../api/http.ts'
import {
  cancelHunt,
  fetchHunt,
  followHunt,
  type Hunt,
  type HuntHit,
  hasEnded,
  removeHunt,
  type Selection,
  startHunt,
} from '../../api/hunts.ts'
import { isSameSelection } from './scope.ts'

export interface Run {
  /** Null until the server has answered. */
  readonly hunt: Hunt | null
  /** The first of them; the hunt's own page has all. */
  readonly hits: readonly HuntHit[]
  readonly error: Error | null
}

export interface ToRun {
  readonly content: string
  readonly title: string
  readonly selection: Selection
  /** Rules that do not compile are left out. */
  readonly isPartial: boolean
  /** Bytes; the costliest rules are left out so that the run reads no more. */
  readonly mostRead?: number
}

/** Hits that are kept here; more would slow the page down on which somebody is writing. */
export const MOST_HITS = 500

/** Of those that are begun here, and that nobody has named. */
const MOST_RUNS = 2

/** The same for all runs, so that matches of two texts can be compared. */
const TEXT_NAME = 'rules'

interface Current {
  readonly abort: AbortController
  id: number
  hunt: Hunt | null
}

/** `shown`: the run that the address names, 0 for none; `onShown` puts another one there. */
export function useRun(shown: number, onShown: (id: number) => void) {
  const queries = useQueryClient()
  const [run, setRun] = useState<Run | null>(null)
  const current = useRef<Current | null>(null)
  /** As they were begun, the oldest first. */
  const made = useRef<readonly Hunt[]>([])
  /** What the next run is compared with where the one that is shown was refused. */
  const last = useRef<Hunt | null>(null)
  // The address may have other fields by the time when the server answers.
  const show = useRef(onShown)
  useEffect(() => {
    show.current = onShown
  })

  const enter = (id: number): Current => {
    current.current?.abort.abort()
    last.current = current.current?.hunt ?? last.current
    const mine = { abort: new AbortController(), id, hunt: null }
    current.current = mine
    setRun({ hunt: null, hits: [], error: null })
    return mine
  }
  const changeOf =
    ({ abort }: Current) =>
    (changes: (run: Run) => Partial<Run>) => {
      if (!abort.signal.aborted) setRun((now) => now && { ...now, ...changes(now) })
    }
  const leave = () => {
    current.current?.abort.abort()
    current.current = null
    last.current = null
    setRun(null)
  }
  /** Resolves with the hunt as it ended; null where it did not, or another run took its place. */
  const follow = async (mine: Current): Promise<Hunt | null> => {
    const change = changeOf(mine)
    await followHunt(mine.id, {
      signal: mine.abort.signal,
      onHits: (hits) => change((now) => ({ hits: [...now.hits, ...hits].slice(0, MOST_HITS) })),
      onProgress: (hunt) => {
        mine.hunt = hunt
        change(() => ({ hunt }))
      },
    })
    return mine.abort.signal.aborted ? null : mine.hunt
  }
  const fail = (mine: Current, error: unknown) =>
    changeOf(mine)(() => ({ error: error instanceof Error ? error : new Error(String(error)) }))

  const showOther = useEffectEvent((id: number) => {
    if (id === (current.current?.id ?? 0)) return
    if (id === 0) return leave()
    const mine = enter(id)
    follow(mine).catch((error) => {
      // It was removed since the address was made.
      if (error instanceof Refusal && error.status === 404 && current.current === mine) {
        leave()
        show.current(0)
      } else fail(mine, error)
    })
  })
  useEffect(() => showOther(shown), [shown])
  useEffect(
    () => () => {
      current.current?.abort.abort()
      current.current = null
    },
    [],
  )

  /** Resolves as `follow`. */
  const begin = async ({ content, title, selection, isPartial, mostRead }: ToRun): Promise<Hunt | null> => {
    const mine = enter(-1)
    const before = last.current
    try {
      const unfinished = made.current.find(({ id }) => id === before?.id)
      if (before && !hasEnded(before) && unfinished) {
        made.current = made.current.filter((each) => each !== unfinished)
        await removeUnnamed(unfinished)
      }
      const isComparable = before !== null && hasEnded(before) && isSameSelection(before.selection, selection)
      const hunt = await startHunt({
        rules: [{ name: TEXT_NAME, content }],
        selection,
        ...(title !== '' && { title }),
        ...(isPartial && { partial: true }),
        ...(mostRead !== undefined && { most_read: mostRead, costly: 'leave-out' }),
        ...(isComparable && { repeats: before.id }),
      })
      // Another one was begun meanwhile.
      if (current.current !== mine) {
        if (current.current !== null) await removeHunt(hunt.id).catch(() => {})
        return null
      }
      mine.id = hunt.id
      mine.hunt = hunt
      changeOf(mine)(() => ({ hunt }))
      show.current(hunt.id)
      const older = [...made.current, hunt].slice(0, -MOST_RUNS)
      made.current = [...made.current, hunt].slice(-MOST_RUNS)
      for (const each of older) void removeUnnamed(each)
      return await follow(mine)
    } catch (error) {
      fail(mine, error)
      return null
    } finally {
      void queries.invalidateQueries({ queryKey: ['hunts', 'list'] })
    }
  }

  return {
    run,
    begin,
    stop: async () => {
      const { hunt } = current.current ?? {}
      if (hunt && !hasEnded(hunt)) await cancelHunt(hunt.id).catch(() => {})
    },
    /** It has a name now: it stays, whatever is begun later. */
    keep: (hunt: Hunt) => {
      made.current = made.current.filter(({ id }) => id !== hunt.id)
      if (current.current?.id === hunt.id) changeOf(current.current)(() => ({ hunt }))
    },
    /** The hunt stays on the server, and goes on there. */
    close: () => {
      leave()
      show.current(0)
    },
  }
}

/** Removes a hunt, unless it was given another title since it was begun, in another tab too. */
async function removeUnnamed({ id, title }: Hunt): Promise<void> {
  try {
    const now = await fetchHunt(id)
    if (now.title === title) await removeHunt(id)
  } catch {
    // It is gone already, or it stays in the list of hunts.
  }
}
