import { useState } from 'react'
import { useParams } from 'react-router'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { useResolve, useSharedRuleset, useSharing } from '../../api/sharing.ts'
import { Difference } from '../../editor/difference.tsx'
import { Button, LinkButton } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { SyncState } from '../../parts/sync-state.tsx'
import styles from './shared-ruleset-page.module.css'

/** A shared ruleset: the text here beside the one that is shared, and what becomes of them where they differ. */
export function Component() {
  const { name = '' } = useParams()
  const found = useSharedRuleset(name)
  const mayPublish = useSharing().data?.may_publish === true
  const resolve = useResolve()
  const [asked, setAsked] = useState<'own' | 'shared' | null>(null)
  if (found.isError && !found.data) return <Problem error={found.error} onRetry={() => void found.refetch()} />
  if (!found.data) return <PageHead title={name} about="Loading …" />
  const { state, own, shared, own_text, shared_text, author, appliance, time, sequence, problem } = found.data
  const isDifferent = state === 'OutOfSync' || state === 'Error'
  const onConfirm = () => {
    if (asked === null) return
    resolve.mutate(
      { name, keep: asked, sequence },
      {
        onSuccess: () => notifyDone(asked === 'own' ? `${name} is published.` : `${name} is as it is shared.`),
        onError: notifyFailed,
        onSettled: () => setAsked(null),
      },
    )
  }
  return (
    <>
      <PageHead
        title={name}
        about={
          <>
            <SyncState of={state} /> {sequence > 0 && `published by ${author} on ${appliance}`}{' '}
            {time && <Moment at={time} />}
          </>
        }
        actions={
          <>
            <LinkButton href="/shared-rulesets">Shared rulesets</LinkButton>
            {own.digest !== null && <LinkButton href={addressOfRuleset(name)}>Ruleset</LinkButton>}
          </>
        }
      />
      {problem && <p>{problem}</p>}
      {isDifferent && (
        <div className={styles.actions}>
          <Button isDisabled={!mayPublish} onPress={() => setAsked('own')}>
            {own.digest === null ? 'Delete it everywhere' : 'Publish the text here'}
          </Button>
          <Button isDisabled={!mayPublish} onPress={() => setAsked('shared')}>
            {shared.digest === null ? 'Delete it here' : 'Take the shared text'}
          </Button>
        </div>
      )}
      <div className={styles.texts}>
        <Panel title={`Here${own.digest === null ? ': deleted' : own.enabled ? '' : ', disabled'}`}>
          <div className={styles.text}>
            <Difference before={shared_text ?? ''} after={own_text ?? ''} label="The text here" />
          </div>
        </Panel>
        <Panel title={`Shared${shared.digest === null ? ': deleted' : shared.enabled ? '' : ', disabled'}`}>
          <div className={styles.text}>
            <Difference before="" after={shared_text ?? ''} label="The shared text" />
          </div>
        </Panel>
      </div>
      <Confirmation
        title={asked === 'own' ? `Publish what is here of ${name}?` : `Take what is shared of ${name}?`}
        action={asked === 'own' ? 'Publish' : 'Take'}
        isOpen={asked !== null}
        isBusy={resolve.isPending}
        onClose={() => setAsked(null)}
        onConfirm={onConfirm}
      >
        {asked === 'own' ? (
          <p>All appliances get it in place of what is shared now, where they have not changed theirs.</p>
        ) : shared.digest === null ? (
          <p>The ruleset is deleted here, with its revisions and matches. This cannot be undone.</p>
        ) : (
          <p>The text here stays as an earlier revision.</p>
        )}
      </Confirmation>
    </>
  )
}
