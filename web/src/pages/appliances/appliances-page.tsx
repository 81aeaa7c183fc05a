import { useState } from 'react'
import { useUser } from '../../api/session.ts'
import {
  type Appliance,
  useAddAppliance,
  useAppliances,
  useIsManager,
  useRemoveAppliance,
  useRenewToken,
  useSwitchAppliance,
} from '../../api/sharing.ts'
import { Button } from '../../parts/button.tsx'
import { CopyButton } from '../../parts/copy-button.tsx'
import { Confirmation, Dialog } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { TextField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { SyncState } from '../../parts/sync-state.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './appliances-page.module.css'

interface Token {
  readonly name: string
  readonly token: string
}

/** The appliances that share rulesets through this server. */
export function Component() {
  const list = useAppliances()
  const isManager = useIsManager()
  const isAdministrator = useUser().role === 'administrator'
  const [isAdding, setAdding] = useState(false)
  const [token, setToken] = useState<Token | null>(null)
  const add = isAdministrator && (
    <Button weight="main" onPress={() => setAdding(true)}>
      Add an appliance
    </Button>
  )
  if (list.isError && !list.data) return <Problem error={list.error} onRetry={() => void list.refetch()} />
  if (!isManager) {
    return (
      <EmptyState title="This server is no manager">
        With <code>--role manager</code>, or <code>--role appliance-and-manager</code>, appliances share rulesets
        through it.
      </EmptyState>
    )
  }
  return (
    <>
      <PageHead
        title="Appliances"
        about={
          list.data &&
          `${counted(list.data.results.length, 'appliance')}, ${counted(list.data.rulesets, 'shared ruleset')}`
        }
        actions={add}
      />
      <Table
        caption="Appliances"
        columns={columnsFor(isAdministrator, setToken)}
        rows={list.data?.results}
        keyOf={({ name }) => name}
        empty={
          <EmptyState title="No appliances yet" action={add}>
            Each appliance has a token of its own, and follows what the others publish.
          </EmptyState>
        }
      />
      {list.data && (
        <Panel title="Key of this manager">
          <p>
            What this manager distributes is signed. Appliances take the key of their first connection, or this one as{' '}
            <code>--manager-key</code>:
          </p>
          <p>
            <code className={styles.key}>{list.data.key}</code>
          </p>
        </Panel>
      )}
      <AddAppliance isOpen={isAdding} onClose={() => setAdding(false)} onAdded={setToken} />
      <ShownToken token={token} onClose={() => setToken(null)} />
    </>
  )
}

function columnsFor(isAdministrator: boolean, onToken: (token: Token) => void): readonly Column<Appliance>[] {
  return [
    { key: 'name', title: 'Name', cell: ({ name }) => name },
    {
      key: 'state',
      title: 'State',
      cell: ({ state, report }) => (
        <span className={styles.name}>
          <SyncState of={state} />
          {report?.problem && <small>{report.problem}</small>}
          {report && report.out_of_sync.length > 0 && <small>out of sync: {report.out_of_sync.join(', ')}</small>}
          {report?.invalid.map(({ name, reason }) => (
            <small key={name}>
              {name} is invalid there: {reason}
            </small>
          ))}
        </span>
      ),
    },
    { key: 'rulesets', title: 'Rulesets', align: 'end', cell: ({ report }) => (report ? count(report.rulesets) : '–') },
    { key: 'sequence', title: 'Sequence', align: 'end', cell: ({ report }) => (report ? count(report.sequence) : '–') },
    { key: 'digest', title: 'Digest', cell: ({ report }) => <code>{report?.digest.slice(0, 12) ?? '–'}</code> },
    { key: 'engine', title: 'Engine', cell: ({ report }) => report?.engine || '–' },
    {
      key: 'seen',
      title: 'Last seen',
      align: 'end',
      cell: ({ last_seen }) => (last_seen ? <Moment at={last_seen} /> : 'never'),
    },
    ...(isAdministrator
      ? [
          {
            key: 'actions',
            title: 'Change',
            align: 'end' as const,
            cell: (appliance: Appliance) => <Actions appliance={appliance} onToken={onToken} />,
          },
        ]
      : []),
  ]
}

function Actions({
  appliance: { name, state },
  onToken,
}: {
  readonly appliance: Appliance
  readonly onToken: (token: Token) => void
}) {
  const change = useSwitchAppliance()
  const renew = useRenewToken()
  const remove = useRemoveAppliance()
  const [isAsking, setAsking] = useState(false)
  const isDisabled = state === 'Disabled'
  return (
    <span className={styles.actions}>
      <Button
        weight="quiet"
        aria-label={`${isDisabled ? 'Enable' : 'Disable'} ${name}`}
        onPress={() => change.mutate({ name, enabled: isDisabled }, { onError: notifyFailed })}
      >
        {isDisabled ? 'Enable' : 'Disable'}
      </Button>
      <Button
        weight="quiet"
        aria-label={`New token for ${name}`}
        onPress={() => renew.mutate(name, { onSuccess: onToken, onError: notifyFailed })}
      >
        New token
      </Button>
      <Button weight="quiet" aria-label={`Remove ${name}`} onPress={() => setAsking(true)}>
        Remove
      </Button>
      <Confirmation
        title={`Remove ${name}?`}
        action="Remove"
        isOpen={isAsking}
        isBusy={remove.isPending}
        onClose={() => setAsking(false)}
        onConfirm={() => remove.mutate(name, { onSuccess: () => setAsking(false), onError: notifyFailed })}
      >
        <p>Its token is refused from then on. What it has published stays with the others.</p>
      </Confirmation>
    </span>
  )
}

function AddAppliance({
  isOpen,
  onClose,
  onAdded,
}: {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onAdded: (token: Token) => void
}) {
  const add = useAddAppliance()
  const [name, setName] = useState('')
  const submit = () =>
    add.mutate(name, {
      onSuccess: (token) => {
        setName('')
        onClose()
        onAdded(token)
      },
    })
  const actions = (
    <>
      <Button onPress={onClose}>Cancel</Button>
      <Button weight="main" isDisabled={name.trim() === '' || add.isPending} onPress={submit}>
        Add
      </Button>
    </>
  )
  return (
    <Dialog title="Add an appliance" isOpen={isOpen} onClose={onClose} actions={actions}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <TextField
          label="Name"
          hint="Letters, digits, dots, underscores and hyphens"
          value={name}
          onChange={setName}
          problem={add.isError ? add.error.message : undefined}
          autoFocus
        />
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}

function ShownToken({ token, onClose }: { readonly token: Token | null; readonly onClose: () => void }) {
  return (
    <Dialog
      title={`Token of ${token?.name ?? ''}`}
      isOpen={token !== null}
      onClose={onClose}
      actions={
        <>
          <CopyButton text={token?.token ?? ''} what="the token" />
          <Button weight="main" onPress={onClose}>
            Done
          </Button>
        </>
      }
    >
      <p>
        It is shown this once. The appliance takes it as <code>BACKTRAIL_MANAGER_TOKEN</code>, with the address of this
        server as <code>--manager-url</code>.
      </p>
      <p>
        <code className={styles.key}>{token?.token}</code>
      </p>
    </Dialog>
  )
}
