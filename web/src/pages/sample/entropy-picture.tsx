import { useMemo } from 'react'
import type { Entropy } from '../../api/samples.ts'
import { bytes, share } from '../../parts/numbers.ts'
import styles from './entropy-picture.module.css'
import { hexOf } from './hex-view.tsx'
import type { Mark } from './marks.ts'

const WIDTH = 1_000
const HEIGHT = 100
/** Bits a byte above which content is packed, encrypted or compressed. */
const PACKED = 7.2

/**
 * Entropy along the file with the strings of matches as strokes below it. The whole picture is a slider: a click or the
 * arrow keys choose the place that the hex view shows.
 */
export function EntropyPicture({
  entropy: { size, bits },
  marks,
  at,
  onMove,
}: {
  readonly entropy: Entropy
  readonly marks: readonly Mark[]
  readonly at: number
  readonly onMove: (at: number) => void
}) {
  const outline = useMemo(() => outlineOf(bits), [bits])
  const strokes = useMemo(() => strokesOf(marks, size), [marks, size])
  if (bits.length === 0) return <p>The sample is empty.</p>
  const place = (at / size) * WIDTH
  const here = bits[Math.min(bits.length - 1, Math.floor((at / size) * bits.length))] ?? 0
  const mean = bits.reduce((sum, value) => sum + value, 0) / bits.length
  const packed = bits.filter((value) => value >= PACKED).length
  return (
    <div>
      <div className={styles.picture}>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
          {[2, 4, 6].map((level) => (
            <line key={level} className={styles.grid} x1={0} x2={WIDTH} y1={heightOf(level)} y2={heightOf(level)} />
          ))}
          <path className={styles.area} d={`${outline} L ${WIDTH} ${HEIGHT} L 0 ${HEIGHT} Z`} />
          <path className={styles.line} d={outline} />
          <path className={styles.marks} d={strokes} />
          <line className={styles.here} x1={place} x2={place} y1={0} y2={HEIGHT} />
        </svg>
        <input
          className={styles.slider}
          type="range"
          aria-label="Place in the file"
          aria-valuetext={`Offset ${hexOf(at)}, ${here.toFixed(1)} bits a byte`}
          min={0}
          max={Math.max(0, size - 1)}
          step={Math.max(1, Math.floor(size / bits.length))}
          value={at}
          onChange={(event) => onMove(Number(event.currentTarget.value))}
        />
      </div>
      <div className={styles.legend}>
        <span>
          {mean.toFixed(2)} bits a byte on average; {share(packed, bits.length)} of the file looks packed or encrypted
        </span>
        <span>
          {hexOf(at)}: {here.toFixed(1)} bits · a slice is {bytes(Math.ceil(size / bits.length))}
        </span>
      </div>
    </div>
  )
}

const heightOf = (bits: number): number => HEIGHT - (bits / 8) * HEIGHT

/** Steps, as each value holds for a whole slice. */
function outlineOf(bits: readonly number[]): string {
  const width = WIDTH / Math.max(1, bits.length)
  const corners = bits.flatMap((value, slice) => {
    const y = heightOf(value).toFixed(2)
    return [`${(slice * width).toFixed(2)} ${y}`, `${((slice + 1) * width).toFixed(2)} ${y}`]
  })
  return `M ${corners.join(' L ')}`
}

/** At most one stroke a pixel, however many marks there are. */
function strokesOf(marks: readonly Mark[], size: number): string {
  const places = new Set(marks.map(({ offset }) => Math.round((offset / Math.max(1, size)) * WIDTH)))
  return [...places].map((x) => `M ${x} ${HEIGHT} V ${HEIGHT - 14}`).join(' ')
}
