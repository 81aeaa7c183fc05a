import { TriangleAlert } from 'lucide-react'
import type { Hunt } from '../../api/hunts.ts'
import { count, counted } from '../../parts/numbers.ts'
import styles from './hunt-page.module.css'

/** What of the texts does not run: a hunt without it finds less than its texts say. */
export function LeftOut({
  hunt: { left_out: listed, left_out_count: all, rules_count: texts },
}: {
  readonly hunt: Hunt
}) {
  if (all === 0) return null
  return (
    <section className={styles.leftOut} aria-label="Left out">
      <p>
        <TriangleAlert size={16} aria-hidden /> {counted(all, 'rule or text', 'rules or texts')} did not run.
      </p>
      <ul>
        {listed.map(({ text, name, line, reason }) => (
          <li key={`${text}:${name}:${line}`}>
            <code>{name}</code> (line {line}
            {texts > 1 && (
              <>
                {' '}
                of <code>{text}</code>
              </>
            )}
            ): {reason}
          </li>
        ))}
        {all > listed.length && <li>and {count(all - listed.length)} more</li>}
      </ul>
    </section>
  )
}
