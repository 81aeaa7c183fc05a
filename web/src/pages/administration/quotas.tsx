import { type FormEvent, useState } from 'react'
import { type Quota, useQuota, useSetQuota } from '../../api/quotas.ts'
import { type User, useUsers } from '../../api/users.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { bytes, count } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './administration-page.module.css'
import { type Draft, draftOf, limits, problemOf, requestOf } from './quota-draft.ts'

/** For administrators: how much each user may send, and have stored. */
export function Quotas() {
  const users = useUsers(true)
  const [chosen, setChosen] = useState<string | null>(null)
  const columns: readonly Column<User>[] = [
    { key: 'name', title: 'User', cell: ({ name }) => name },
    { key: 'role', title: 'Role', cell: ({ role }) => role },
    {
      key: 'quota',
      title: 'Quota',
      align: 'end',
      cell: ({ name }) => (
        <Button weight="quiet" aria-label={`Quota of ${name}`} onPress={() => setChosen(name)}>
          Quota
        </Button>
      ),
    },
  ]
  return (
    <>
      <Panel title="Quotas">
        <p className={styles.soft}>
          An upload above the quota of its user is refused: until midnight (UTC) for what is sent in a day, until
          something is deleted for what is stored. What comes out of archives does not count. The quota of everybody
          without one of their own is set when the server starts; see Limits.
        </p>
        {users.isError ? (
          <Problem error={users.error} onRetry={() => void users.refetch()} />
        ) : (
          <Table
            caption="All users with quotas"
            columns={columns}
            rows={users.data?.results.filter(({ role }) => role !== 'tenant')}
            keyOf={({ name }) => name}
            empty={<p>There are no users.</p>}
          />
        )}
      </Panel>
      {chosen !== null && <QuotaOf key={chosen} user={chosen} />}
    </>
  )
}

/** How much one may send oneself. */
export function OwnQuota({ of }: { readonly of: string }) {
  const quota = useQuota(of)
  return (
    <Panel title="Quota">
      {quota.isError ? (
        <Problem error={quota.error} onRetry={() => void quota.refetch()} />
      ) : (
        quota.data && <Use of={quota.data} />
      )}
    </Panel>
  )
}

function QuotaOf({ user }: { readonly user: string }) {
  const quota = useQuota(user)
  return (
    <Panel
      title={`Quota of ${user}`}
      aside={
        quota.data &&
        (quota.data.own ? <Badge tone="information">their own</Badge> : <Badge tone="unknown">everybody’s</Badge>)
      }
    >
      {quota.isError ? (
        <Problem error={quota.error} onRetry={() => void quota.refetch()} />
      ) : quota.data ? (
        <>
          <Use of={quota.data} />
          <QuotaForm user={user} quota={quota.data} />
        </>
      ) : (
        <p>Loading …</p>
      )}
    </Panel>
  )
}

function Use({ of }: { readonly of: Quota }) {
  return (
    <dl className={styles.tiles}>
      {limits.map(({ id, title, isSize }) => {
        const show = isSize ? bytes : count
        const limit = of[id]
        return (
          <div key={id}>
            <dt>{title}</dt>
            <dd>{limit === null ? `${show(of.used[id])}, no limit` : `${show(of.used[id])} of ${show(limit)}`}</dd>
          </div>
        )
      })}
    </dl>
  )
}

function QuotaForm({ user, quota }: { readonly user: string; readonly quota: Quota }) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(quota))
  const set = useSetQuota(user)
  const isSound = limits.every((limit) => problemOf(draft, limit) === undefined)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isSound) return
    set.mutate(requestOf(draft), { onSuccess: () => notifyDone(`The quota of ${user} is set.`), onError: notifyFailed })
  }
  const reset = () =>
    set.mutate(null, {
      onSuccess: (everybodys) => {
        setDraft(draftOf(everybodys))
        notifyDone(`The quota of everybody counts for ${user}.`)
      },
      onError: notifyFailed,
    })
  return (
    <form className={styles.form} onSubmit={submit} style={{ maxWidth: '24rem', marginTop: 'var(--gap-4)' }}>
      {limits.map((limit) => (
        <TextField
          key={limit.id}
          label={limit.title}
          hint={limit.isSize ? 'Such as 50 GB; empty for no limit.' : 'Empty for no limit.'}
          value={draft[limit.id]}
          problem={problemOf(draft, limit)}
          onChange={(text) => setDraft({ ...draft, [limit.id]: text })}
        />
      ))}
      <span className={styles.actions}>
        <Button type="submit" weight="main" isDisabled={!isSound || set.isPending}>
          Set the quota
        </Button>
        {quota.own && (
          <Button isDisabled={set.isPending} onPress={reset}>
            As everybody
          </Button>
        )}
      </span>
    </form>
  )
}
