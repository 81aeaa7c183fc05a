import type { ReactNode } from 'react'
import styles from './statistic.module.css'

/** A row of numbers with their names. */
export function Statistics({ children }: { readonly children: ReactNode }) {
  return <dl className={styles.statistics}>{children}</dl>
}

export function Statistic({
  name,
  children,
  hint,
}: {
  readonly name: string
  readonly children: ReactNode
  readonly hint?: string
}) {
  return (
    <div title={hint}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}
