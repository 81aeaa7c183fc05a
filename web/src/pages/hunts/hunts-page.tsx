import { Link } from 'react-router'
import { type Hunt, hasEnded, useCancelHunt, useHunts } from '../../api/hunts.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Filters, Select } from '../../parts/field.tsx'
import { HuntState } from '../../parts/hunt-state.tsx'
import { TABLE_FROM } from '../../parts/media.ts'
import { Moment } from '../../parts/moment.tsx'
import { notifyFailed } from '../../parts/notices.tsx'
import { bytes, count, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Pager } from '../../parts/pager.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ProgressBar } from '../../parts/progress-bar.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import styles from './hunts-page.module.css'

const PAGE_SIZE = 50
const initial = { of: 'my', page: 1 }
const owners = [
  { id: 'my', title: 'me' },
  { id: 'all', title: 'everybody' },
] as const

export function Component() {
  const [{ of, page }, change] = useAddressState(initial)
  const user = useUser()
  const type = of === 'all' ? 'all' : 'my'
  const list = useHunts({ type, page, pageSize: PAGE_SIZE })
  return (
    <>
      <PageHead
        title="Hunts"
        about="YARA texts hunted with over the stored samples without saving them."
        actions={
          mayWork(user) && (
            <LinkButton href="/workbench" weight="main">
              New hunt
            </LinkButton>
          )
        }
      />
      <Filters>
        <Select label="Of" value={type} options={owners} onChange={(next) => change({ of: next, page: 1 })} />
      </Filters>
      {list.isError && !list.data ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <>
          <Table
            name="hunts"
            caption="Hunts, newest first"
            columns={columns}
            rows={list.data?.results}
            keyOf={({ id }) => String(id)}
            isStale={list.isPlaceholderData}
            empty={
              <EmptyState
                title="No hunts yet"
                action={
                  <LinkButton href="/workbench" weight="main">
                    Hunt with a YARA text
                  </LinkButton>
                }
              >
                A hunt finds what a text matches among the stored samples, or a part of them, in the time of a look-up.
                Each run in the workbench is one.
              </EmptyState>
            }
          />
          {list.data && (
            <Pager page={page} pageSize={PAGE_SIZE} total={list.data.count} onPage={(next) => change({ page: next })} />
          )}
        </>
      )}
    </>
  )
}

const columns: readonly Column<Hunt>[] = [
  {
    key: 'title',
    title: 'Hunt',
    cell: ({ id, title, rules }) => (
      <Link to={`/hunts/${id}`}>{title ?? rules.map(({ name }) => name).join(', ')}</Link>
    ),
  },
  { key: 'state', title: 'State', cell: (hunt) => <State hunt={hunt} /> },
  { key: 'user', title: 'Owner', from: TABLE_FROM, cell: ({ user }) => user ?? 'a removed user' },
  { key: 'created', title: 'Started', align: 'end', cell: ({ created }) => <Moment at={created} /> },
  { key: 'samples', title: 'Samples', from: TABLE_FROM, align: 'end', cell: ({ samples }) => count(samples) },
  { key: 'scanned', title: 'Scanned', from: TABLE_FROM, align: 'end', cell: (hunt) => bytes(hunt.scanned_bytes) },
  { key: 'matches', title: 'Matches', align: 'end', cell: ({ matches }) => count(matches) },
  { key: 'actions', title: 'Actions', cell: (hunt) => <Cancel hunt={hunt} /> },
]

function State({ hunt }: { readonly hunt: Hunt }) {
  if (hunt.state !== 'running') return <HuntState of={hunt.state} />
  return (
    <span className={styles.running}>
      <ProgressBar
        label={`${counted(hunt.processed, 'sample')} of ${count(hunt.samples)}`}
        done={hunt.processed}
        whole={hunt.samples}
      />
    </span>
  )
}

function Cancel({ hunt }: { readonly hunt: Hunt }) {
  const user = useUser()
  const cancel = useCancelHunt()
  if (hasEnded(hunt) || !mayWork(user)) return null
  if (hunt.user !== user.name && user.role !== 'administrator') return null
  return (
    <Button
      weight="quiet"
      isDisabled={cancel.isPending}
      onPress={() => cancel.mutate(hunt.id, { onError: notifyFailed })}
    >
      Stop
    </Button>
  )
}
