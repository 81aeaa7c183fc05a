import { CircleAlert, CircleCheck, TriangleAlert } from 'lucide-react'
import type { Diagnostic } from '../../api/rulesets.ts'
import { counted } from '../../parts/numbers.ts'
import { InCode } from './in-code.tsx'
import styles from './problems.module.css'

/** What is wrong with the text, each with the way to its place. */
export function Problems({
  diagnostics,
  isEmpty,
  isChecked,
  onGoTo,
}: {
  readonly diagnostics: readonly Diagnostic[]
  /** There is nothing to check. */
  readonly isEmpty: boolean
  /** The server has looked at the text as it is now. */
  readonly isChecked: boolean
  readonly onGoTo: (place: Diagnostic) => void
}) {
  if (isEmpty) return null
  const errors = diagnostics.filter(({ severity }) => severity === 'error').length
  const warnings = diagnostics.length - errors
  const counts = [errors > 0 && counted(errors, 'error'), warnings > 0 && counted(warnings, 'warning')].filter(Boolean)
  const compiles = errors === 0 && (isChecked ? 'It compiles' : 'Checking …')
  const summary = [compiles, counts.join(', ')].filter(Boolean).join(', with ')
  const Icon = errors > 0 ? CircleAlert : warnings > 0 ? TriangleAlert : CircleCheck
  const tone = errors > 0 ? 'error' : warnings > 0 ? 'warning' : isChecked ? 'fine' : undefined
  return (
    <section className={styles.problems} aria-label="Problems">
      <p className={styles.summary} data-tone={tone} aria-live="polite">
        <Icon size={14} aria-hidden /> {summary}
      </p>
      {diagnostics.length > 0 && (
        <ul>
          {diagnostics.map((diagnostic) => (
            <li key={`${diagnostic.line}:${diagnostic.column}:${diagnostic.message}`}>
              <button type="button" onClick={() => onGoTo(diagnostic)} data-severity={diagnostic.severity}>
                <span className={styles.place}>
                  {diagnostic.line}:{diagnostic.column}
                </span>
                <span>
                  <span className="visually-hidden">{diagnostic.severity}: </span>
                  <InCode text={diagnostic.message} />
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
