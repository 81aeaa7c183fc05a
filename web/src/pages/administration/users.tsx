import { useState } from 'react'
import type { SessionUser } from '../../api/session.ts'
import {
  type User,
  useAddUser,
  useRemoveUser,
  useSetDisabled,
  useSetPassword,
  useSetRole,
  useUsers,
} from '../../api/users.ts'
import { Button } from '../../parts/button.tsx'
import { Confirmation, Dialog } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { RadioChoice } from '../../parts/radio-choice.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './administration-page.module.css'
import { roleNouns } from './role-nouns.ts'
import { Tokens } from './tokens.tsx'

type Role = SessionUser['role']
type Open =
  | { readonly what: 'add' }
  | { readonly what: 'role' | 'password' | 'remove' | 'tokens' | 'disable'; readonly user: User }

/** For administrators: who may log in, and what they may do. */
export function Users({ self }: { readonly self: string }) {
  const users = useUsers(true)
  const [open, setOpen] = useState<Open | null>(null)
  const close = () => setOpen(null)
  const of = (what: Open['what']) => (open?.what === what && 'user' in open ? open.user : null)
  const columns: readonly Column<User>[] = [
    { key: 'name', title: 'User', cell: ({ name }) => (name === self ? `${name} (you)` : name) },
    { key: 'role', title: 'Role', cell: ({ role, disabled }) => (disabled ? `${role}, disabled` : role) },
    { key: 'created', title: 'Since', cell: ({ created }) => <Moment at={created} /> },
    {
      key: 'log-in',
      title: 'Last log-in',
      cell: ({ last_log_in }) => (last_log_in ? <Moment at={last_log_in} /> : 'never'),
    },
    {
      key: 'used',
      title: 'Last used',
      cell: ({ last_used }) => (last_used ? <Moment at={last_used} /> : 'never'),
    },
    {
      key: 'actions',
      title: 'Change',
      align: 'end',
      cell: (user) => (
        <span className={styles.actions}>
          {user.role !== 'tenant' && (
            <>
              <Button
                weight="quiet"
                aria-label={`Tokens of ${user.name}`}
                onPress={() => setOpen({ what: 'tokens', user })}
              >
                Tokens
              </Button>
              <Button
                weight="quiet"
                aria-label={`Role of ${user.name}`}
                onPress={() => setOpen({ what: 'role', user })}
              >
                Role
              </Button>
            </>
          )}
          <Button
            weight="quiet"
            aria-label={`${user.disabled ? 'Enable' : 'Disable'} ${user.name}`}
            isDisabled={user.name === self}
            onPress={() => setOpen({ what: 'disable', user })}
          >
            {user.disabled ? 'Enable' : 'Disable'}
          </Button>
          <Button
            weight="quiet"
            aria-label={`Set the password of ${user.name}`}
            isDisabled={user.name === self}
            onPress={() => setOpen({ what: 'password', user })}
          >
            Password
          </Button>
          <Button
            weight="quiet"
            aria-label={`Remove ${user.name}`}
            isDisabled={user.name === self}
            onPress={() => setOpen({ what: 'remove', user })}
          >
            Remove
          </Button>
        </span>
      ),
    },
  ]
  return (
    <>
      <Panel title="Users" aside={<Button onPress={() => setOpen({ what: 'add' })}>Add a user</Button>}>
        {users.isError ? (
          <Problem error={users.error} onRetry={() => void users.refetch()} />
        ) : (
          <Table
            caption="All users"
            columns={columns}
            rows={users.data?.results}
            keyOf={({ name }) => name}
            empty={<p>There are no users.</p>}
          />
        )}
      </Panel>
      {of('tokens') && <Tokens of={of('tokens')?.name ?? ''} />}
      <Panel title="Roles">
        <p className={styles.soft}>
          <strong>Read-only</strong> accounts look at everything, download samples, and change nothing but their own
          password and tokens. A <strong>user</strong> saves, switches and deletes own rulesets, sends, classifies, tags
          and deletes samples, and hunts. A <strong>publisher</strong> also imports core rulesets and publishes to the
          cluster. An <strong>administrator</strong> also changes everybody’s rulesets and hunts, manages users, and
          looks after the index.
        </p>
      </Panel>
      <AddUser isOpen={open?.what === 'add'} onClose={close} />
      <NewRole key={of('role')?.name} user={of('role')} self={self} onClose={close} />
      <NewPassword user={of('password')} onClose={close} />
      <RemoveUser user={of('remove')} onClose={close} />
      <DisableUser user={of('disable')} onClose={close} />
    </>
  )
}

