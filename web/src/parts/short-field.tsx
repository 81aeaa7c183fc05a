import { useEffect, useId, useState } from 'react'
import styles from './inline-field.module.css'

const PAUSE_MS = 300

/** A short text among filters, such as a tag; told after a pause in typing. The label stands before it. */
export function ShortField({
  label,
  value,
  suggestions = [],
  width = '8rem',
  onChange,
}: {
  readonly label: string
  readonly value: string
  /** Values to choose from; others may be typed. */
  readonly suggestions?: readonly string[]
  readonly width?: string
  readonly onChange: (value: string) => void
}) {
  const id = useId()
  const [typed, setTyped] = useState(value)
  useEffect(() => setTyped(value), [value])
  useEffect(() => {
    if (typed === value) return
    const timer = setTimeout(() => onChange(typed), PAUSE_MS)
    return () => clearTimeout(timer)
  }, [typed, value, onChange])
  return (
    <span className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="text"
        autoComplete="off"
        spellCheck={false}
        placeholder="any"
        style={{ width }}
        list={suggestions.length > 0 ? `${id}-list` : undefined}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {suggestions.length > 0 && (
        <datalist id={`${id}-list`}>
          {suggestions.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </span>
  )
}
