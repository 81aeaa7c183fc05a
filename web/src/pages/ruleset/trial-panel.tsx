import { X } from 'lucide-react'
import { type Hunt, type HuntHit, hasEnded } from '../../api/hunts.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { hitColumns } from '../../parts/hit-columns.tsx'
import { bytes, count, counted, duration } from '../../parts/numbers.ts'
import { Problem } from '../../parts/problem.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { Table } from '../../parts/table.tsx'
import type { Trial } from './trial.ts'
import styles from './trial-panel.module.css'

/** What the unsaved text finds, as it comes in. */
export function TrialPanel({
  trial,
  onStop,
  onClose,
}: {
  readonly trial: Trial
  readonly onStop: () => void
  readonly onClose: () => void
}) {
  const { hunt, hits, scope, error } = trial
  const isRunning = !error && (!hunt || !hasEnded(hunt))
  return (
    <section className={styles.trial} aria-label="Test">
      <header className={styles.head}>
        <h2>{scope === 'goodware' ? 'Test on goodware' : 'Test on everything'}</h2>
        <p className={styles.summary} aria-live="polite">
          {hunt ? summaryOf(hunt, hits) : 'Starting …'}
        </p>
        {isRunning && <Button onPress={onStop}>Stop</Button>}
        {hunt && <LinkButton href={`/hunts/${hunt.id}`}>All results</LinkButton>}
        <Button weight="quiet" isIcon aria-label="Close the test" onPress={onClose}>
          <X size={16} aria-hidden />
        </Button>
      </header>
      {isRunning && <ProgressBar label="Test" done={hunt?.processed ?? 0} whole={hunt?.samples ?? null} />}
      {error ? (
        <Problem error={error} />
      ) : hits.length > 0 ? (
        <Table
          caption="What the test found"
          columns={columns}
          rows={hits}
          keyOf={({ id }) => String(id)}
          empty={null}
        />
      ) : (
        hunt && !isRunning && <NothingFound hunt={hunt} scope={scope} />
      )}
    </section>
  )
}

function summaryOf(hunt: Hunt, hits: readonly HuntHit[]): string {
  const found = counted(hunt.matches, 'match', 'matches')
  const read = `${bytes(hunt.scanned_bytes)} read`
  if (!hasEnded(hunt)) {
    const left = hunt.milliseconds_left === null ? '' : `, ${duration(hunt.milliseconds_left)} left`
    return `${found} so far · ${count(hunt.processed)} of ${counted(hunt.samples, 'sample')}${left} · ${read}`
  }
  if (hunt.state === 'failed') return `It failed: ${hunt.failure ?? 'the server has the reason in its log.'}`
  const shown = hits.length < hunt.matches ? `, the first ${count(hits.length)} shown` : ''
  const time = hunt.started && hunt.stopped ? ` · ${duration(Date.parse(hunt.stopped) - Date.parse(hunt.started))}` : ''
  const end = hunt.state === 'stopped' ? 'stopped: ' : ''
  return `${end}${found}${shown} in ${counted(hunt.samples, 'sample')}${time} · ${read}`
}

function NothingFound({ hunt, scope }: { readonly hunt: Hunt; readonly scope: Trial['scope'] }) {
  if (hunt.state !== 'completed') return null
  if (hunt.samples === 0) {
    return (
      <EmptyState title={scope === 'goodware' ? 'There is no goodware to test it on' : 'There are no samples yet'}>
        {scope === 'goodware'
          ? 'Classify samples as goodware, and this shows false positives before a ruleset is saved.'
          : 'Upload some on the page Samples, and test again.'}
      </EmptyState>
    )
  }
  return scope === 'goodware' ? (
    <EmptyState title="No false positives">None of {counted(hunt.samples, 'goodware sample')} matches.</EmptyState>
  ) : (
    <EmptyState title="Nothing matches">None of {counted(hunt.samples, 'sample')} matches these rules.</EmptyState>
  )
}

const columns = hitColumns.filter(({ key }) => key !== 'threat')
