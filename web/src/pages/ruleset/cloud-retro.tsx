import { useState } from 'react'
import { Link } from 'react-router'
import {
  type CloudOperation,
  type CloudStatus,
  isWanted,
  useCloudOperation,
  useCloudStatus,
  useCloudTime,
} from '../../api/cloud.ts'
import { addressOf } from '../../api/http.ts'
import { Button } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { Statistic, Statistics } from '../../parts/statistic.tsx'
import styles from './cloud-retro.module.css'

type HuntState = CloudStatus['retrohunt_status']

const headings: Readonly<Record<HuntState, string>> = {
  IDLE: 'Cloud Retro has not run yet',
  VALIDATING: 'The cloud looks whether it can hunt with the text',
  READY: 'Ready to hunt in the cloud',
  RUNNING: 'Hunting in the cloud',
  COMPLETE: 'Complete',
  CANCELLED: 'Stopped',
  CLEARED: 'Its results were removed',
  ERROR: 'It failed',
}

const statusTexts: Readonly<Record<CloudStatus['cloud_status'], string>> = {
  ACTIVE: 'has the present text and runs it',
  CAPPED: 'runs it; the last hunt stopped at the match limit',
  PENDING: 'is getting it',
  INVALID: 'refused it',
  ERROR: 'cannot take it as it is',
  DISABLED: 'does not run it',
  DELETED: 'no longer has it',
}

/** Whether a ruleset runs in the cloud, and its hunt through what the cloud has collected. */
export default function CloudRetro({ name, mayChange }: { readonly name: string; readonly mayChange: boolean }) {
  const status = useCloudStatus(name)
  const time = useCloudTime()
  const operation = useCloudOperation(name)
  const [isAsking, setAsking] = useState(false)
  if (!status.data) {
    return status.isError ? <Problem error={status.error} onRetry={() => void status.refetch()} /> : <p>Loading …</p>
  }
  const now = status.data
  const { retrohunt_status: hunt } = now
  if (!isWanted(now) && hunt === 'IDLE') {
    return (
      <EmptyState title="This ruleset does not run in the cloud">
        Switch on “Also in the cloud” beside its text and save it; it must be enabled. Then the cloud matches its new
        samples with it, and Cloud Retro hunts through those that it has collected.
      </EmptyState>
    )
  }
  const operate = (asked: CloudOperation) =>
    operation.mutate(asked, { onError: notifyFailed, onSettled: () => setAsking(false) })
  const mayStart = hunt !== 'RUNNING' && hunt !== 'VALIDATING' && isWanted(now)
  const mayClear = hunt === 'COMPLETE' || hunt === 'CANCELLED' || hunt === 'ERROR'
  return (
    <section className={styles.hunt} aria-label="Cloud Retro">
      <header className={styles.head}>
        <h2 aria-live="polite">{headings[hunt]}</h2>
        {mayChange && (
          <span className={styles.actions}>
            {mayClear && <Button onPress={() => setAsking(true)}>Remove its results …</Button>}
            {hunt === 'RUNNING' ? (
              <Button weight="danger" isDisabled={operation.isPending} onPress={() => operate('STOP')}>
                Stop
              </Button>
            ) : (
              <Button weight="main" isDisabled={!mayStart || operation.isPending} onPress={() => operate('START')}>
                Start Cloud Retro
              </Button>
            )}
          </span>
        )}
      </header>
      {hunt === 'RUNNING' && (
        <ProgressBar label="Cloud Retro" done={now.retrohunt_progress ?? 0} whole={now.retrohunt_progress && 1} />
      )}
      {now.reason && <Problem error={new Error(now.reason)} />}
      <Statistics>
        <Statistic name="The cloud">{statusTexts[now.cloud_status]}</Statistic>
        <Time name="Started" at={now.retrohunt_start_time} />
        <Time name={hunt === 'RUNNING' ? 'Expected to end' : 'Ended'} at={endOf(now)} />
        <Time name="Matches fetched up to" at={time.data ?? null} />
      </Statistics>
      <p>
        <Link to={addressOf('/matches', { ruleset: name, place: 'cloud' })}>Look at the matches in the cloud</Link>
      </p>
      <Confirmation
        title="Remove the results of Cloud Retro?"
        action="Remove"
        isOpen={isAsking}
        isBusy={operation.isPending}
        onClose={() => setAsking(false)}
        onConfirm={() => operate('CLEAR')}
      >
        <p>The cloud matches that only its hunts have found leave this appliance. A new hunt finds them again.</p>
      </Confirmation>
    </section>
  )
}

const endOf = (status: CloudStatus): string | null =>
  status.retrohunt_status === 'RUNNING' ? status.retrohunt_estimated_finish_time : status.retrohunt_finish_time

function Time({ name, at }: { readonly name: string; readonly at: string | null }) {
  return at === null ? null : (
    <Statistic name={name}>
      <Moment at={at} />
    </Statistic>
  )
}
