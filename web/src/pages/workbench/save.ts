import { useState } from 'react'
import type { Hunt } from '../../api/hunts.ts'
import { notifyFailed } from '../../parts/notices.tsx'
import type { ToRun } from './run.ts'
import { goodware } from './scope.ts'

export interface SaveHow {
  /** Rules that do not compile are left out, and the others run. */
  readonly partial: boolean
}

/** Saves a text that was made of the revision `replaces`. Resolves with its own number, or null: it was not stored. */
export type OnSave = (text: string, replaces: number, how: SaveHow) => Promise<number | null>

/** A text as it is when a save begins: that one is checked and stored, whatever is typed meanwhile. */
export interface ToSave {
  readonly text: string
  readonly replaces: number
  readonly isPartial: boolean
}

interface Question extends ToSave {
  /** On goodware. */
  readonly matches: number
}

/** How a text is saved: where that is wanted, after a hunt over goodware, and a question where it found something. */
export function useSave({
  title,
  begin,
  onSave,
  onStored,
}: {
  readonly title: string
  /** Resolves with the hunt as it ended, null where it did not. */
  readonly begin: (asked: ToRun) => Promise<Hunt | null>
  readonly onSave: OnSave
  readonly onStored: (saved: ToSave, revision: number) => void
}) {
  const [isGoodwareFirst, setGoodwareFirst] = useGoodwareFirst()
  const [isChecking, setChecking] = useState(false)
  const [question, setQuestion] = useState<Question | null>(null)

  const store = async (asked: ToSave) => {
    const revision = await onSave(asked.text, asked.replaces, { partial: asked.isPartial })
    if (revision !== null) onStored(asked, revision)
  }
  return {
    isGoodwareFirst,
    setGoodwareFirst,
    isChecking,
    /** Matches on goodware, while it is asked whether the text is to be saved all the same; 0 otherwise. */
    falsePositives: question?.matches ?? 0,
    save: async (asked: ToSave) => {
      if (!isGoodwareFirst) return store(asked)
      setChecking(true)
      const hunt = await begin({ content: asked.text, title, selection: goodware, isPartial: asked.isPartial })
      setChecking(false)
      if (hunt?.state !== 'completed') return notifyFailed('Nothing is saved: the check of goodware did not complete.')
      if (hunt.matches > 0) return setQuestion({ ...asked, matches: hunt.matches })
      return store(asked)
    },
    saveAllTheSame: () => {
      setQuestion(null)
      if (question !== null) void store(question)
    },
    keepAsItIs: () => setQuestion(null),
  }
}

const GOODWARE_FIRST = 'backtrail.goodware-first'

/** Kept in this browser, for all rulesets. */
function useGoodwareFirst() {
  const [isOn, setOn] = useState(() => {
    try {
      return localStorage.getItem(GOODWARE_FIRST) === 'true'
    } catch {
      return false
    }
  })
  const change = (next: boolean) => {
    setOn(next)
    try {
      localStorage.setItem(GOODWARE_FIRST, String(next))
    } catch {
      // Without storage it holds until the page is left.
    }
  }
  return [isOn, change] as const
}
