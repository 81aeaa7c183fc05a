import { Columns3 } from 'lucide-react'
import { useMemo, useState } from 'react'
import { Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import { Button } from './button.tsx'
import styles from './column-choice.module.css'
import { TABLE_FROM, useWindowWidth } from './media.ts'
import menu from './menu.module.css'

interface Choosable {
  readonly key: string
  readonly title: string
  readonly from?: number
}

/**
 * Which columns of a table are shown: those that somebody chose in this browser, else what fits into the window. The first
 * one, and those without `from`, always are; so are all of them in windows so narrow that rows are cards.
 */
export function useChosenColumns<Column extends Choosable>(name: string | undefined, columns: readonly Column[]) {
  const [chosen, setChosen] = useState(() => (name === undefined ? {} : remembered(name)))
  const widths = useMemo(() => [...new Set(columns.map(({ from = 0 }) => from))], [columns])
  const width = useWindowWidth(widths)
  const isCards = width < TABLE_FROM
  const isShown = ({ key, from = 0 }: Choosable): boolean =>
    from === 0 || (name === undefined ? true : (chosen[key] ?? (isCards || width >= from)))
  const choosable = name === undefined ? [] : columns.filter(({ from }) => from !== undefined)
  const shown = columns.filter(isShown)
  const onChange = (keys: ReadonlySet<string>) => {
    // What nobody has chosen goes on following the width of the window.
    const changed = choosable.filter((column) => keys.has(column.key) !== isShown(column))
    const next = { ...chosen, ...Object.fromEntries(changed.map(({ key }) => [key, keys.has(key)])) }
    setChosen(next)
    if (name !== undefined) remember(name, next)
  }
  return { shown, choosable, hidden: columns.length - shown.length, isShown, onChange }
}

type Chosen = Readonly<Record<string, boolean>>

const keyOf = (name: string) => `backtrail.columns.${name}`

function remembered(name: string): Chosen {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(keyOf(name)) ?? '{}')
    return typeof stored === 'object' && stored !== null ? (stored as Chosen) : {}
  } catch {
    // Without storage, or with what somebody else has written there, nothing was chosen.
    return {}
  }
}

function remember(name: string, chosen: Chosen): void {
  try {
    localStorage.setItem(keyOf(name), JSON.stringify(chosen))
  } catch {
    // Without storage the choice holds until the page is left.
  }
}

/** Says how many columns are not shown, and lets them be chosen. */
export function ColumnChoice({
  of,
  columns,
  hidden,
  isShown,
  onChange,
}: {
  /** What the table is called. */
  readonly of: string
  readonly columns: readonly Choosable[]
  readonly hidden: number
  readonly isShown: (column: Choosable) => boolean
  readonly onChange: (keys: ReadonlySet<string>) => void
}) {
  return (
    <div className={styles.choice}>
      <MenuTrigger>
        <Button weight="quiet">
          <Columns3 size={14} aria-hidden /> Columns{hidden > 0 && ` (${hidden} hidden)`}
        </Button>
        <Popover className={menu.popover ?? ''}>
          <Menu
            aria-label={`Columns of ${of}`}
            className={menu.menu ?? ''}
            selectionMode="multiple"
            selectedKeys={columns.filter(isShown).map(({ key }) => key)}
            onSelectionChange={(keys) =>
              onChange(keys === 'all' ? new Set(columns.map(({ key }) => key)) : new Set([...keys].map(String)))
            }
          >
            {columns.map(({ key, title }) => (
              <MenuItem key={key} id={key} className={menu.item ?? ''}>
                {title}
              </MenuItem>
            ))}
          </Menu>
        </Popover>
      </MenuTrigger>
    </div>
  )
}
