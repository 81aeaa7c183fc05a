import { useState } from 'react'
import { Link, useNavigate } from 'react-router'
import { mayManage, type RuleSource, useAddSource, useRuleSources, useSynchronize } from '../../api/rule-sources.ts'
import { type SessionUser, useUser } from '../../api/session.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { TextField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { RadioChoice } from '../../parts/radio-choice.tsx'
import { SourceState, shortVersion } from '../../parts/source-state.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './rule-sources-page.module.css'

export function Component() {
  const user = useUser()
  const list = useRuleSources()
  const [isAdding, setAdding] = useState(false)
  const add = (
    <Button weight="main" onPress={() => setAdding(true)}>
      Add a source
    </Button>
  )
  return (
    <>
      <PageHead
        title="Rule sources"
        about={list.data && `${counted(list.data.results.length, 'source')} ${interval(list.data.interval)}`}
        actions={
          <>
            <LinkButton href="/rulesets">Rulesets</LinkButton>
            {add}
          </>
        }
      />
      {list.isError && !list.data ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <Table
          caption="Rule sources"
          columns={columnsFor(user)}
          rows={list.data?.results}
          keyOf={({ id }) => String(id)}
          empty={
            <EmptyState title="No sources yet" action={add}>
              A source is a git repository or an archive of rule files. Each file becomes a ruleset, and stays at what
              the source has.
            </EmptyState>
          }
        />
      )}
      <AddSource isOpen={isAdding} onClose={() => setAdding(false)} />
    </>
  )
}

function interval(seconds: number): string {
  if (seconds === 0) return ', fetched when somebody asks'
  const hours = seconds / 3_600
  return `, fetched ${hours >= 1 ? `every ${hours === 1 ? 'hour' : `${Math.round(hours)} hours`}` : `every ${seconds} seconds`}`
}

const modes = { manual: 'when asked', update: 'updates', import: 'updates and imports' } as const

function columnsFor(user: SessionUser): readonly Column<RuleSource>[] {
  return [
    {
      key: 'name',
      title: 'Name',
      cell: ({ id, name, url }) => (
        <span className={styles.name}>
          <Link to={`/rule-sources/${id}`}>{name}</Link>
          <small>{url}</small>
        </span>
      ),
    },
    { key: 'state', title: 'State', cell: (source) => <SourceState of={source} /> },
    { key: 'mode', title: 'By itself', cell: ({ mode }) => modes[mode] },
    { key: 'version', title: 'Version', cell: ({ version }) => <code>{shortVersion(version)}</code> },
    { key: 'owner', title: 'Owner', cell: ({ owner }) => owner },
    {
      key: 'synced',
      title: 'Synchronized',
      align: 'end',
      cell: ({ synced }) => (synced ? <Moment at={synced} /> : 'never'),
    },
    { key: 'actions', title: 'Change', align: 'end', cell: (source) => <SyncNow source={source} user={user} /> },
  ]
}

function SyncNow({ source, user }: { readonly source: RuleSource; readonly user: SessionUser }) {
  const synchronize = useSynchronize()
  const isIdle = source.activity === null && source.state !== 'waiting'
  return (
    <Button
      weight="quiet"
      aria-label={`Synchronize ${source.name} now`}
      isDisabled={!mayManage(user, source) || !isIdle || synchronize.isPending}
      onPress={() => synchronize.mutate({ id: source.id }, { onError: notifyFailed })}
    >
      Sync now
    </Button>
  )
}

const updates = [
  { id: '0', title: 'Nothing: it is fetched when somebody asks' },
  { id: '1', title: 'Update the rulesets that were imported' },
  { id: '2', title: 'Update, and import new files: the first time at once' },
] as const

function AddSource({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const add = useAddSource()
  const navigate = useNavigate()
  const [url, setUrl] = useState('')
  const [name, setName] = useState('')
  const [branch, setBranch] = useState('')
  const [token, setToken] = useState('')
  const [mode, setMode] = useState<(typeof updates)[number]['id']>('0')
  const submit = () =>
    add.mutate(
      { url, name, source_branch: branch, api_token: token, import_update_preferences: Number(mode) },
      {
        onSuccess: ({ id }) => {
          onClose()
          void navigate(`/rule-sources/${id}`)
        },
      },
    )
  const actions = (
    <>
      <Button onPress={onClose}>Cancel</Button>
      <Button weight="main" isDisabled={url.trim() === '' || add.isPending} onPress={submit}>
        {add.isPending ? 'Asking its server…' : mode === '2' ? 'Add and import' : 'Add and preview'}
      </Button>
    </>
  )
  return (
    <Dialog title="Add a source" isOpen={isOpen} onClose={onClose} actions={actions}>
      <form
        className={styles.form}
        onSubmit={(event) => {
          event.preventDefault()
          submit()
        }}
      >
        <TextField
          label="Address"
          hint="https://… of a git repository, or of a zip or tar with rule files"
          value={url}
          onChange={setUrl}
          problem={add.isError ? add.error.message : undefined}
          autoFocus
        />
        <TextField label="Name" hint="Made from the address where it is empty" value={name} onChange={setName} />
        <TextField
          label="Branch or tag"
          hint="The default branch where it is empty"
          value={branch}
          onChange={setBranch}
        />
        <TextField
          label="Token"
          type="password"
          autoComplete="off"
          hint="For a private source; it is sent to its server only"
          value={token}
          onChange={setToken}
        />
        <RadioChoice label="What the server does by itself" value={mode} options={updates} onChange={setMode} />
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}
