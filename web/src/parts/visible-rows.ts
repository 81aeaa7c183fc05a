import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useRef, useState } from 'react'

/** A row that is drawn; places are in pixels from the top of all rows. */
interface Drawn {
  readonly index: number
  readonly start: number
  readonly end: number
}

/** The rows of a long table that are drawn: those in sight, and the one that has the focus, wherever it is. */
export interface Portion {
  /** From the top on. */
  readonly rows: readonly Drawn[]
  /** How high all rows are together, in pixels. */
  readonly height: number
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
  const focused = useFocusedRow(around)
  const virtualizer = useVirtualizer<HTMLElement, HTMLTableRowElement>({
    count,
    getScrollElement: () => around.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: AROUND,
    initialRect: { width: 1_000, height: 800 },
    rangeExtractor(range) {
      const inSight = defaultRangeExtractor(range)
      if (focused === null || focused >= count || inSight.includes(focused)) return inSight
      return [...inSight, focused].sort((a, b) => a - b)
    },
  })
  const rows = virtualizer.getVirtualItems()
  const last = rows.at(-1)
  const asked = useRef(0)
  const isAtEnd = last !== undefined && last.index >= count - 1
  useEffect(() => {
    if (!isAtEnd || asked.current === count) return
    asked.current = count
    onEnd?.()
  }, [isAtEnd, count, onEnd])
  return { rows, height: virtualizer.getTotalSize(), measure: virtualizer.measureElement }
}

/** The place of the row in which the focus is; it would be lost if the row was not drawn any more. */
function useFocusedRow(around: RefObject<HTMLElement | null>): number | null {
  const [focused, setFocused] = useState<number | null>(null)
  useEffect(() => {
    const place = around.current
    if (!place) return
    const onFocus = ({ target }: FocusEvent) => {
      const row = target instanceof HTMLElement ? target.closest<HTMLElement>('tr[data-index]') : null
      setFocused(row ? Number(row.dataset.index) : null)
    }
    const onBlur = () => setFocused(null)
    place.addEventListener('focusin', onFocus)
    place.addEventListener('focusout', onBlur)
    return () => {
      place.removeEventListener('focusin', onFocus)
      place.removeEventListener('focusout', onBlur)
    }
  }, [around])
  return focused
}
