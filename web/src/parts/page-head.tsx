import type { ReactNode } from 'react'
import styles from './page-head.module.css'
import { usePageTitle } from './page-title.ts'

/** The top of a page: its title, which is the window's too, a line about it, and what can be done. */
export function PageHead({
  title,
  about,
  actions,
}: {
  readonly title: string
  readonly about?: ReactNode
  readonly actions?: ReactNode
}) {
  usePageTitle(title)
  return (
    <header className={styles.head}>
      <div>
        <h1>{title}</h1>
        {about && <div className={styles.about}>{about}</div>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </header>
  )
}
