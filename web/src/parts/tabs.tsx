import { Link } from 'react-router'
import styles from './tabs.module.css'

/** The parts of a page as links, since each has its own address. */
export function Tabs({
  label,
  current,
  tabs,
}: {
  readonly label: string
  readonly current: string
  readonly tabs: readonly { readonly id: string; readonly title: string; readonly to: string }[]
}) {
  return (
    <nav className={styles.tabs} aria-label={label}>
      {tabs.map(({ id, title, to }) => (
        <Link key={id} to={to} className={styles.tab} {...(id === current && { 'aria-current': 'page' })}>
          {title}
        </Link>
      ))}
    </nav>
  )
}
