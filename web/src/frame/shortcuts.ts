/** Keys that work on every page. Each is listed on the help sheet, which is where they are described. */
import { useEffect, useEffectEvent } from 'react'

const isApple = /^(Mac|iPhone|iPad)/.test(navigator.platform)

/** The key that stands for Ctrl here, as people call it. */
export const ctrl = isApple ? '⌘' : 'Ctrl'

export interface Shortcuts {
  readonly onSearch: () => void
  readonly onHelp: () => void
  readonly onGo: (address: string) => void
}

/** After `g`, the first letter of a page. */
export const goTo: Readonly<Record<string, { readonly title: string; readonly address: string }>> = {
  o: { title: 'Overview', address: '/' },
  s: { title: 'Samples', address: '/samples' },
  r: { title: 'Rulesets', address: '/rulesets' },
  m: { title: 'Matches', address: '/matches' },
  l: { title: 'Local Retro', address: '/retro' },
  h: { title: 'Hunts', address: '/hunts' },
  w: { title: 'Workbench', address: '/workbench' },
}

/** The second key of two comes within this time. */
const SECOND_KEY_MS = 1_500

export function useShortcuts(shortcuts: Shortcuts): void {
  const onKey = useEffectEvent((event: KeyboardEvent, isSecond: boolean): boolean => {
    const isCtrl = isApple ? event.metaKey : event.ctrlKey
    if (event.key.toLowerCase() === 'k' && isCtrl && !event.shiftKey && !event.altKey) shortcuts.onSearch()
    else if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target) || isOverPage()) return false
    else if (event.key === '/') shortcuts.onSearch()
    else if (event.key === '?') shortcuts.onHelp()
    else if (isSecond && goTo[event.key]) shortcuts.onGo(goTo[event.key]?.address ?? '/')
    else return event.key === 'g'
    event.preventDefault()
    return false
  })
  useEffect(() => {
    let pressed = Number.NEGATIVE_INFINITY
    const listen = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return
      const isFirst = onKey(event, performance.now() - pressed < SECOND_KEY_MS)
      pressed = isFirst ? performance.now() : Number.NEGATIVE_INFINITY
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
}

/** Where a key writes a character, or chooses by one. */
function isWriting(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  return target.isContentEditable || target.closest('input, textarea, select, [role="listbox"], [role="menu"]') !== null
}

/** A dialog or a menu is open. */
const isOverPage = (): boolean => document.querySelector('[role="dialog"], [role="menu"], [role="listbox"]') !== null
