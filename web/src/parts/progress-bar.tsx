import { ProgressBar as AriaProgressBar, Label } from 'react-aria-components'
import styles from './progress-bar.module.css'

/** How far something is, from 0 to `whole`; without a whole it only shows that it goes on. */
export function ProgressBar({
  label,
  done,
  whole,
}: {
  readonly label: string
  readonly done: number
  readonly whole: number | null
}) {
  return (
    <AriaProgressBar
      className={styles.progress ?? ''}
      isIndeterminate={whole === null}
      minValue={0}
      maxValue={Math.max(1, whole ?? 1)}
      value={whole === 0 ? 1 : done}
    >
      {({ percentage, isIndeterminate }) => (
        <>
          <Label className="visually-hidden">{label}</Label>
          <div className={styles.track}>
            <div
              className={styles.bar}
              data-endless={isIndeterminate || undefined}
              style={isIndeterminate ? {} : { translate: `${(percentage ?? 0) - 100}%` }}
            />
          </div>
        </>
      )}
    </AriaProgressBar>
  )
}
