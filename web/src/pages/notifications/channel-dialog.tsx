import { useState } from 'react'
import {
  type Channel,
  type ChannelEvent,
  type ChannelRequest,
  requestOf,
  useAddChannel,
  useChangeChannel,
} from '../../api/notifications.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { Select, TextField } from '../../parts/field.tsx'
import { notifyDone } from '../../parts/notices.tsx'
import { Problem } from '../../parts/problem.tsx'
import { ShownOnce } from '../../parts/shown-once.tsx'
import styles from './notifications-page.module.css'
import { eventTitles, kindTitles } from './words.ts'

const kinds = (Object.keys(kindTitles) as Channel['kind'][]).map((id) => ({ id, title: kindTitles[id] }))
const events = Object.keys(eventTitles) as ChannelEvent[]

const choices = [
  { id: 'mine', title: 'all of mine' },
  { id: 'all', title: 'all there are' },
  { id: 'named', title: 'those that I name' },
] as const
type Which = (typeof choices)[number]['id']

/** By minutes. */
const digests = [
  { id: '0', title: 'at once' },
  { id: '60', title: 'once an hour' },
  { id: '1440', title: 'once a day' },
  { id: '10080', title: 'once a week' },
] as const

const fresh: ChannelRequest = {
  name: '',
  kind: 'webhook',
  address: '',
  events: ['match'],
  rulesets: 'mine',
  digest_minutes: 0,
  daily_limit: 200,
}

/** Adds a channel, or changes `channel`. The secret of a new webhook is shown once, because nobody can ask for it later. */
export function ChannelDialog({
  channel,
  onClose,
}: {
  readonly channel: Channel | null
  readonly onClose: () => void
}) {
  const add = useAddChannel()
  const change = useChangeChannel()
  const [asked, setAsked] = useState<ChannelRequest>(channel === null ? fresh : requestOf(channel))
  const [names, setNames] = useState(Array.isArray(asked.rulesets) ? asked.rulesets.join(', ') : '')
  const [limit, setLimit] = useState(String(asked.daily_limit))
  const set = (changes: Partial<ChannelRequest>) => setAsked((before) => ({ ...before, ...changes }))
  const which: Which = Array.isArray(asked.rulesets) ? 'named' : (asked.rulesets ?? 'mine')
  const isMail = asked.kind === 'e-mail'
  const named = names.split(/[\s,]+/).filter(Boolean)
  const isWhole =
    asked.name.trim() !== '' &&
    asked.address.trim() !== '' &&
    asked.events.length > 0 &&
    Number.isInteger(Number(limit)) &&
    (which !== 'named' || named.length > 0)
  const save = () => {
    const request: ChannelRequest = {
      ...asked,
      name: asked.name.trim(),
      address: asked.address.trim(),
      daily_limit: Number(limit),
      rulesets: which === 'named' ? named : which,
    }
    if (channel === null) {
      return add.mutate(request, {
        onSuccess: ({ kind, name }) => {
          if (kind === 'webhook') return
          notifyDone(`${name} is added.`)
          onClose()
        },
      })
    }
    change.mutate(
      { ...request, id: channel.id },
      {
        onSuccess: () => {
          notifyDone(`${request.name} is changed.`)
          onClose()
        },
      },
    )
  }
  const { error, isPending } = channel === null ? add : change
  if (add.data?.kind === 'webhook') return <Secret of={add.data} onClose={onClose} />
  return (
    <Dialog
      title={channel === null ? 'Add a channel' : `Change ${channel.name}`}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button weight="main" isDisabled={!isWhole || isPending} onPress={save}>
            {channel === null ? 'Add it' : 'Save'}
          </Button>
        </>
      }
    >
      <div className={styles.form}>
        {error && <Problem error={error} />}
        <TextField label="Name" value={asked.name} onChange={(name) => set({ name })} maxLength={100} autoFocus />
        <Select label="Kind" value={asked.kind} options={kinds} onChange={(kind) => set({ kind })} />
        <TextField
          label="Address"
          type={isMail ? 'email' : 'url'}
          value={asked.address}
          onChange={(address) => set({ address })}
          hint={
            isMail
              ? 'One e-mail address; whoever runs this server can limit the domains.'
              : 'https, and public: whoever runs this server can permit others.'
          }
        />
        <fieldset className={styles.events}>
          <legend>Tells of</legend>
          {events.map((event) => (
            <label key={event}>
              <input
                type="checkbox"
                checked={asked.events.includes(event)}
                onChange={({ target }) =>
                  set({
                    events: target.checked ? [...asked.events, event] : asked.events.filter((one) => one !== event),
                  })
                }
              />
              {eventTitles[event]}
            </label>
          ))}
        </fieldset>
        <Select
          label="Rulesets"
          value={which}
          options={choices}
          onChange={(next) => set({ rulesets: next === 'named' ? [] : next })}
        />
        {which === 'named' && (
          <TextField label="Names of rulesets" value={names} onChange={setNames} hint="With commas between them." />
        )}
        <Select
          label="Sent"
          value={String(asked.digest_minutes)}
          options={withOwn(asked.digest_minutes)}
          onChange={(minutes) => set({ digest_minutes: Number(minutes) })}
        />
        <TextField
          label="Messages a day, at most"
          inputMode="numeric"
          value={limit}
          onChange={setLimit}
          hint="What is above waits, and comes in one message on the next day."
        />
      </div>
    </Dialog>
  )
}

/** A channel that a program has made may have another time. */
function withOwn(minutes: number): readonly { readonly id: string; readonly title: string }[] {
  const own = String(minutes)
  return digests.some(({ id }) => id === own) ? digests : [...digests, { id: own, title: `every ${own} minutes` }]
}

function Secret({ of, onClose }: { readonly of: Channel & { readonly secret: string }; readonly onClose: () => void }) {
  return (
    <Dialog
      title={`${of.name} is added`}
      isOpen
      onClose={onClose}
      actions={
        <Button weight="main" onPress={onClose}>
          I have copied it
        </Button>
      }
    >
      <p>Messages are signed with this secret. It is shown this once: give it to whoever receives them.</p>
      <ShownOnce text={of.secret} what="the secret" />
    </Dialog>
  )
}
