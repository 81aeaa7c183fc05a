import type { ReactNode } from 'react'
import { Switch as AriaSwitch } from 'react-aria-components'
import styles from './switch.module.css'

/** On or off, at once. The label is read aloud; `children` are words in front of the switch, which work it too. */
export function Switch({
  label,
  isOn,
  isDisabled = false,
  onChange,
  children,
}: {
  readonly label: string
  readonly isOn: boolean
  readonly isDisabled?: boolean
  readonly onChange: (isOn: boolean) => void
  readonly children?: ReactNode
}) {
  return (
    <AriaSwitch
      aria-label={label}
      isSelected={isOn}
      isDisabled={isDisabled}
      onChange={onChange}
      className={styles.switch ?? ''}
    >
      {children}
      <span className={styles.track} />
    </AriaSwitch>
  )
}
