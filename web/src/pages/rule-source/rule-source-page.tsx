import { useEffect, useRef, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import {
  mayManage,
  type RuleSource,
  usePreview,
  useRemoveSource,
  useRuleSource,
  useRuleSourceFiles,
  useStartPreview,
  useSynchronize,
} from '../../api/rule-sources.ts'
import { useUser } from '../../api/session.ts'
import { Button } from '../../parts/button.tsx'
import { Confirmation, Dialog } from '../../parts/dialog.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { SourceState, shortVersion } from '../../parts/source-state.tsx'
import { PreviewTable } from './preview-table.tsx'
import styles from './rule-source-page.module.css'
import { SourceFiles } from './source-files.tsx'

export function Component() {
  const id = Number(useParams().id)
  const source = useRuleSource(id)
  if (source.data) return <SourcePage source={source.data} />
  return (
    <>
      <PageHead title="Rule source" />
      {source.isError && <Problem error={source.error} onRetry={() => void source.refetch()} />}
    </>
  )
}

type Open = 'overwrite' | 'remove' | null

function SourcePage({ source }: { readonly source: RuleSource }) {
  const user = useUser()
  const { id, name, url, state, activity } = source
  const isIdle = activity === null && state !== 'waiting'
  const isMine = mayManage(user, source)
  const isPreviewing = activity?.kind === 'preview'
  const preview = usePreview(id, { isUnderWay: isPreviewing, isAwaited: isMine && state === 'new' })
  const startPreview = useStartPreview()
  const synchronize = useSynchronize()
  const files = useRuleSourceFiles(id, source.last_run?.run)
  const [open, setOpen] = useState<Open>(null)
  const close = () => setOpen(null)

  // What is new is looked at before it is imported.
  const isAsked = useRef(false)
  const isToLook = state === 'new' && isIdle && isMine && preview.data === null
  useEffect(() => {
    if (!isToLook || isAsked.current) return
    isAsked.current = true
    startPreview.mutate(id)
  }, [isToLook, id, startPreview])

  const sync = (overwrite: boolean) => {
    synchronize.mutate({ id, overwrite }, { onError: notifyFailed })
    close()
  }
  const isSoftened = files.data?.results.some((file) => file.state === 'detached' || file.state === 'deleted')
  const isCurrent = preview.data?.version !== null && preview.data?.version === source.version
  return (
    <>
      <PageHead
        title={name}
        about={
          <>
            <span className={styles.address}>{url}</span>
            {source.branch && ` · ${source.branch}`}
          </>
        }
        actions={
          isMine && (
            <>
              <Button isDisabled={!isIdle} onPress={() => startPreview.mutate(id, { onError: notifyFailed })}>
                Preview
              </Button>
              {isSoftened && (
                <Button isDisabled={!isIdle} onPress={() => setOpen('overwrite')}>
                  Take all from the source
                </Button>
              )}
              <Button weight="danger" onPress={() => setOpen('remove')}>
                Remove
              </Button>
              <Button weight="main" isDisabled={!isIdle || synchronize.isPending} onPress={() => sync(false)}>
                {state === 'new' ? 'Import' : 'Sync now'}
              </Button>
            </>
          )
        }
      />
      <div className={styles.panels}>
        <Panel title="State">
          <StateList source={source} />
        </Panel>
        {preview.data && !isCurrent && (
          <Panel title="What a synchronization would bring" isFlush={preview.data.problem === null}>
            {preview.data.problem === null ? (
              <PreviewTable preview={preview.data} />
            ) : (
              <Problem error={new Error(preview.data.problem)} />
            )}
          </Panel>
        )}
        {state !== 'new' && (
          <Panel title="Files" isFlush>
            {files.isError ? (
              <Problem error={files.error} onRetry={() => void files.refetch()} />
            ) : (
              <SourceFiles files={files.data?.results} />
            )}
          </Panel>
        )}
      </div>
      <Confirmation
        title="Take all from the source?"
        action="Overwrite"
        isOpen={open === 'overwrite'}
        onClose={close}
        onConfirm={() => sync(true)}
      >
        Rulesets that were edited here get the text of the source as a new revision, and those that were deleted here
        are made anew.
      </Confirmation>
      <RemoveSource source={source} isOpen={open === 'remove'} onClose={close} />
    </>
  )
}

const modes = {
  manual: 'It is fetched when somebody asks.',
  update: 'The rulesets that were imported are updated by themselves; new files wait.',
  import: 'Rulesets are updated by themselves, and new files are imported.',
} as const

function StateList({ source }: { readonly source: RuleSource }) {
  const { mode, removed_upstream, version, synced, next, failures, owner, last_run } = source
  const problems = last_run?.outcome?.problems ?? []
  return (
    <>
      <dl className={styles.state}>
        <dt>State</dt>
        <dd>
          <SourceState of={source} />
        </dd>
        <dt>By itself</dt>
        <dd>
          {modes[mode]} A ruleset whose file is gone is {removed_upstream === 'delete' ? 'deleted' : 'disabled'}.
        </dd>
        <dt>Version</dt>
        <dd>
          <code title={version ?? ''}>{shortVersion(version)}</code>
          {synced && (
            <>
              , synchronized <Moment at={synced} />
            </>
          )}
        </dd>
        {next && (
          <>
            <dt>{failures > 0 ? 'Tried again' : 'Fetched again'}</dt>
            <dd>
              <Moment at={next} />
              {failures > 0 && `, after ${failures} ${failures === 1 ? 'failure' : 'failures'}`}
            </dd>
          </>
        )}
        <dt>Owner</dt>
        <dd>{owner}</dd>
      </dl>
      {problems.length > 0 && (
        <ul className={styles.problems} aria-label="What could not be done">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      )}
    </>
  )
}

function RemoveSource({
  source: { id, name },
  isOpen,
  onClose,
}: {
  readonly source: RuleSource
  readonly isOpen: boolean
  readonly onClose: () => void
}) {
  const remove = useRemoveSource()
  const navigate = useNavigate()
  const submit = (withRulesets: boolean) =>
    remove.mutate(
      { id, withRulesets },
      {
        onSuccess: () => {
          notifyDone(`${name} is removed${withRulesets ? ' with its rulesets' : '; its rulesets stay'}.`)
          void navigate('/rule-sources')
        },
      },
    )
  const actions = (
    <>
      <Button onPress={onClose}>Keep it as it is</Button>
      <Button isDisabled={remove.isPending} onPress={() => submit(false)}>
        Remove, and keep the rulesets
      </Button>
      <Button weight="danger" isDisabled={remove.isPending} onPress={() => submit(true)}>
        Remove with the rulesets
      </Button>
    </>
  )
  return (
    <Dialog title={`Remove ${name}?`} isOpen={isOpen} onClose={onClose} actions={actions}>
      <p>
        Its rulesets can stay as they are, without updates, or be deleted with their matches. Those that were edited
        here stay in any case.
      </p>
      {remove.isError && <Problem error={remove.error} />}
    </Dialog>
  )
}
