import { type Channel, type Delivery, useDeliveries, useRetryDelivery } from '../../api/notifications.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { GrowingTable, rowsOf } from '../../parts/growing-table.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { counted } from '../../parts/numbers.ts'
import { Panel } from '../../parts/panel.tsx'
import type { Column } from '../../parts/table.tsx'
import styles from './notifications-page.module.css'

/** The messages of a channel, newest first, and why some did not arrive. */
export function Deliveries({ of }: { readonly of: Channel }) {
  const list = useDeliveries(of.id)
  const columns: readonly Column<Delivery>[] = [
    { key: 'title', title: 'Message', cell: ({ title }) => title },
    { key: 'created', title: 'Made', cell: ({ created }) => <Moment at={created} /> },
    { key: 'state', title: 'State', cell: (delivery) => <State of={delivery} /> },
    {
      key: 'again',
      title: 'Again',
      align: 'end',
      cell: (delivery) => delivery.state === 'failed' && <Retry channel={of.id} delivery={delivery} />,
    },
  ]
  return (
    <Panel title={`Messages to ${of.name}`} isFlush>
      <GrowingTable
        caption="Messages, newest first"
        list={list}
        rows={rowsOf(list)}
        columns={columns}
        keyOf={({ id }) => String(id)}
        what={['message', 'messages']}
        empty={<EmptyState title="No messages yet">Send a test to see whether they arrive.</EmptyState>}
      />
    </Panel>
  )
}

function State({ of }: { readonly of: Delivery }) {
  const { state, attempts, next_attempt, ended, problem } = of
  return (
    <span className={styles.name}>
      {state === 'delivered' && <span>delivered {ended && <Moment at={ended} />}</span>}
      {state === 'failed' && (
        <span>
          <Badge tone="malicious">failed</Badge> after {counted(attempts, 'attempt')}
        </span>
      )}
      {state === 'waiting' && (
        <span>
          {attempts === 0 ? 'waits' : `not taken in ${counted(attempts, 'attempt')}; again`}{' '}
          {next_attempt && <Moment at={next_attempt} />}
        </span>
      )}
      {problem !== null && state !== 'delivered' && <small>{problem}</small>}
    </span>
  )
}

function Retry({ channel, delivery }: { readonly channel: number; readonly delivery: Delivery }) {
  const retry = useRetryDelivery()
  return (
    <Button
      weight="quiet"
      aria-label={`Send again: ${delivery.title}`}
      isDisabled={retry.isPending}
      onPress={() =>
        retry.mutate(
          { channel, id: delivery.id },
          { onSuccess: () => notifyDone('The message is sent again.'), onError: notifyFailed },
        )
      }
    >
      Send again
    </Button>
  )
}
