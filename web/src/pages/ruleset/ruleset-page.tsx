import { EllipsisVertical } from 'lucide-react'
import { lazy, type ReactNode, Suspense, useState } from 'react'
import { Button as AriaButton, Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components'
import { Link, useNavigate, useParams } from 'react-router'
import { useFollow } from '../../api/bell.ts'
import { useCloudTime } from '../../api/cloud.ts'
import { addressOf } from '../../api/http.ts'
import {
  addressOfRuleset,
  leftOutWords,
  mayChange,
  type Revision,
  type Ruleset,
  useDeleteRuleset,
  useRevision,
  useRuleset,
  useSaveRuleset,
  useSwitchRuleset,
} from '../../api/rulesets.ts'
import { useUser } from '../../api/session.ts'
import { usePublish, useSharing } from '../../api/sharing.ts'
import { part } from '../../frame/part.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import menu from '../../parts/menu.module.css'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { RulesetStatus } from '../../parts/ruleset-status.tsx'
import { Switch } from '../../parts/switch.tsx'
import { SyncState } from '../../parts/sync-state.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import type { OnSave } from '../workbench/save.ts'
import { Workbench } from '../workbench/workbench.tsx'
import { CloudSwitch, useCloudChoice } from './cloud-choice.tsx'
import styles from './ruleset-page.module.css'

const Rules = lazy(() => part(() => import('./rules.tsx')))
const Notes = lazy(() => part(() => import('./notes.tsx')))
const Revisions = lazy(() => part(() => import('./revisions.tsx')))
const CloudRetro = lazy(() => part(() => import('./cloud-retro.tsx')))

/** `line`: of the text, to be shown. */
const initial = { tab: 'text', line: 0 }

export function Component() {
  const { name = '' } = useParams()
  const ruleset = useRuleset(name)
  const current = useRevision(name, ruleset.data?.revision)
  const [{ tab, line }] = useAddressState(initial)
  const user = useUser()
  const hasCloud = typeof useCloudTime().data === 'string'

  if (ruleset.isError && !ruleset.data) {
    const isUnknown = 'status' in ruleset.error && ruleset.error.status === 404
    return isUnknown ? (
      <UnknownRuleset name={name} />
    ) : (
      <Problem error={ruleset.error} onRetry={() => void ruleset.refetch()} />
    )
  }
  if (current.isError && !current.data) return <Problem error={current.error} onRetry={() => void current.refetch()} />
  if (!ruleset.data || !current.data) return <PageHead title={name} about="Loading …" />
  const address = addressOfRuleset(name)
  return (
    <>
      <PageHead title={name} about={<About ruleset={ruleset.data} />} actions={<Actions ruleset={ruleset.data} />} />
      <Tabs
        label="Parts of the ruleset"
        current={tab}
        tabs={[
          { id: 'text', title: 'Text', to: address },
          { id: 'rules', title: rulesTitle(ruleset.data), to: `${address}?tab=rules` },
          { id: 'notes', title: 'Notes', to: `${address}?tab=notes` },
          { id: 'revisions', title: `Revisions (${ruleset.data.revision})`, to: `${address}?tab=revisions` },
          ...(hasCloud ? [{ id: 'cloud', title: 'Cloud Retro', to: `${address}?tab=cloud` }] : []),
          {
            id: 'matches',
            title: `Matches (${count(matchesOf(ruleset.data))})`,
            to: addressOf('/matches', { ruleset: name }),
          },
        ]}
      />
      {tab === 'rules' ? (
        <Suspense fallback={<p>Loading …</p>}>
          <Rules ruleset={ruleset.data} mayChange={mayChange(user, ruleset.data)} />
        </Suspense>
      ) : tab === 'notes' ? (
        <Suspense fallback={<p>Loading …</p>}>
          <Notes key={name} ruleset={ruleset.data} mayChange={mayChange(user, ruleset.data)} />
        </Suspense>
      ) : tab === 'revisions' ? (
        <Suspense fallback={<p>Loading …</p>}>
          <Revisions ruleset={ruleset.data} mayChange={mayChange(user, ruleset.data)} />
        </Suspense>
      ) : tab === 'cloud' && hasCloud ? (
        <Suspense fallback={<p>Loading …</p>}>
          <CloudRetro name={name} mayChange={mayChange(user, ruleset.data)} />
        </Suspense>
      ) : (
        <Text key={name} ruleset={ruleset.data} revision={current.data} line={line} />
      )}
    </>
  )
}

const rulesTitle = ({ disabled_rules: off }: Ruleset): string => (off === 0 ? 'Rules' : `Rules (${count(off)} off)`)

const matchesOf = ({ match_counts }: Ruleset): number =>
  Object.values(match_counts).reduce((sum, matches) => sum + matches, 0)

function About({ ruleset }: { readonly ruleset: Ruleset }): ReactNode {
  return (
    <span className={styles.about}>
      <RulesetStatus of={ruleset.status} />
      <span>{ruleset.system_ruleset ? 'core ruleset' : `by ${ruleset.owner}`}</span>
      <span>
        revision {ruleset.revision}, <Moment at={ruleset.modified} />
      </span>
      {ruleset.last_matched && (
        <span>
          last match <Moment at={ruleset.last_matched} />
        </span>
      )}
      {ruleset.tags.length > 0 && <span>tags {ruleset.tags.join(', ')}</span>}
      {ruleset.expires && !ruleset.expired && (
        <span>
          expires <Moment at={ruleset.expires} />
        </span>
      )}
      {ruleset.reason && <span className={styles.reason}>{ruleset.reason}</span>}
    </span>
  )
}

function Actions({ ruleset }: { readonly ruleset: Ruleset }) {
  const { name } = ruleset
  const isOurs = mayChange(useUser(), ruleset)
  const change = useSwitchRuleset()
  const remove = useDeleteRuleset()
  const navigate = useNavigate()
  const [isAsking, setAsking] = useState(false)
  const onDelete = () =>
    remove.mutate(name, {
      onError: notifyFailed,
      onSuccess: () => {
        notifyDone(`${name} and its matches are deleted.`)
        void navigate('/rulesets', { replace: true })
      },
    })
  return (
    <>
      <Switch
        label={`${name} is enabled`}
        isOn={ruleset.enabled}
        isDisabled={!isOurs}
        onChange={(enabled) => change.mutate({ name, enabled }, { onError: notifyFailed })}
      >
        Enabled
      </Switch>
      <FollowSwitch name={name} />
      {!ruleset.system_ruleset && <Publish name={name} />}
      {isOurs && (
        <MenuTrigger>
          <AriaButton className={styles.more ?? ''} aria-label="More">
            <EllipsisVertical size={16} aria-hidden />
          </AriaButton>
          <Popover className={menu.popover ?? ''} placement="bottom end">
            <Menu className={menu.menu ?? ''}>
              <MenuItem className={menu.item ?? ''} onAction={() => setAsking(true)}>
                Delete …
              </MenuItem>
            </Menu>
          </Popover>
        </MenuTrigger>
      )}
      <Confirmation
        title={`Delete ${name}?`}
        action="Delete"
        isOpen={isAsking}
        isBusy={remove.isPending}
        onClose={() => setAsking(false)}
        onConfirm={onDelete}
      >
        <p>
          It is deleted with {counted(ruleset.revision, 'revision')} and{' '}
          {counted(matchesOf(ruleset), 'match', 'matches')}. This cannot be undone.
        </p>
      </Confirmation>
    </>
  )
}

/** Whether new matches come to the bell. */
function FollowSwitch({ name }: { readonly name: string }) {
  const { follows, change } = useFollow(name)
  if (follows === undefined) return null
  return (
    <Switch
      label={`${name} is followed`}
      isOn={follows}
      onChange={(isOn) => change.mutate(isOn, { onError: notifyFailed })}
    >
      Follow
    </Switch>
  )
}

/** How the ruleset stands with the others, and the way there; nothing on an appliance that shares none. */
function Publish({ name }: { readonly name: string }) {
  const sharing = useSharing()
  const publish = usePublish()
  if (!sharing.data?.member) return null
  const shared = sharing.data.results.find((each) => each.name === name)
  const onPublish = () =>
    publish.mutate(name, { onSuccess: ({ message }) => notifyDone(message), onError: notifyFailed })
  return (
    <>
      {shared && (
        <Link to={`/shared-rulesets/${encodeURIComponent(name)}`}>
          <SyncState of={shared.state} />
        </Link>
      )}
      {sharing.data.may_publish && (
        <Button isDisabled={publish.isPending || shared?.state === 'InSync'} onPress={onPublish}>
          Publish
        </Button>
      )}
    </>
  )
}

function Text({
  ruleset,
  revision,
  line,
}: {
  readonly ruleset: Ruleset
  readonly revision: Revision
  readonly line: number
}) {
  const save = useSaveRuleset()
  const { name } = ruleset
  const isReadOnly = !mayChange(useUser(), ruleset)
  const cloud = useCloudChoice(name, ruleset.cloud_synced)
  const onSave: OnSave = async (content, replaces, { partial }) => {
    try {
      const text = { name, content, replaces, isForCloud: cloud.isOn, isPartial: partial }
      const saved = await save.mutateAsync(text)
      const { runs, revision: number, note = '' } = saved
      cloud.forget()
      if (runs) notifyDone(`Revision ${number} of ${name} is saved. ${leftOutWords(saved)} ${note}`.trimEnd())
      else notifyFailed(`Revision ${number} of ${name} is saved, but it does not compile, so it does not run.`)
      return number
    } catch (error) {
      notifyFailed(error)
      return null
    }
  }
  return (
    <Workbench
      draftName={name}
      title={name}
      saved={revision}
      isReadOnly={isReadOnly}
      hasMoreToSave={cloud.isChanged}
      isSaving={save.isPending}
      line={line}
      onSave={onSave}
    >
      <CloudSwitch choice={cloud} isDisabled={isReadOnly} />
    </Workbench>
  )
}

function UnknownRuleset({ name }: { readonly name: string }) {
  return (
    <EmptyState
      isPage
      title={`There is no ruleset ${name}`}
      action={<LinkButton href="/rulesets">All rulesets</LinkButton>}
    >
      It may have been deleted, or the address was cut off when it was copied.
    </EmptyState>
  )
}
