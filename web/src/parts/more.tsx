import { Button } from './button.tsx'
import styles from './more.module.css'
import { counted } from './numbers.ts'

/** Below a list that grows: how much of it is shown, and the way on. */
export function More({
  shown,
  what,
  hasMore,
  isLoading,
  onMore,
}: {
  readonly shown: number
  /** `match`, `matches`. */
  readonly what: readonly [one: string, many: string]
  readonly hasMore: boolean
  readonly isLoading: boolean
  readonly onMore: () => void
}) {
  return (
    <div className={styles.more}>
      <span aria-live="polite">
        {counted(shown, ...what)} shown{hasMore ? '' : ', that is all'}
      </span>
      {hasMore && (
        <Button onPress={onMore} isDisabled={isLoading}>
          {isLoading ? 'Looking further …' : 'Show more'}
        </Button>
      )}
    </div>
  )
}
