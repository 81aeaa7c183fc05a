import { count } from '../../parts/numbers.ts'
import { hexOf } from './hex-view.tsx'
import type { Mark } from './marks.ts'
import styles from './strings-list.module.css'

/** The strings of a match; an offset leads to its place in the bytes. */
export function StringsList({
  marks,
  at,
  onMove,
}: {
  readonly marks: readonly Mark[]
  readonly at: number
  readonly onMove: (at: number) => void
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={styles.around} aria-label="Strings of the match" tabIndex={0}>
      <table className={styles.list}>
        <thead>
          <tr>
            <th scope="col">String</th>
            <th scope="col">Offset</th>
            <th scope="col">Length</th>
            <th scope="col">Text</th>
            <th scope="col">Bytes</th>
          </tr>
        </thead>
        <tbody>
          {marks.map((mark) => {
            const { identifier, offset, length, text, hex, start, rule } = mark
            const end = start + Math.min(length, 32)
            return (
              <tr key={`${rule} ${identifier} ${offset} ${length}`} data-here={offset === at || undefined}>
                <th scope="row">
                  <code>{identifier}</code>
                </th>
                <td>
                  <button type="button" className={styles.offset} onClick={() => onMove(offset)}>
                    {hexOf(offset)}
                  </button>
                </td>
                <td>{count(length)}</td>
                <td className={styles.text}>
                  <code>{text.slice(start, end)}</code>
                </td>
                <td className={styles.text}>
                  <code>
                    {hex
                      .slice(2 * start, 2 * end)
                      .toUpperCase()
                      .replace(/..(?=.)/g, '$& ')}
                  </code>
                </td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </section>
  )
}
