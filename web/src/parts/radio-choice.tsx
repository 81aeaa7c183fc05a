import { useId } from 'react'
import styles from './radio-choice.module.css'

/** One of few, all of them shown. */
export function RadioChoice<Id extends string>({
  label,
  value,
  options,
  onChange,
}: {
  readonly label: string
  readonly value: Id
  readonly options: readonly { readonly id: Id; readonly title: string }[]
  readonly onChange: (value: Id) => void
}) {
  const name = useId()
  return (
    <fieldset className={styles.choice}>
      <legend>{label}</legend>
      {options.map(({ id, title }) => (
        <label key={id}>
          <input type="radio" name={name} checked={value === id} onChange={() => onChange(id)} />
          {title}
        </label>
      ))}
    </fieldset>
  )
}
