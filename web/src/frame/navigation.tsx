import {
  Activity,
  Binary,
  Crosshair,
  FileSearch,
  FlaskConical,
  type LucideIcon,
  Network,
  Rewind,
  ScrollText,
  Settings2,
  UserRound,
} from 'lucide-react'
import { useState } from 'react'
import {
  Button,
  Menu,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  Header as SectionTitle,
} from 'react-aria-components'
import { NavLink, useNavigate } from 'react-router'
import { atServer } from '../api/root.ts'
import { useLogOut, useUser } from '../api/session.ts'
import { useIsManager } from '../api/sharing.ts'
import menu from '../parts/menu.module.css'
import { Bell } from './bell.tsx'
import styles from './navigation.module.css'
import { SearchButton } from './overlays.tsx'
import { chooseTheme, chosenTheme, type Theme } from './theme.ts'

const places: readonly { readonly to: string; readonly title: string; readonly Icon: LucideIcon }[] = [
  { to: '/', title: 'Overview', Icon: Activity },
  { to: '/samples', title: 'Samples', Icon: Binary },
  { to: '/rulesets', title: 'Rulesets', Icon: ScrollText },
  { to: '/workbench', title: 'Workbench', Icon: FlaskConical },
  { to: '/matches', title: 'Matches', Icon: Crosshair },
  { to: '/retro', title: 'Local Retro', Icon: Rewind },
  { to: '/hunts', title: 'Hunts', Icon: FileSearch },
  { to: '/administration', title: 'Administration', Icon: Settings2 },
]

/** Of a server through which appliances share rulesets. */
const appliances = { to: '/appliances', title: 'Appliances', Icon: Network }

export function Navigation() {
  const shown = useIsManager() ? [...places.slice(0, -1), appliances, ...places.slice(-1)] : places
  return (
    <nav className={styles.navigation} aria-label="Pages">
      <div className={styles.top}>
        <NavLink to="/" className={styles.brand ?? ''}>
          <img src={atServer('/favicon.svg')} alt="" width={24} height={24} />
          Backtrail
        </NavLink>
        <Bell />
      </div>
      <SearchButton />
      <ul className={styles.places}>
        {shown.map(({ to, title, Icon }) => (
          <li key={to}>
            <NavLink to={to} end={to === '/'} className={styles.place ?? ''}>
              <Icon size={16} aria-hidden />
              {title}
            </NavLink>
          </li>
        ))}
      </ul>
      <UserMenu />
    </nav>
  )
}

const themes: readonly { readonly id: Theme; readonly title: string }[] = [
  { id: 'system', title: 'Like the system' },
  { id: 'light', title: 'Light' },
  { id: 'dark', title: 'Dark' },
]

function UserMenu() {
  const user = useUser()
  const logOut = useLogOut()
  const navigate = useNavigate()
  const [theme, setTheme] = useState(chosenTheme)
  return (
    <MenuTrigger>
      <Button className={styles.user ?? ''}>
        <UserRound size={16} aria-hidden />
        <span>
          {user.name}
          <small>{user.role}</small>
        </span>
      </Button>
      <Popover className={menu.popover ?? ''} placement="top start">
        <Menu className={menu.menu ?? ''} onAction={(id) => id === 'log-out' && logOut.mutate()}>
          <MenuSection
            selectionMode="single"
            disallowEmptySelection
            selectedKeys={[theme]}
            onSelectionChange={(chosen) => {
              const [next] = [...chosen] as Theme[]
              if (!next) return
              chooseTheme(next)
              setTheme(next)
            }}
          >
            <SectionTitle className={menu.title}>Colours</SectionTitle>
            {themes.map(({ id, title }) => (
              <MenuItem key={id} id={id} className={menu.item ?? ''}>
                {title}
              </MenuItem>
            ))}
          </MenuSection>
          <MenuSection>
            <SectionTitle className={menu.title}>{user.name}</SectionTitle>
            <MenuItem id="notifications" className={menu.item ?? ''} onAction={() => void navigate('/notifications')}>
              Notifications
            </MenuItem>
            <MenuItem id="tokens" className={menu.item ?? ''} onAction={() => void navigate('/administration')}>
              Password and tokens
            </MenuItem>
            <MenuItem
              id="reference"
              className={menu.item ?? ''}
              onAction={() => window.open(atServer('/api/docs/'), '_blank')}
            >
              API reference
            </MenuItem>
            <MenuItem id="log-out" className={menu.item ?? ''}>
              Log out
            </MenuItem>
          </MenuSection>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
