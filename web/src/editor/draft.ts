/** Unsaved text, kept in the browser so that a reload, a crash or an expired session loses nothing. */
import { useEffect, useRef } from 'react'

const KEEP_PAUSE_MS = 300

export interface Draft {
  readonly text: string
  /** The revision that it was made of; 0 for a new ruleset. */
  readonly revision: number
  /** Milliseconds since 1970. */
  readonly changed: number
}

/** `name`: of the ruleset, empty for a new one, or the address of another page. */
const keyOf = (user: string, name: string): string => `backtrail.draft.${user}.${name}`

/** Under what the page for new hunts kept its text, when there was one. */
const EARLIER = '/hunts/new'

export function readDraft(user: string, name: string): Draft | null {
  const draft = readKept(user, name)
  if (draft !== null || name !== '') return draft
  const earlier = readKept(user, EARLIER)
  if (earlier !== null && keepDraft(user, name, earlier)) dropDraft(user, EARLIER)
  return earlier
}

function readKept(user: string, name: string): Draft | null {
  const kept = localStorage.getItem(keyOf(user, name))
  if (kept === null) return null
  try {
    const { text, revision, changed } = JSON.parse(kept)
    if (typeof text === 'string' && typeof revision === 'number' && typeof changed === 'number') {
      return { text, revision, changed }
    }
  } catch {
    // What cannot be read is as good as none.
  }
  dropDraft(user, name)
  return null
}

/** False when the browser has no room for it. */
export function keepDraft(user: string, name: string, draft: Draft): boolean {
  try {
    localStorage.setItem(keyOf(user, name), JSON.stringify(draft))
    return true
  } catch {
    return false
  }
}

export function dropDraft(user: string, name: string): void {
  localStorage.removeItem(keyOf(user, name))
}

/**
 * Keeps the text in the browser while it differs from what is saved: a moment after each change, and at once when the page
 * is left. Gives what calls off a change that is not kept yet, for whoever has stored it elsewhere.
 */
export function useKeptDraft(
  user: string,
  name: string,
  text: string,
  { text: savedText, revision }: { readonly text: string; readonly revision: number },
): () => void {
  const isFirst = useRef(true)
  const due = useRef<(() => void) | null>(null)
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false
      return
    }
    const keep = () => {
      if (due.current !== keep) return
      due.current = null
      if (text === savedText) dropDraft(user, name)
      else keepDraft(user, name, { text, revision, changed: Date.now() })
    }
    due.current = keep
    const timer = setTimeout(keep, KEEP_PAUSE_MS)
    // Leaving the page within the pause must not lose the last words.
    window.addEventListener('pagehide', keep)
    return () => {
      clearTimeout(timer)
      window.removeEventListener('pagehide', keep)
    }
  }, [user, name, text, savedText, revision])
  // A link inside the application unloads nothing, and must not lose them either.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is due is of the name that is left
  useEffect(() => () => due.current?.(), [user, name])
  return () => {
    due.current = null
  }
}
