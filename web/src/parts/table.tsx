import { ArrowDown, ArrowUp } from 'lucide-react'
import { memo, type ReactNode, type RefObject, useCallback, useEffect, useRef } from 'react'
import { ColumnChoice, useChosenColumns } from './column-choice.tsx'
import { TABLE_FROM, useMedia } from './media.ts'
import styles from './table.module.css'
import { type Portion, useVisibleRows } from './visible-rows.ts'

export interface Column<Row> {
  readonly key: string
  readonly title: string
  /** Shown in the head instead of the title, which is then read aloud. */
  readonly head?: ReactNode
  readonly cell: (row: Row) => ReactNode
  /** Numbers stand at the end, so that their digits align. */
  readonly align?: 'start' | 'end'
  readonly isSortable?: boolean
  /** A CSS width; the columns without one share what is left. */
  readonly width?: string
  /** It can be left out; without a choice it is shown in windows of so many pixels and more. */
  readonly from?: number
}

export interface Sort {
  readonly by: string
  readonly descending: boolean
}

export interface Choice {
  readonly chosen: ReadonlySet<string>
  readonly onChange: (chosen: ReadonlySet<string>) => void
  /** Rows that cannot be chosen; none by default. */
  readonly isFixed?: (key: string) => boolean
}

export interface TableProps<Row> {
  /** Read aloud, not shown. */
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  /** Undefined while they are on their way. */
  readonly rows: readonly Row[] | undefined
  readonly keyOf: (row: Row) => string
  /** What a row is called, for its checkbox. */
  readonly nameOf?: (row: Row) => string
  readonly sort?: Sort
  readonly onSort?: (sort: Sort) => void
  /** With it, every row has a checkbox in front. */
  readonly choice?: Choice
  /** In the place of rows, when there are none. */
  readonly empty: ReactNode
  /** The rows are those of an earlier question while the answer to the present one is on its way. */
  readonly isStale?: boolean
  /** Under which the browser remembers the columns that were chosen; with it, columns with `from` can be chosen. */
  readonly name?: string
  /** With it, many rows scroll in a place of their own, and only those in sight are drawn. The last ones came in sight. */
  readonly onEnd?: () => void
  /** With it, of the whole list, which `rows` may be the beginning of; null where nobody knows. */
  readonly rowCount?: number | null | undefined
  /** With it, what the rows answer: those of another question are shown from the first one on. */
  readonly of?: string
}

/** As many rows are drawn all at once. */
const ALL_DRAWN = 100

/**
 * A plain HTML table: the first column names the row, heads sort, checkboxes choose. In narrow windows each row is a card
 * with the titles of its columns.
 */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, rows, name, empty } = props
  const { shown, hidden, choosable, isShown, onChange } = useChosenColumns(name, props.columns)
  const isCards = useMedia(CARDS)
  const around = useRef<HTMLElement>(null)
  if (rows?.length === 0) return <div className={styles.around}>{empty}</div>
  const isPortioned = props.onEnd !== undefined && rows !== undefined && rows.length >= ALL_DRAWN
  const drawn = { ...props, columns: shown, isCards }
  return (
    <>
      {choosable.length > 0 && (
        <ColumnChoice of={caption} columns={choosable} hidden={hidden} isShown={isShown} onChange={onChange} />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard */}
      <section ref={around} className={styles.around} aria-label={caption} tabIndex={0} data-portioned={isPortioned}>
        {isPortioned ? <PortionedTable {...drawn} rows={rows} around={around} /> : <DrawnTable {...drawn} />}
      </section>
    </>
  )
}

/** Narrower than a table of several columns can be read in. */
const CARDS = `(max-width: ${TABLE_FROM - 1}px)`

interface DrawnProps<Row> extends TableProps<Row> {
  readonly isCards: boolean
  readonly portion?: Portion
}

