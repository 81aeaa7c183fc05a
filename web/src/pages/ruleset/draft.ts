/** Unsaved text, kept in the browser so that a reload, a crash or an expired session loses nothing. */

export interface Draft {
  readonly text: string
  /** The revision that it was made of; 0 for a new ruleset. */
  readonly revision: number
  /** Milliseconds since 1970. */
  readonly changed: number
}

const keyOf = (user: string, ruleset: string): string => `backtrail.draft.${user}.${ruleset}`

export function readDraft(user: string, ruleset: string): Draft | null {
  const kept = localStorage.getItem(keyOf(user, ruleset))
  if (kept === null) return null
  try {
    const { text, revision, changed } = JSON.parse(kept)
    if (typeof text === 'string' && typeof revision === 'number' && typeof changed === 'number') {
      return { text, revision, changed }
    }
  } catch {
    // What cannot be read is as good as none.
  }
  dropDraft(user, ruleset)
  return null
}

/** False when the browser has no room for it. */
export function keepDraft(user: string, ruleset: string, draft: Draft): boolean {
  try {
    localStorage.setItem(keyOf(user, ruleset), JSON.stringify(draft))
    return true
  } catch {
    return false
  }
}

export function dropDraft(user: string, ruleset: string): void {
  localStorage.removeItem(keyOf(user, ruleset))
}
