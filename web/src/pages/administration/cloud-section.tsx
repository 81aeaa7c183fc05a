import { useState } from 'react'
import { useCloudTime, useMoveCloudTime } from '../../api/cloud.ts'
import { Button } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { TextField } from '../../parts/field.tsx'
import { exactly, Moment } from '../../parts/moment.tsx'
import { notifyDone } from '../../parts/notices.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import styles from './administration-page.module.css'

/** Up to when the cloud's matches are here, and fetching them again from an earlier time. */
export function CloudSection() {
  const time = useCloudTime()
  if (time.isError) return <Problem error={time.error} onRetry={() => void time.refetch()} />
  if (time.data === undefined) return <p>Loading …</p>
  return (
    <Panel title="Matches of the cloud">
      {time.data === null ? (
        <EmptyState title="This appliance is not connected to a cloud">
          The settings <code>--cloud-url</code>, <code>--cloud-user</code> and a password connect it;{' '}
          <code>npx backtrail cloud check</code> tells whether they work.
        </EmptyState>
      ) : (
        <>
          <p>
            Fetched up to <Moment at={time.data} />, {exactly(time.data)}.
          </p>
          <NewTime />
        </>
      )}
    </Panel>
  )
}

function NewTime() {
  const move = useMoveCloudTime()
  const [from, setFrom] = useState('')
  const chosen = Date.parse(from)
  const problem = chosen > Date.now() ? 'This time has not come yet.' : undefined
  const submit = () =>
    move.mutate(Math.floor(chosen / 1000), {
      onSuccess: () => {
        notifyDone(`Matches are fetched again from ${exactly(new Date(chosen).toISOString())} on.`)
        setFrom('')
      },
    })
  return (
    <form
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault()
        submit()
      }}
    >
      <TextField
        label="Fetch again from"
        type="datetime-local"
        value={from}
        onChange={setFrom}
        problem={problem}
        hint="Everything that the cloud has told since then is fetched once more, and nothing comes twice; a cloud looks back a year at most. A time after the one above leaves out what lies between."
      />
      {move.isError && <Problem error={move.error} />}
      <div>
        <Button type="submit" isDisabled={Number.isNaN(chosen) || problem !== undefined || move.isPending}>
          Fetch again
        </Button>
      </div>
    </form>
  )
}
