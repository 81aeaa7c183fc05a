import { ChevronLeft, ChevronRight } from 'lucide-react'
import { type KeyboardEvent, type ReactNode, useMemo } from 'react'
import { useBytes } from '../../api/samples.ts'
import { Button } from '../../parts/button.tsx'
import { count } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.tsx'
import { ShortField } from '../../parts/short-field.tsx'
import styles from './hex-view.module.css'
import { coverOf, type Mark } from './marks.ts'

const ROW = 16
/** Bytes shown at once: a window that slides over the file, so that a file of any size can be looked at. */
const WINDOW = 64 * ROW
/** Rows before the byte that is asked for. */
const LEAD = 4 * ROW

/** The bytes around an offset, as hexadecimal digits and as text, with the strings of matches marked. */
export function HexView({
  hash,
  size,
  at,
  marks,
  onMove,
}: {
  readonly hash: string
  readonly size: number
  /** The byte that is looked at. */
  readonly at: number
  readonly marks: readonly Mark[]
  readonly onMove: (at: number) => void
}) {
  const last = Math.max(0, Math.floor((size - 1) / ROW) * ROW)
  const start = Math.max(0, Math.min(Math.floor(at / ROW) * ROW - LEAD, last - WINDOW + ROW))
  const shown = useBytes(hash, start, WINDOW)
  const move = (to: number) => onMove(Math.max(0, Math.min(Math.max(0, size - 1), to)))
  const go = (typed: string) => {
    const to = Number(typed)
    if (typed !== '' && Number.isSafeInteger(to) && to >= 0) move(to)
  }
  const keys = (event: KeyboardEvent) => {
    const here = start + LEAD
    const next = { PageDown: here + WINDOW, PageUp: here - WINDOW, Home: 0, End: size - 1 }[event.key]
    if (next === undefined) return
    event.preventDefault()
    move(next)
  }
  return (
    <div>
      <div className={styles.bar}>
        <ShortField label="Go to offset" width="7rem" value={hexOf(at)} onChange={go} />
        <Button isIcon aria-label="Earlier bytes" isDisabled={start === 0} onPress={() => move(start + LEAD - WINDOW)}>
          <ChevronLeft size={16} aria-hidden />
        </Button>
        <Button
          isIcon
          aria-label="Later bytes"
          isDisabled={start + WINDOW >= size}
          onPress={() => move(start + LEAD + WINDOW)}
        >
          <ChevronRight size={16} aria-hidden />
        </Button>
        <span aria-live="polite">
          Bytes {count(start)} to {count(Math.min(size, start + WINDOW))} of {count(size)}
        </span>
      </div>
      {shown.isError ? (
        <Problem error={shown.error} onRetry={() => void shown.refetch()} />
      ) : (
        <section
          className={styles.bytes}
          aria-label="Bytes of the sample; Page Up, Page Down, Home and End move"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
          tabIndex={0}
          onKeyDown={keys}
          data-stale={shown.isPlaceholderData || undefined}
        >
          <Rows bytes={shown.isPlaceholderData ? undefined : shown.data} start={start} at={at} marks={marks} />
        </section>
      )}
    </div>
  )
}

export const hexOf = (offset: number): string => `0x${offset.toString(16).toUpperCase()}`

function Rows({
  bytes = new Uint8Array(),
  start,
  at,
  marks,
}: {
  readonly bytes: Uint8Array | undefined
  readonly start: number
  readonly at: number
  readonly marks: readonly Mark[]
}) {
  const cover = useMemo(() => coverOf(marks, start, bytes.length), [marks, start, bytes.length])
  const rows = Array.from({ length: Math.ceil(bytes.length / ROW) }, (_, row) => row * ROW)
  return (
    <table>
      <thead className="visually-hidden">
        <tr>
          <th scope="col">Offset</th>
          <th scope="col">Hexadecimal</th>
          <th scope="col">Text</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((from) => {
          const row = { bytes, from, cover, marks, at }
          return (
            <tr key={start + from}>
              <th scope="row">{(start + from).toString(16).toUpperCase().padStart(8, '0')}</th>
              <td>{spans({ ...row, format: hexDigits, between: ' ' })}</td>
              <td>{spans({ ...row, format: character, between: '' })}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}

const hexDigits = (byte: number): string => byte.toString(16).toUpperCase().padStart(2, '0')
const character = (byte: number): string => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')

interface Row {
  readonly bytes: Uint8Array
  /** Where the row begins in `bytes`. */
  readonly from: number
  readonly cover: Int32Array
  readonly marks: readonly Mark[]
  readonly at: number
  readonly format: (byte: number) => string
  readonly between: string
}

/** Neighbouring bytes under the same mark, or under none, become one piece of text. */
function spans({ bytes, from, cover, marks, at, format, between }: Row): ReactNode[] {
  const pieces: ReactNode[] = []
  const end = Math.min(bytes.length, from + ROW)
  for (let here = from; here < end; ) {
    const place = cover[here] as number
    let next = here + 1
    while (next < end && cover[next] === place) next++
    const text = Array.from(bytes.subarray(here, next), format).join(between)
    const gap = next < end ? between : ''
    const mark = marks[place]
    if (!mark) pieces.push(text + gap)
    else {
      const isHere = mark.offset === at
      pieces.push(
        <mark key={here} data-here={isHere || undefined} title={`${mark.identifier} of ${mark.rule}`}>
          {text}
        </mark>,
        gap,
      )
    }
    here = next
  }
  return pieces
}
