import styles from './inline-field.module.css'

/** Two days as one filter, each `2026-11-22` or empty. The label stands before them. */
export function DateRange({
  label,
  from,
  to,
  onChange,
}: {
  readonly label: string
  readonly from: string
  readonly to: string
  readonly onChange: (change: { readonly from?: string; readonly to?: string }) => void
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: browsers do not lay out a fieldset in a line with its neighbours
    <div className={styles.field} role="group" aria-label={label}>
      <span aria-hidden>{label}</span>
      <input
        type="date"
        aria-label="From"
        value={from}
        max={to || undefined}
        onChange={(event) => onChange({ from: event.currentTarget.value })}
      />
      <span aria-hidden>–</span>
      <input
        type="date"
        aria-label="To"
        value={to}
        min={from || undefined}
        onChange={(event) => onChange({ to: event.currentTarget.value })}
      />
    </div>
  )
}
