import { CircleAlert } from 'lucide-react'
import { Button } from './button.tsx'
import styles from './problem.module.css'

/** Something failed: what happened, and the way to try again. */
export function Problem({ error, onRetry }: { readonly error: Error; readonly onRetry?: () => void }) {
  return (
    <div className={styles.problem} role="alert">
      <CircleAlert size={18} aria-hidden />
      <p>{error.message}</p>
      {onRetry && <Button onPress={onRetry}>Try again</Button>}
    </div>
  )
}
