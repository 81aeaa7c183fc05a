import { Link } from 'react-router'
import { type Hunt, useComparison } from '../../api/hunts.ts'
import { count, counted } from '../../parts/numbers.ts'
import styles from './hunt-page.module.css'

/** What the hunt found that the one before had not, and what that one had besides. */
export function Comparison({
  hunt,
  onlyNew,
  onOnlyNew,
}: {
  readonly hunt: Hunt
  readonly onlyNew: boolean
  readonly onOnlyNew: (onlyNew: boolean) => void
}) {
  const { data } = useComparison(hunt)
  const comparison = data?.comparison
  if (!comparison) return null
  return (
    <section className={styles.comparison} aria-label="Since the hunt before">
      <p>
        Since <Link to={`/hunts/${comparison.repeats}`}>the run before</Link>:{' '}
        {counted(comparison.added, 'new match', 'new matches')}, {count(comparison.gone)} no longer found.
      </p>
      <label>
        <input type="checkbox" checked={onlyNew} onChange={() => onOnlyNew(!onlyNew)} /> Only what is new
      </label>
    </section>
  )
}
