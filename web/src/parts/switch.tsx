import { Switch as AriaSwitch } from 'react-aria-components'
import styles from './switch.module.css'

/** On or off, at once. The label is read aloud; the words around the switch show it. */
export function Switch({
  label,
  isOn,
  isDisabled = false,
  onChange,
}: {
  readonly label: string
  readonly isOn: boolean
  readonly isDisabled?: boolean
  readonly onChange: (isOn: boolean) => void
}) {
  return (
    <AriaSwitch
      aria-label={label}
      isSelected={isOn}
      isDisabled={isDisabled}
      onChange={onChange}
      className={styles.switch ?? ''}
    >
      <span className={styles.track} />
    </AriaSwitch>
  )
}
