import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import styles from './chip.module.css'

/** One of several things that are chosen or attached, with the way to take it off. */
export function Chip({
  children,
  removeLabel,
  isDisabled = false,
  onRemove,
}: {
  readonly children: ReactNode
  /** Such as `Remove the tag eu`. */
  readonly removeLabel: string
  readonly isDisabled?: boolean
  readonly onRemove: () => void
}) {
  return (
    <span className={styles.chip}>
      {children}
      <button type="button" aria-label={removeLabel} disabled={isDisabled} onClick={onRemove}>
        <X size={12} aria-hidden />
      </button>
    </span>
  )
}
