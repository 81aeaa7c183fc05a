import { useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useRef } from 'react'

/** The rows of a long table that are in sight, and how high what is above and below them is, in pixels. */
export interface Portion {
  readonly from: number
  /** Behind the last one. */
  readonly to: number
  readonly above: number
  readonly below: number
  /** For each row that is drawn: rows may differ in height. */
  readonly measure: (row: HTMLTableRowElement | null) => void
}

const ROW_HEIGHT = 34
/** Drawn beyond what is in sight, on either side. */
const AROUND = 12

/** `onEnd` is called when the last rows come in sight, once for each number of rows. */
export function useVisibleRows(
  count: number,
  around: RefObject<HTMLElement | null>,
  onEnd: (() => void) | undefined,
): Portion {
  const rows = useVirtualizer<HTMLElement, HTMLTableRowElement>({
    count,
    getScrollElement: () => around.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: AROUND,
    initialRect: { width: 1_000, height: 800 },
  })
  const items = rows.getVirtualItems()
  const [first] = items
  const last = items.at(-1)
  const asked = useRef(0)
  const isAtEnd = last !== undefined && last.index >= count - 1
  useEffect(() => {
    if (!isAtEnd || asked.current === count) return
    asked.current = count
    onEnd?.()
  }, [isAtEnd, count, onEnd])
  return {
    from: first?.index ?? 0,
    to: (last?.index ?? -1) + 1,
    above: first?.start ?? 0,
    below: last ? rows.getTotalSize() - last.end : 0,
    measure: rows.measureElement,
  }
}
