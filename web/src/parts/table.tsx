import { ArrowDown, ArrowUp } from 'lucide-react'
import { memo, type ReactNode, useCallback, useEffect, useRef } from 'react'
import styles from './table.module.css'

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
}

/** A plain HTML table: the first column names the row, heads sort, checkboxes choose. */
export function Table<Row>(props: TableProps<Row>) {
  const { caption, columns, rows, keyOf, nameOf = keyOf, sort, onSort, choice, empty, isStale = false } = props
  const onToggle = useToggle(choice)
  if (rows?.length === 0) return <div className={styles.around}>{empty}</div>
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className={styles.around} aria-label={caption} tabIndex={0}>
      <table className={styles.table} aria-busy={rows === undefined || isStale} data-stale={isStale || undefined}>
        <caption className="aloud">{caption}</caption>
        <thead>
          <tr>
            {choice && <ChoiceHead rows={rows ?? []} keyOf={keyOf} choice={choice} />}
            {columns.map((column) => (
              <Head key={column.key} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows ? (
            rows.map((row) => {
              const id = keyOf(row)
              const isChosen = choice ? choice.chosen.has(id) : null
              const isFixed = choice?.isFixed?.(id) ?? false
              return <TableRow key={id} {...{ row, id, columns, isChosen, isFixed, onToggle }} name={nameOf(row)} />
            })
          ) : (
            <Waiting columns={columns.length + (choice ? 1 : 0)} />
          )}
        </tbody>
      </table>
    </section>
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
}

/** Drawn anew only when something of its own changes: a list may show a thousand of them. */
const TableRow = memo(function TableRow<Row>({ row, id, name, columns, isChosen, isFixed, onToggle }: RowProps<Row>) {
  return (
    <tr data-chosen={isChosen || undefined}>
      {isChosen !== null && (
        <td className={styles.choice}>
          <input
            type="checkbox"
            aria-label={`Choose ${name}`}
            checked={isChosen}
            disabled={isFixed}
            onChange={() => onToggle(id)}
          />
        </td>
      )}
      {columns.map(({ key: column, cell, align }, position) =>
        position === 0 ? (
          <th key={column} scope="row" data-align={align}>
            {cell(row)}
          </th>
        ) : (
          <td key={column} data-align={align}>
            {cell(row)}
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
}: {
  readonly column: Column<Row>
  readonly sort: Sort | undefined
  readonly onSort: ((sort: Sort) => void) | undefined
}) {
  const isSorted = sort?.by === key
  const direction = isSorted ? (sort.descending ? 'descending' : 'ascending') : 'none'
  const words = head ? (
    <>
      <span className="aloud">{title}</span>
      <span aria-hidden>{head}</span>
    </>
  ) : (
    title
  )
  return (
    <th scope="col" data-align={align} style={{ width }} {...(isSortable && { 'aria-sort': direction })}>
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
}: {
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row) => string
  readonly choice: Choice
}) {
  const here = rows.map(keyOf).filter((key) => !choice.isFixed?.(key))
  const all = here.length > 0 && here.every((key) => choice.chosen.has(key))
  const some = !all && here.some((key) => choice.chosen.has(key))
  return (
    <th scope="col" className={styles.choice}>
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
