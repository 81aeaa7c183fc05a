/** What the page is called that is shown: in the title of the window, and for those who hear it rather than see it. */
import { useEffect, useSyncExternalStore } from 'react'

let shown = ''
let news = ''
const listeners = new Set<() => void>()

export function usePageTitle(title: string | null): void {
  useEffect(() => {
    if (title === null) return
    document.title = `${title} · Backtrail`
    // The first one is read by the browser, which has loaded a document.
    if (shown !== '' && shown !== title) news = title
    shown = title
    for (const listener of listeners) listener()
  }, [title])
}

/** The title of a page that took the place of another one; empty for the first. */
export function useNewPageTitle(): string {
  return useSyncExternalStore(subscribe, () => news)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
