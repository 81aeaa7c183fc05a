import { useState } from 'react'
import {
  type Channel,
  requestOf,
  useChangeChannel,
  useChannels,
  useRemoveChannel,
  useTestChannel,
} from '../../api/notifications.ts'
import { useAddressState } from '../../parts/address-state.ts'
import { Badge } from '../../parts/badge.tsx'
import { Button } from '../../parts/button.tsx'
import { Confirmation } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { MenuButton } from '../../parts/menu-button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { PageHead } from '../../parts/page-head.tsx'
import { Problem } from '../../parts/problem.tsx'
import { type Column, Table } from '../../parts/table.tsx'
import { ChannelDialog } from './channel-dialog.tsx'
import { Deliveries } from './deliveries.tsx'
import styles from './notifications-page.module.css'
import { eventTitles, kindTitles, rulesetsInWords } from './words.ts'

const initial = { channel: '' }

/** Where somebody is notified, and what became of the messages. */
export function Component() {
  const list = useChannels()
  const [{ channel: shown }, setShown] = useAddressState(initial)
  const [editing, setEditing] = useState<Channel | 'new' | null>(null)
  const add = (
    <Button weight="main" onPress={() => setEditing('new')}>
      Add a channel
    </Button>
  )
  const channels = list.data?.results
  const chosen = channels?.find(({ id }) => String(id) === shown)
  return (
    <>
      <PageHead
        title="Notifications"
        about={channels && `${counted(channels.length, 'channel')} of yours; nobody else sees them`}
        actions={add}
      />
      {list.isError && !channels ? (
        <Problem error={list.error} onRetry={() => void list.refetch()} />
      ) : (
        <Table
          caption="Channels"
          columns={columnsFor({
            onEdit: setEditing,
            onShow: (channel) => setShown({ channel: String(channel.id) }),
          })}
          rows={channels}
          keyOf={({ id }) => String(id)}
          empty={
            <EmptyState title="No channels yet" action={add}>
              A channel sends you word of new matches, of hunts and of Local Retro runs that have ended, and of rulesets
              that were suspended: to a webhook, to Slack or to Teams.
            </EmptyState>
          }
        />
      )}
      {chosen && <Deliveries of={chosen} />}
      {editing !== null && (
        <ChannelDialog channel={editing === 'new' ? null : editing} onClose={() => setEditing(null)} />
      )}
    </>
  )
}

function columnsFor({
  onEdit,
  onShow,
}: {
  readonly onEdit: (channel: Channel) => void
  readonly onShow: (channel: Channel) => void
}): readonly Column<Channel>[] {
  return [
    {
      key: 'name',
      title: 'Channel',
      cell: ({ name, kind, address }) => (
        <span className={styles.name}>
          {name}
          <small>
            {kindTitles[kind]}, {address}
          </small>
        </span>
      ),
    },
    { key: 'events', title: 'Tells of', cell: ({ events }) => events.map((event) => eventTitles[event]).join(', ') },
    { key: 'rulesets', title: 'Rulesets', cell: ({ rulesets }) => rulesetsInWords(rulesets) },
    { key: 'state', title: 'State', cell: (channel) => <State of={channel} /> },
    { key: 'today', title: 'Today', align: 'end', cell: ({ sent_today }) => count(sent_today) },
    {
      key: 'actions',
      title: 'Change',
      align: 'end',
      cell: (channel) => <Actions of={channel} onEdit={onEdit} onShow={onShow} />,
    },
  ]
}

function State({ of }: { readonly of: Channel }) {
  const { refused, muted_until, held_until, pending } = of
  const waiting = pending > 0 && `${counted(pending, 'event')} ${pending === 1 ? 'waits' : 'wait'}`
  if (refused !== null)
    return (
      <span className={styles.name}>
        <Badge tone="malicious">stopped</Badge>
        <small>{refused}</small>
      </span>
    )
  if (held_until === null) return waiting || 'on'
  return (
    <span>
      {held_until === muted_until ? 'muted' : 'daily limit reached'} until <Moment at={held_until} />
      {waiting && `; ${waiting}`}
    </span>
  )
}

const HOUR_MS = 3_600_000
const usual = [
  { id: 'show', title: 'Show messages' },
  { id: 'edit', title: 'Edit' },
] as const
/** By hours. */
const mutes = [
  { id: '1', title: 'Mute for an hour' },
  { id: '24', title: 'Mute for a day' },
  { id: '168', title: 'Mute for a week' },
] as const
const unmuting = [{ id: '0', title: 'Unmute' }] as const
const removal = { id: 'remove', title: 'Remove' } as const
type ChoiceId = (typeof usual | typeof mutes | typeof unmuting)[number]['id'] | typeof removal.id

function Actions({
  of,
  onEdit,
  onShow,
}: {
  readonly of: Channel
  readonly onEdit: (channel: Channel) => void
  readonly onShow: (channel: Channel) => void
}) {
  const change = useChangeChannel()
  const remove = useRemoveChannel()
  const test = useTestChannel()
  const [isRemoving, setRemoving] = useState(false)
  const muteUntil = (until: string | null) =>
    change.mutate({ ...requestOf(of), id: of.id, muted_until: until }, { onError: notifyFailed })
  const sendTest = () =>
    test.mutate(of.id, {
      onSuccess: ({ state, problem }) => {
        if (state === 'delivered') notifyDone(`${of.name} has taken the test.`)
        else notifyFailed(new Error(`${of.name} has not taken the test: ${problem ?? 'it did not answer'}`))
        onShow(of)
      },
      onError: notifyFailed,
    })
  const isMuted = of.muted_until !== null && of.held_until === of.muted_until
  const choose = (id: ChoiceId) => {
    if (id === 'show') onShow(of)
    else if (id === 'edit') onEdit(of)
    else if (id === 'remove') setRemoving(true)
    else muteUntil(id === '0' ? null : new Date(Date.now() + Number(id) * HOUR_MS).toISOString())
  }
  return (
    <span className={styles.actions}>
      <Button weight="quiet" isDisabled={test.isPending} onPress={sendTest} aria-label={`Send a test to ${of.name}`}>
        Send a test
      </Button>
      <MenuButton
        title="Change"
        isDisabled={change.isPending}
        choices={[...usual, ...(isMuted ? unmuting : mutes), removal]}
        onChoose={choose}
      />
      <Confirmation
        title={`Remove ${of.name}?`}
        action="Remove"
        isOpen={isRemoving}
        isBusy={remove.isPending}
        onClose={() => setRemoving(false)}
        onConfirm={() =>
          remove.mutate(of.id, {
            onSuccess: () => notifyDone(`${of.name} is removed.`),
            onError: notifyFailed,
            onSettled: () => setRemoving(false),
          })
        }
      >
        <p>Nothing is sent there any more. What waits for it is dropped.</p>
      </Confirmation>
    </span>
  )
}
