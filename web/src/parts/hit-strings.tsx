import { Link } from 'react-router'
import type { HuntHit } from '../api/hunts.ts'
import styles from './hit-strings.module.css'

const SHOWN = 3

/** Where the strings of a rule are in a sample, with the bytes around them as text; the first few. */
export function HitStrings({
  strings,
  sha256,
}: {
  readonly strings: HuntHit['strings']
  /** Of the sample: each place leads to its bytes. */
  readonly sha256: string
}) {
  if (strings.length === 0) return <span className={styles.none}>the condition alone</span>
  return (
    <ul className={styles.strings}>
      {firstOfEach(strings)
        .slice(0, SHOWN)
        .map(({ identifier, offset, length, text, start }) => (
          <li key={`${identifier}:${offset}`}>
            <code className={styles.name}>{identifier}</code>{' '}
            <Link to={`/samples/${sha256}?at=${offset}`} title="Show these bytes">
              <code>0x{offset.toString(16)}</code>
            </Link>{' '}
            <code className={styles.bytes}>
              {text.slice(0, start)}
              <mark>{text.slice(start, start + length)}</mark>
              {text.slice(start + length)}
            </code>
          </li>
        ))}
      {strings.length > SHOWN && <li className={styles.none}>and {strings.length - SHOWN} more</li>}
    </ul>
  )
}

/** The first place of every string before the second of any. */
function firstOfEach(strings: HuntHit['strings']): HuntHit['strings'] {
  const first = new Map(strings.toReversed().map((found) => [found.identifier, found]))
  return [
    ...strings.filter((found) => first.get(found.identifier) === found),
    ...strings.filter((found) => first.get(found.identifier) !== found),
  ]
}