function PortionedTable<Row>({
  around,
  ...props
}: DrawnProps<Row> & { readonly rows: readonly Row[]; readonly around: RefObject<HTMLElement | null> }) {
  const portion = useVisibleRows(props.rows, props.keyOf, around, props)
  // biome-ignore lint/correctness/useExhaustiveDependencies: another question is what begins at the top
  useEffect(() => {
    if (around.current) around.current.scrollTop = 0
  }, [props.of])
  return <DrawnTable {...props} portion={portion} />
}

function DrawnTable<Row>(props: DrawnProps<Row>) {
  const { caption, columns, rows, keyOf, nameOf = keyOf, sort, onSort, choice, isStale = false, isCards } = props
  const { portion } = props
  const onToggle = useToggle(choice)
  const width = columns.length + (choice ? 1 : 0)
  // What is drawn as cards is a table still.
  const role = (is: string) => (isCards ? { role: is } : {})
  const drawn = (row: Row, place: number | null) => {
    const id = keyOf(row)
    const isChosen = choice ? choice.chosen.has(id) : null
    const isFixed = choice?.isFixed?.(id) ?? false
    return (
      <TableRow
        key={id}
        {...{ row, id, columns, isChosen, isFixed, onToggle, isCards, place }}
        measure={portion?.measure ?? null}
        name={nameOf(row)}
      />
    )
  }
  // A row out of sight that has the focus stays where it is among those in sight, with gaps around it.
  const portioned = (all: readonly Row[], { rows: those, height }: Portion) => {
    const shown: ReactNode[] = []
    let end = 0
    for (const { index, start, end: next } of those) {
      const row = all[index]
      if (row === undefined) continue
      if (start > end) shown.push(<Gap key={`gap ${end}`} height={start - end} width={width} />)
      shown.push(drawn(row, index))
      end = next
    }
    shown.push(<Gap key="gap" height={height - end} width={width} />)
    return shown
  }
  return (
    <table
      className={styles.table}
      aria-busy={rows === undefined || isStale}
      data-stale={isStale || undefined}
      {...(portion && { 'aria-rowcount': countOfRows(props) })}
      {...role('table')}
    >
      <caption className="visually-hidden">{caption}</caption>
      <thead {...role('rowgroup')}>
        <tr {...role('row')} {...(portion && { 'aria-rowindex': 1 })}>
          {choice && <ChoiceHead rows={rows ?? []} keyOf={keyOf} choice={choice} isCards={isCards} />}
          {columns.map((column) => (
            <Head key={column.key} column={column} sort={sort} onSort={onSort} isCards={isCards} />
          ))}
        </tr>
      </thead>
      <tbody {...role('rowgroup')}>
        {!rows ? <Waiting columns={width} /> : portion ? portioned(rows, portion) : rows.map((row) => drawn(row, null))}
      </tbody>
    </table>
  )
}

/** With the row of heads; -1, as ARIA has it, where the list goes on and nobody knows how far. */
function countOfRows<Row>({ rows = [], rowCount = rows.length }: TableProps<Row>): number {
  return rowCount === null ? -1 : Math.max(rowCount, rows.length) + 1
}

/** The room of rows that are out of sight. */
function Gap({ height, width }: { readonly height: number; readonly width: number }) {
  if (height <= 0) return null
  return (
    <tr aria-hidden className={styles.gap}>
      <td colSpan={width} style={{ height }} />
    </tr>
  )
}

interface RowProps<Row> extends Pick<TableProps<Row>, 'columns'> {
  readonly row: Row
  readonly id: string
  readonly name: string
  /** Null where rows cannot be chosen. */
  readonly isChosen: boolean | null
  readonly isFixed: boolean
  readonly onToggle: (id: string) => void
  readonly isCards: boolean
  /** Among all rows; null where all are drawn. */
  readonly place: number | null
  readonly measure: ((row: HTMLTableRowElement | null) => void) | null
}

