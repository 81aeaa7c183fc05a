import { type FormEvent, useState } from 'react'
import {
  type NewToken as NewTokenRequest,
  type Token,
  useAddToken,
  useRevokeToken,
  useSetPassword,
  useTokens,
} from '../../api/users.ts'
import { Button } from '../../parts/button.tsx'
import { Confirmation, Dialog } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Select, TextField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ShownOnce } from '../../parts/shown-once.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './administration-page.module.css'

/** A user's API tokens. A new one is shown once, because the server does not keep it. */
export function Tokens({ of }: { readonly of: string }) {
  const tokens = useTokens(of)
  const revoke = useRevokeToken()
  const [isAdding, setAdding] = useState(false)
  const [revoking, setRevoking] = useState<Token | null>(null)
  const columns: readonly Column<Token>[] = [
    { key: 'label', title: 'Token', cell: ({ label }) => label || 'without a name' },
    { key: 'scope', title: 'For', cell: ({ scope }) => forWhat(scope) },
    {
      key: 'created',
      title: 'Made',
      cell: ({ created, creator }) => (
        <>
          <Moment at={created} />
          {creator !== null && creator !== of && ` by ${creator}`}
        </>
      ),
    },
    { key: 'expires', title: 'Ends', cell: ({ expires }) => (expires ? <Moment at={expires} /> : 'never') },
    { key: 'used', title: 'Last used', cell: ({ last_used }) => (last_used ? <Moment at={last_used} /> : 'never') },
    {
      key: 'revoke',
      title: 'Revoke',
      align: 'end',
      cell: (token) => (
        <Button weight="quiet" aria-label={`Revoke ${token.label}`} onPress={() => setRevoking(token)}>
          Revoke
        </Button>
      ),
    },
  ]
  return (
    <Panel title="API tokens" aside={<Button onPress={() => setAdding(true)}>Make a token</Button>}>
      {tokens.isError ? (
        <Problem error={tokens.error} onRetry={() => void tokens.refetch()} />
      ) : (
        <Table
          caption="All API tokens"
          columns={columns}
          rows={tokens.data?.results}
          keyOf={({ id }) => String(id)}
          empty={
            <EmptyState title="No tokens">Scripts and connectors send one in the header Authorization.</EmptyState>
          }
        />
      )}
      <NewToken of={of} isOpen={isAdding} onClose={() => setAdding(false)} />
      <Confirmation
        title={`Revoke ${revoking?.label ?? 'the token'}?`}
        action="Revoke"
        isOpen={revoking !== null}
        isBusy={revoke.isPending}
        onClose={() => setRevoking(null)}
        onConfirm={() =>
          revoking &&
          revoke.mutate(
            { name: of, id: revoking.id },
            {
              onSuccess: () => notifyDone('The token is revoked.'),
              onError: notifyFailed,
              onSettled: () => setRevoking(null),
            },
          )
        }
      >
        <p>Whatever uses it is refused from now on.</p>
      </Confirmation>
    </Panel>
  )
}

const uses = [
  { id: 'everything', title: 'do what its user may' },
  { id: 'read', title: 'only read' },
  { id: 'upload', title: 'only upload samples' },
] as const
type Use = (typeof uses)[number]['id']

/** By days. */
const lives = [
  { id: '0', title: 'never' },
  { id: '30', title: 'after 30 days' },
  { id: '90', title: 'after 90 days' },
  { id: '365', title: 'after a year' },
] as const
type Life = (typeof lives)[number]['id']

const DAY_MS = 24 * 60 * 60 * 1_000
/** Whoever uploads asks how far the sample is. */
const UPLOADS = ['uploadSample', 'uploadSmallSamples', 'uploadSampleOlder', 'getSampleStatus']

function boundsOf(use: Use, life: Life): Pick<NewTokenRequest, 'expires' | 'scope'> {
  return {
    ...(use !== 'everything' && { scope: use === 'read' ? ['read'] : UPLOADS }),
    ...(life !== '0' && { expires: new Date(Date.now() + Number(life) * DAY_MS).toISOString() }),
  }
}

function forWhat(scope: Token['scope']): string {
  if (scope === null) return 'everything'
  if (scope.every((name) => UPLOADS.includes(name))) return 'uploads'
  return scope.join(', ')
}

function NewToken({
  of,
  isOpen,
  onClose,
}: {
  readonly of: string
  readonly isOpen: boolean
  readonly onClose: () => void
}) {
  const add = useAddToken()
  const [label, setLabel] = useState('')
  const [use, setUse] = useState<Use>('everything')
  const [life, setLife] = useState<Life>('0')
  const close = () => {
    add.reset()
    setLabel('')
    setUse('everything')
    setLife('0')
    onClose()
  }
  const token = add.data?.token
  return (
    <Dialog
      title={token ? 'The new token' : 'Make a token'}
      isOpen={isOpen}
      onClose={close}
      actions={
        token ? (
          <Button weight="main" onPress={close}>
            I have copied it
          </Button>
        ) : (
          <>
            <Button onPress={close}>Cancel</Button>
            <Button
              weight="main"
              isDisabled={label.trim() === '' || add.isPending}
              onPress={() =>
                add.mutate({ name: of, label: label.trim(), ...boundsOf(use, life) }, { onError: notifyFailed })
              }
            >
              Make it
            </Button>
          </>
        )
      }
    >
      {token ? (
        <>
          <p>It is shown this once. Copy it to where it will be used.</p>
          <ShownOnce text={token} what="the token" />
        </>
      ) : (
        <div className={styles.form}>
          <TextField
            label="What it is for"
            value={label}
            onChange={setLabel}
            hint="Such as the name of the script."
            maxLength={100}
          />
          <Select label="It may" value={use} options={uses} onChange={setUse} />
          <Select label="It ends" value={life} options={lives} onChange={setLife} />
        </div>
      )}
    </Dialog>
  )
}

const SHORTEST_PASSWORD = 8

export function OwnPassword({ of }: { readonly of: string }) {
  const set = useSetPassword()
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const [again, setAgain] = useState('')
  const isDifferent = again !== '' && again !== password
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (password !== again) return
    set.mutate(
      { name: of, password, current },
      {
        onSuccess: () => {
          notifyDone('The new password is set.')
          setCurrent('')
          setPassword('')
          setAgain('')
        },
        onError: notifyFailed,
      },
    )
  }
  return (
    <Panel title="Password">
      <form className={styles.form} onSubmit={submit} style={{ maxWidth: '24rem' }}>
        <TextField
          label="Current password"
          type="password"
          autoComplete="current-password"
          value={current}
          onChange={setCurrent}
        />
        <TextField
          label="New password"
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={setPassword}
          minLength={SHORTEST_PASSWORD}
          hint={`At least ${SHORTEST_PASSWORD} characters.`}
        />
        <TextField
          label="The same again"
          type="password"
          autoComplete="new-password"
          value={again}
          onChange={setAgain}
          problem={isDifferent ? 'The two are different.' : undefined}
        />
        <div>
          <Button
            type="submit"
            isDisabled={current === '' || password.length < SHORTEST_PASSWORD || password !== again || set.isPending}
          >
            Set the password
          </Button>
        </div>
      </form>
    </Panel>
  )
}
