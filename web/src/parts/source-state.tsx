import type { RuleSource } from '../api/rule-sources.ts'
import { ProgressBar } from './progress-bar.tsx'
import styles from './source-state.module.css'

const words = {
  new: 'not imported',
  waiting: 'waits',
  synced: 'up to date',
  failed: 'failed',
} as const

const phases = { waiting: 'waits', fetching: 'is fetched', checking: 'is checked', saving: 'is saved' } as const

/** How a rule source is doing; while it is worked on, how far that is. */
export function SourceState({ of: { name, state, problem, activity } }: { readonly of: RuleSource }) {
  if (activity !== null) {
    const { phase, done, total } = activity
    const label = phases[phase]
    return (
      <span className={styles.busy}>
        {label}
        <ProgressBar label={`${name} ${label}`} done={done} whole={total === 0 ? null : total} />
      </span>
    )
  }
  return (
    <span className={styles.state} data-state={state}>
      {state === 'working' ? 'is fetched' : words[state]}
      {problem && <small>{problem}</small>}
    </span>
  )
}

/** As people tell commits apart; the digest of an archive as well. */
export function shortVersion(version: string | null): string {
  return version === null ? '–' : version.replace(/^sha256:/, '').slice(0, 12)
}
