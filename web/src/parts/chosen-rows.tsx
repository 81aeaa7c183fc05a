import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import styles from './chosen-rows.module.css'

/** At the lower edge of a list while rows are chosen: what can be done with them. */
export function ChosenRows({
  what,
  note,
  onDone,
  children,
}: {
  /** Such as `3 matches of 2 samples chosen`. */
  readonly what: string
  /** What else is to be known about the choice. */
  readonly note?: ReactNode
  /** Nothing is to be chosen any more. */
  readonly onDone: () => void
  readonly children: ReactNode
}) {
  return (
    <section className={styles.bar} aria-label="What to do with the chosen rows">
      <strong aria-live="polite">{what}</strong>
      {children}
      <Button weight="quiet" onPress={onDone}>
        <X size={16} aria-hidden /> Clear selection
      </Button>
      {note && <p className={styles.note}>{note}</p>}
    </section>
  )
}
