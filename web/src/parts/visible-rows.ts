import { defaultRangeExtractor, useVirtualizer } from '@tanstack/react-virtual'
import { type RefObject, useEffect, useEffectEvent, useRef, useState } from 'react'

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

/**
 * `onEnd` is called when the last rows come in sight, once for each number of rows of a list; `of` is what the list
 * answers. Rows of an earlier question, which are stale, do not count.
 */
export function useVisibleRows<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => string,
  around: RefObject<HTMLElement | null>,
  {
    of,
    isStale = false,
    onEnd,
  }: { readonly of?: string; readonly isStale?: boolean; readonly onEnd?: (() => void) | undefined },
): Portion {
  const count = rows.length
  const focusedKey = useFocusedRow(around, (index) => {
    const row = rows[index]
    return row === undefined ? null : keyOf(row)
  })
  // Rows that come in above it move a row on.
  const focused = focusedKey === null ? -1 : rows.findIndex((row) => keyOf(row) === focusedKey)
  const virtualizer = useVirtualizer<HTMLElement, HTMLTableRowElement>({
    count,
    getScrollElement: () => around.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: AROUND,
    initialRect: { width: 1_000, height: 800 },
    rangeExtractor(range) {
      const inSight = defaultRangeExtractor(range)
      if (focused < 0 || inSight.includes(focused)) return inSight
      return [...inSight, focused].sort((a, b) => a - b)
    },
  })
  const drawn = virtualizer.getVirtualItems()
  const last = drawn.at(-1)
  const asked = useRef({ of, count: 0 })
  const isAtEnd = last !== undefined && last.index >= count - 1
  useEffect(() => {
    if (!isAtEnd || isStale || (asked.current.of === of && asked.current.count === count)) return
    asked.current = { of, count }
    onEnd?.()
  }, [isAtEnd, isStale, of, count, onEnd])
  return { rows: drawn, height: virtualizer.getTotalSize(), measure: virtualizer.measureElement }
}

/** The key of the row in which the focus is; it would be lost if the row was not drawn any more. */
function useFocusedRow(around: RefObject<HTMLElement | null>, keyAt: (index: number) => string | null): string | null {
  const [focused, setFocused] = useState<string | null>(null)
  const keyNow = useEffectEvent(keyAt)
  useEffect(() => {
    const place = around.current
    if (!place) return
    const onFocus = ({ target }: FocusEvent) => {
      const row = target instanceof HTMLElement ? target.closest<HTMLElement>('tr[data-index]') : null
      setFocused(row ? keyNow(Number(row.dataset.index)) : null)
    }
    const onBlur = ({ target }: FocusEvent) => {
      // Where the whole window lost the focus, the row has it again when the window does.
      if (document.activeElement !== target) setFocused(null)
    }
    place.addEventListener('focusin', onFocus)
    place.addEventListener('focusout', onBlur)
    return () => {
      place.removeEventListener('focusin', onFocus)
      place.removeEventListener('focusout', onBlur)
    }
  }, [around])
  return focused
}
