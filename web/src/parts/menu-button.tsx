import { ChevronDown } from 'lucide-react'
import type { ReactNode } from 'react'
import { Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import { Button } from './button.tsx'
import menu from './menu.module.css'

/** A button that opens a list of things to do. */
export function MenuButton<T extends string>({
  title,
  weight = 'plain',
  isDisabled = false,
  choices,
  onChoose,
}: {
  readonly title: ReactNode
  readonly weight?: 'main' | 'plain'
  readonly isDisabled?: boolean
  readonly choices: readonly { readonly id: T; readonly title: string }[]
  readonly onChoose: (id: T) => void
}) {
  return (
    <MenuTrigger>
      <Button weight={weight} isDisabled={isDisabled}>
        {title}
        <ChevronDown size={14} aria-hidden />
      </Button>
      <Popover className={menu.popover ?? ''}>
        <Menu className={menu.menu ?? ''} onAction={(id) => onChoose(id as T)}>
          {choices.map(({ id, title }) => (
            <MenuItem key={id} id={id} className={menu.item ?? ''}>
              {title}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
