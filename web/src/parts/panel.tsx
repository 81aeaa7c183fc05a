import { type ReactNode, useId } from 'react'
import styles from './panel.module.css'

/** A part of a page with a title. `aside` stands at the end of the title's line. `isFlush`: a table fills it. */
export function Panel({
  title,
  aside,
  isFlush = false,
  children,
}: {
  readonly title: string
  readonly aside?: ReactNode
  readonly isFlush?: boolean
  readonly children: ReactNode
}) {
  const id = useId()
  return (
    <section className={styles.panel} aria-labelledby={id} data-flush={isFlush || undefined}>
      <header className={styles.head}>
        <h2 id={id}>{title}</h2>
        {aside && <div>{aside}</div>}
      </header>
      {children}
    </section>
  )
}
