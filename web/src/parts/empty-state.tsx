import type { ReactNode } from 'react'
import styles from './empty-state.module.css'
import { usePageTitle } from './page-title.ts'

/** Where there is nothing to show: what that means, and the next step. */
export function EmptyState({
  title,
  isPage = false,
  action,
  children,
}: {
  readonly title: string
  /** It is all that the page shows, so its title is the page's. */
  readonly isPage?: boolean
  readonly action?: ReactNode
  readonly children?: ReactNode
}) {
  usePageTitle(isPage ? title : null)
  return (
    <div className={styles.empty}>
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children && <div className={styles.words}>{children}</div>}
      {action && <div className={styles.action}>{action}</div>}
    </div>
  )
}
