import { useCallback, useSyncExternalStore } from 'react'

/** Pixels of the window from which rows stand in a table, not as cards; `table.module.css` has the same. */
export const TABLE_FROM = 641

/** Whether a media query holds, such as `(min-width: 1500px)`; follows the window. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const media = window.matchMedia(query)
      media.addEventListener('change', listener)
      return () => media.removeEventListener('change', listener)
    },
    [query],
  )
  return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches)
}

/** The window's width, as far as it matters: it changes where one of the bounds, or that of cards, is passed. */
export function useWindowWidth(bounds: readonly number[]): number {
  const subscribe = useCallback(
    (listener: () => void) => {
      const all = [TABLE_FROM, ...bounds].map((from) => window.matchMedia(`(min-width: ${from}px)`))
      for (const media of all) media.addEventListener('change', listener)
      return () => {
        for (const media of all) media.removeEventListener('change', listener)
      }
    },
    [bounds],
  )
  return useSyncExternalStore(subscribe, () =>
    Math.max(0, ...[TABLE_FROM, ...bounds].filter((from) => window.matchMedia(`(min-width: ${from}px)`).matches)),
  )
}