/** Drawn anew only when something of its own changes: a list may show a thousand of them. */
const TableRow = memo(function TableRow<Row>(props: RowProps<Row>) {
  const { row, id, name, columns, isChosen, isFixed, onToggle, isCards, place, measure } = props
  const role = (is: string) => (isCards ? { role: is } : {})
  return (
    <tr
      data-chosen={isChosen || undefined}
      {...role('row')}
      {...(place !== null && { ref: measure, 'data-index': place, 'aria-rowindex': place + 2 })}
    >
      {isChosen !== null && (
        <td className={styles.choice} {...role('cell')}>
          <input
            type="checkbox"
            aria-label={`Choose ${name}`}
            checked={isChosen}
            disabled={isFixed}
            onChange={() => onToggle(id)}
          />
        </td>
      )}
      {columns.map(({ key: column, title, cell, align }, position) =>
        position === 0 ? (
          <th key={column} scope="row" data-align={align} {...role('rowheader')}>
            {cell(row)}
          </th>
        ) : (
          <td key={column} data-align={align} data-title={title} {...role('cell')}>
            {isCards ? <div>{cell(row)}</div> : cell(row)}
          </td>
        ),
      )}
    </tr>
  )
}) as <Row>(props: RowProps<Row>) => ReactNode

/** Chooses or leaves out one row; the same function for as long as the table is there. */
function useToggle(choice: Choice | undefined): (id: string) => void {
  const latest = useRef(choice)
  useEffect(() => {
    latest.current = choice
  })
  return useCallback((id) => {
    if (!latest.current) return
    const next = new Set(latest.current.chosen)
    if (!next.delete(id)) next.add(id)
    latest.current.onChange(next)
  }, [])
}

function Head<Row>({
  column: { key, title, head, align, isSortable, width },
  sort,
  onSort,
  isCards,
}: {
  readonly isCards: boolean
  readonly column: Column<Row>
  readonly sort: Sort | undefined
  readonly onSort: ((sort: Sort) => void) | undefined
}) {
  const isSorted = sort?.by === key
  const direction = isSorted ? (sort.descending ? 'descending' : 'ascending') : 'none'
  const words = head ? (
    <>
      <span className="visually-hidden">{title}</span>
      <span aria-hidden>{head}</span>
    </>
  ) : (
    title
  )
  return (
    <th
      scope="col"
      data-align={align}
      data-sortable={isSortable || undefined}
      style={{ width }}
      {...(isCards && { role: 'columnheader' })}
      {...(isSortable && { 'aria-sort': direction })}
    >
      {isSortable && onSort ? (
        <button
          type="button"
          className={styles.sort}
          // Numbers are looked at from the greatest down, names from the first on.
          onClick={() => onSort({ by: key, descending: isSorted ? !sort.descending : align === 'end' })}
        >
          {words}
          {isSorted && (sort.descending ? <ArrowDown size={12} aria-hidden /> : <ArrowUp size={12} aria-hidden />)}
        </button>
      ) : (
        words
      )}
    </th>
  )
}

function ChoiceHead<Row>({
  rows,
  keyOf,
  choice,
  isCards,
}: {
  readonly isCards: boolean
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly choice: Choice
}) {
  const here = rows.map(keyOf).filter((key) => !choice.isFixed?.(key))
  const all = here.length > 0 && here.every((key) => choice.chosen.has(key))
  const some = !all && here.some((key) => choice.chosen.has(key))
  return (
    <th scope="col" className={styles.choice} {...(isCards && { role: 'columnheader' })}>
      <input
        type="checkbox"
        aria-label="Choose all rows of this page"
        checked={all}
        ref={(box) => {
          if (box) box.indeterminate = some
        }}
        onChange={() => {
          const next = new Set(choice.chosen)
          for (const key of here) {
            if (all) next.delete(key)
            else next.add(key)
          }
          choice.onChange(next)
        }}
      />
    </th>
  )
}

function Waiting({ columns }: { readonly columns: number }) {
  return Array.from({ length: 8 }, (_, row) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: these rows are all alike
    <tr key={row} className={styles.waiting}>
      <td colSpan={columns}>
        <span />
      </td>
    </tr>
  ))
}
