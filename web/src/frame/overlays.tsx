import { Search } from 'lucide-react'
import { lazy, Suspense, useState } from 'react'
import { Button } from 'react-aria-components'
import { useNavigate } from 'react-router'
import styles from './navigation.module.css'
import { part } from './part.ts'
import { ctrl, useShortcuts } from './shortcuts.ts'

const SearchDialog = lazy(() => part(async () => ({ default: (await import('./search-dialog.tsx')).SearchDialog })))
const HelpSheet = lazy(() => part(async () => ({ default: (await import('./help-sheet.tsx')).HelpSheet })))

/** The button of the search, and the keys that work on every page with what they open. */
export function SearchButton() {
  const [open, setOpen] = useState<'search' | 'help' | null>(null)
  const navigate = useNavigate()
  const close = () => setOpen(null)
  useShortcuts({
    onSearch: () => setOpen('search'),
    onHelp: () => setOpen('help'),
    onGo: (address) => void navigate(address),
  })
  return (
    <>
      <Button className={styles.search ?? ''} onPress={() => setOpen('search')}>
        <Search size={14} aria-hidden />
        <span>Search</span>
        <kbd aria-hidden>{ctrl} K</kbd>
      </Button>
      <Suspense>
        {open === 'search' && <SearchDialog onClose={close} />}
        {open === 'help' && <HelpSheet onClose={close} />}
      </Suspense>
    </>
  )
}
