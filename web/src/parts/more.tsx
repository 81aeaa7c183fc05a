import type { Static } from 'typebox'
import type { CountedShape } from '../../../src/http/contract/paging.ts'
import { Button } from './button.tsx'
import styles from './more.module.css'
import { count, counted } from './numbers.ts'

/** How many rows a list has: `count`, or more than that. */
export type Counted = Static<typeof CountedShape>

/** Below a list that grows: how much of it is shown, and the way on. */
export function More({
  shown,
  total,
  what,
  hasMore,
  isLoading,
  onMore,
}: {
  readonly shown: number
  /** Of the whole list, as far as that is known. */
  readonly total: Counted | undefined
  /** `match`, `matches`. */
  readonly what: readonly [one: string, many: string]
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly onMore: () => void
}) {
  return (
    <div className={styles.more}>
      <span aria-live="polite">
        {counted(shown, ...what)} shown
        {hasMore ? total && ` of ${total.more ? 'more than ' : ''}${count(total.count)}` : ', that is all'}
      </span>
      {hasMore && (
        <Button onPress={onMore} isDisabled={isLoading}>
          {isLoading ? 'Looking further …' : 'Show more'}
        </Button>
      )}
    </div>
  )
}
