import { ChevronLeft, ChevronRight } from 'lucide-react'
import { Button } from './button.tsx'
import { count } from './numbers.ts'
import styles from './pager.module.css'

/** Below a list that comes in pages: which part of how many, and the way to the others. `page` is from 1. */
export function Pager({
  page,
  pageSize,
  total,
  onPage,
}: {
  readonly page: number
  readonly pageSize: number
  readonly total: number
  readonly onPage: (page: number) => void
}) {
  const last = Math.max(1, Math.ceil(total / pageSize))
  if (total === 0) return null
  return (
    <nav className={styles.pager} aria-label="Pages of the list">
      <span aria-live="polite">
        {count((page - 1) * pageSize + 1)}–{count(Math.min(total, page * pageSize))} of {count(total)}
      </span>
      {last > 1 && (
        <>
          <Button isIcon aria-label="Previous page" isDisabled={page <= 1} onPress={() => onPage(page - 1)}>
            <ChevronLeft size={16} aria-hidden />
          </Button>
          <Button isIcon aria-label="Next page" isDisabled={page >= last} onPress={() => onPage(page + 1)}>
            <ChevronRight size={16} aria-hidden />
          </Button>
        </>
      )}
    </nav>
  )
}
