import { Button } from '../parts/button.tsx'
import { Moment } from '../parts/moment.tsx'
import type { Draft } from './draft.ts'
import styles from './draft-notice.module.css'

/** Tells that a text is there which an earlier visit left. `drop` says what dropping it does. */
export function DraftNotice({
  draft,
  drop,
  onDrop,
}: {
  readonly draft: Draft
  readonly drop: string
  readonly onDrop: () => void
}) {
  return (
    <div className={styles.draft} role="status">
      <p>
        Your unsaved text of <Moment at={new Date(draft.changed).toISOString()} /> is back.
      </p>
      <Button onPress={onDrop}>{drop}</Button>
    </div>
  )
}
