import { Link } from 'react-router'
import { addressOfRuleset } from '../../api/rulesets.ts'
import { type SharedRuleset, type Sharing, usePublishAll, useSharing } from '../../api/sharing.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { count } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { SyncState } from '../../parts/sync-state.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './shared-rulesets-page.module.css'

/** The rulesets that this appliance shares with others. */
export function Component() {
  const sharing = useSharing()
  const publishAll = usePublishAll()
  if (sharing.isError && !sharing.data) return <Problem error={sharing.error} onRetry={() => void sharing.refetch()} />
  if (sharing.isLoading) return <PageHead title="Shared rulesets" about="Loading …" />
  if (!sharing.data?.member) {
    return (
      <EmptyState title="This appliance shares no rulesets" action={<LinkButton href="/rulesets">Rulesets</LinkButton>}>
        The settings <code>--manager-url</code> and <code>BACKTRAIL_MANAGER_TOKEN</code> connect it to a manager,
        through which several appliances have the same rulesets.
      </EmptyState>
    )
  }
  const onPublishAll = () =>
    publishAll.mutate(undefined, { onSuccess: ({ message }) => notifyDone(message), onError: notifyFailed })
  return (
    <>
      <PageHead
        title="Shared rulesets"
        about={<About sharing={sharing.data} />}
        actions={
          <>
            <LinkButton href="/rulesets">Rulesets</LinkButton>
            {sharing.data.may_publish && (
              <Button weight="main" isDisabled={publishAll.isPending} onPress={onPublishAll}>
                Publish all
              </Button>
            )}
          </>
        }
      />
      <Table
        caption="Shared rulesets"
        columns={columns}
        rows={sharing.data.results}
        keyOf={({ name }) => name}
        empty={
          <EmptyState title="Nothing is shared yet">
            A ruleset is shared once somebody publishes it, on its page or with <code>publish=true</code>.
          </EmptyState>
        }
      />
    </>
  )
}

function About({ sharing: { manager, appliance, problem, last_contact } }: { readonly sharing: Sharing }) {
  return (
    <span className={styles.state}>
      <span>
        {appliance === null ? 'Not connected yet' : `As ${appliance}`} at {manager}
        {last_contact && (
          <>
            , last contact <Moment at={last_contact} />
          </>
        )}
      </span>
      {problem && <span>{problem}</span>}
    </span>
  )
}

const columns: readonly Column<SharedRuleset>[] = [
  {
    key: 'name',
    title: 'Name',
    cell: ({ name }) => <Link to={`/shared-rulesets/${encodeURIComponent(name)}`}>{name}</Link>,
  },
  {
    key: 'state',
    title: 'State',
    cell: ({ state, problem, needs_decision }) => (
      <span className={styles.state}>
        <SyncState of={state} />
        {needs_decision && <small>somebody has to decide</small>}
        {problem && <small>{problem}</small>}
      </span>
    ),
  },
  { key: 'version', title: 'Version', align: 'end', cell: ({ version }) => (version === 0 ? '–' : count(version)) },
  {
    key: 'by',
    title: 'Published by',
    cell: ({ author, appliance, sequence }) => (sequence === 0 ? '–' : `${author} on ${appliance}`),
  },
  { key: 'time', title: 'Published', align: 'end', cell: ({ time }) => (time ? <Moment at={time} /> : 'not yet') },
  {
    key: 'own',
    title: 'Here',
    align: 'end',
    cell: ({ name, own }) => (own.digest === null ? 'deleted' : <Link to={addressOfRuleset(name)}>ruleset</Link>),
  },
]
