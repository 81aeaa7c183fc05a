import type { RulesetStatus as Status } from '../api/rulesets.ts'
import styles from './ruleset-status.module.css'

const meanings: Readonly<Record<Status, string>> = {
  active: 'It is enabled and runs.',
  disabled: 'It is switched off.',
  invalid: 'It does not compile.',
  error: 'It compiles, but could not be run.',
  pending: 'The cloud has not validated it yet.',
  capped: 'Its cloud hunt stopped at the match limit.',
}

/** The condition of a ruleset as the API names it. */
export function RulesetStatus({ of, reason = null }: { readonly of: Status; readonly reason?: string | null }) {
  return (
    <span className={styles.status} data-status={of} title={reason ?? meanings[of]}>
      {of}
    </span>
  )
}