function AddUser({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  const add = useAddUser()
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [role, setRole] = useState<Role>('user')
  const submit = () =>
    add.mutate(
      { name, password, role },
      {
        onSuccess: () => {
          notifyDone(`${name} can log in now.`)
          setName('')
          setPassword('')
          onClose()
        },
      },
    )
  return (
    <Dialog
      title="Add a user"
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button weight="main" isDisabled={name === '' || password === '' || add.isPending} onPress={submit}>
            Add
          </Button>
        </>
      }
    >
      <TextField label="Name" value={name} onChange={setName} autoComplete="off" />
      <TextField
        label="Password"
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
        hint="At least 8 characters. The user can change it."
      />
      <RadioChoice label="Role" value={role} options={roles} onChange={setRole} />
      {add.isError && <Problem error={add.error} />}
    </Dialog>
  )
}

const roles = [
  { id: 'user', title: 'user' },
  { id: 'read-only', title: 'read-only' },
  { id: 'publisher', title: 'publisher' },
  { id: 'administrator', title: 'administrator' },
] as const

function NewRole({
  user,
  self,
  onClose,
}: {
  readonly user: User | null
  readonly self: string
  readonly onClose: () => void
}) {
  const set = useSetRole()
  const [role, setRole] = useState<Role>(user && user.role !== 'tenant' ? user.role : 'user')
  const submit = () =>
    user &&
    set.mutate(
      { name: user.name, role },
      {
        onSuccess: () => {
          notifyDone(`${user.name} is ${roleNouns[role]} now.`)
          onClose()
          // One's own pages show what one may do.
          if (user.name === self) window.location.reload()
        },
      },
    )
  return (
    <Dialog
      title={`Role of ${user?.name ?? ''}`}
      isOpen={user !== null}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button weight="main" isDisabled={role === user?.role || set.isPending} onPress={submit}>
            Change it
          </Button>
        </>
      }
    >
      <RadioChoice label="Role" value={role} options={roles} onChange={setRole} />
      {user?.name === self && role !== user.role && <p>You could not take this back yourself.</p>}
      {set.isError && <Problem error={set.error} />}
    </Dialog>
  )
}

function NewPassword({ user, onClose }: { readonly user: User | null; readonly onClose: () => void }) {
  const set = useSetPassword()
  const [password, setPassword] = useState('')
  const submit = () =>
    user &&
    set.mutate(
      { name: user.name, password },
      {
        onSuccess: () => {
          notifyDone(`The password of ${user.name} is set.`)
          setPassword('')
          onClose()
        },
      },
    )
  return (
    <Dialog
      title={`Set the password of ${user?.name ?? ''}`}
      isOpen={user !== null}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button weight="main" isDisabled={password === '' || set.isPending} onPress={submit}>
            Set it
          </Button>
        </>
      }
    >
      <TextField
        label="New password"
        type="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
        hint="At least 8 characters."
      />
      {set.isError && <Problem error={set.error} />}
    </Dialog>
  )
}

function RemoveUser({ user, onClose }: { readonly user: User | null; readonly onClose: () => void }) {
  const remove = useRemoveUser()
  return (
    <Confirmation
      title={`Remove ${user?.name ?? ''}?`}
      action="Remove"
      isOpen={user !== null}
      isBusy={remove.isPending}
      onClose={onClose}
      onConfirm={() =>
        user &&
        remove.mutate(user.name, {
          onSuccess: () => notifyDone(`${user.name} can no longer log in.`),
          onError: notifyFailed,
          onSettled: onClose,
        })
      }
    >
      <p>The user’s tokens stop working at once.</p>
      {user?.role === 'tenant' ? (
        <p>Its rulesets, hunts and feeds are deleted. Samples stay.</p>
      ) : (
        <p>Rulesets and rule sources become the first administrator’s. Hunts and samples stay.</p>
      )}
    </Confirmation>
  )
}

function DisableUser({ user, onClose }: { readonly user: User | null; readonly onClose: () => void }) {
  const set = useSetDisabled()
  const isDisabled = user?.disabled === true
  return (
    <Confirmation
      title={`${isDisabled ? 'Enable' : 'Disable'} ${user?.name ?? ''}?`}
      action={isDisabled ? 'Enable' : 'Disable'}
      isOpen={user !== null}
      isBusy={set.isPending}
      onClose={onClose}
      onConfirm={() =>
        user &&
        set.mutate(
          { name: user.name, disabled: !isDisabled },
          {
            onSuccess: () =>
              notifyDone(isDisabled ? `${user.name} can log in again.` : `${user.name} is refused from now on.`),
            onError: notifyFailed,
            onSettled: onClose,
          },
        )
      }
    >
      <p>
        {isDisabled
          ? 'The password and the tokens work again.'
          : 'Password, tokens and sessions stop working at once. Rulesets go on running, and tokens work again when the user is enabled.'}
      </p>
    </Confirmation>
  )
}
