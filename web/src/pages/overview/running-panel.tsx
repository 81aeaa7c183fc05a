import { Link } from 'react-router'
import { hasEnded, useHunts } from '../../api/hunts.ts'
import { useRetroRuns } from '../../api/retro.ts'
import { LinkButton } from '../../parts/button.tsx'
import { counted, duration } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import styles from './overview-page.module.css'

interface Running {
  readonly address: string
  readonly title: string
  readonly processed: number
  readonly samples: number
  readonly matches: number
  readonly millisecondsLeft: number | null
}

/** Hunts that are under way, Local Retro among them. */
export function RunningPanel() {
  const hunts = useHunts({ type: 'all', page: 1, pageSize: 20 })
  const retro = useRetroRuns()
  const running: Running[] = []
  const latest = retro.data?.results[0]
  if (latest && (latest.state === 'STARTING' || latest.state === 'RUNNING')) {
    running.push({ ...latest, address: '/retro', title: 'Local Retro', millisecondsLeft: latest.milliseconds_left })
  }
  for (const hunt of hunts.data?.results ?? []) {
    if (hasEnded(hunt)) continue
    const title = hunt.title ?? hunt.rules.map(({ name }) => name).join(', ')
    running.push({ ...hunt, address: `/hunts/${hunt.id}`, title, millisecondsLeft: hunt.milliseconds_left })
  }
  return (
    <Panel title="Hunts running">
      {running.length === 0 ? (
        <p className={styles.soft}>
          None. <Link to="/retro">Local Retro</Link> matches everything that is stored with all enabled rulesets; “Test
          rules” beside a ruleset hunts with its text alone.
        </p>
      ) : (
        <ul className={styles.list}>
          {running.map(({ address, title, processed, samples, matches, millisecondsLeft }) => (
            <li key={address}>
              <Link to={address}>{title}</Link>
              <span className={styles.soft}>
                {counted(matches, 'match', 'matches')}
                {millisecondsLeft !== null && ` · ${duration(millisecondsLeft)} left`}
              </span>
              <span className={styles.bar}>
                <ProgressBar label={title} done={processed} whole={samples > 0 ? samples : null} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {running.length > 0 && <LinkButton href="/hunts">All hunts</LinkButton>}
    </Panel>
  )
}
