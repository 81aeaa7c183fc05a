import { Bell as BellIcon } from 'lucide-react'
import { useState } from 'react'
import { Button as AriaButton } from 'react-aria-components'
import { Link } from 'react-router'
import { type Unread, useMarkRead, useUnread } from '../api/bell.ts'
import { addressOf } from '../api/http.ts'
import { Button } from '../parts/button.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Moment } from '../parts/moment.tsx'
import { notifyFailed } from '../parts/notices.tsx'
import { count, counted } from '../parts/numbers.ts'
import styles from './bell.module.css'

/** How much is new for the user, and what; whatever is opened from here is read. */
export function Bell() {
  const unread = useUnread()
  const markRead = useMarkRead()
  const [isOpen, setOpen] = useState(false)
  const { rulesets = [], hunts = [] } = unread.data ?? {}
  const all = rulesets.length + hunts.length
  const read = (what: Parameters<typeof markRead.mutate>[0]) => markRead.mutate(what, { onError: notifyFailed })
  // A server that is no appliance has none.
  if (unread.isError && !unread.data) return null
  return (
    <>
      <AriaButton
        className={styles.bell ?? ''}
        aria-label={all === 0 ? 'Nothing new' : `New for you: ${count(all)}`}
        onPress={() => setOpen(true)}
      >
        <BellIcon size={16} aria-hidden />
        {all > 0 && <span className={styles.count}>{all > 99 ? '99+' : all}</span>}
      </AriaButton>
      <Dialog
        title="New for you"
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        actions={
          all > 0 && <Button onPress={() => unread.data && read({ up_to: unread.data.as_of })}>Mark all as read</Button>
        }
      >
        {all === 0 && (
          <p className={styles.nothing}>
            Nothing since you looked last. New matches of rulesets that you follow come here, and the ends of your hunts
            and of Local Retro runs.
          </p>
        )}
        <ul className={styles.list}>
          {rulesets.map((ruleset) => (
            <li key={ruleset.name}>
              <Link
                to={addressOf('/matches', { ruleset: ruleset.name })}
                onClick={() => {
                  read({ ruleset: ruleset.name })
                  setOpen(false)
                }}
              >
                {newMatches(ruleset)} of {ruleset.name}
              </Link>
              {ruleset.last_matched && <Moment at={ruleset.last_matched} />}
            </li>
          ))}
          {hunts.map((hunt) => (
            <li key={hunt.id}>
              <Link
                to={hunt.kind === 'local-retro' ? '/retro' : `/hunts/${hunt.id}`}
                onClick={() => {
                  read({ hunt: hunt.id })
                  setOpen(false)
                }}
              >
                {wordsOf(hunt)}
              </Link>
              <Moment at={hunt.ended} />
            </li>
          ))}
        </ul>
      </Dialog>
    </>
  )
}

const newMatches = ({ matches, more }: Unread['rulesets'][number]): string =>
  more ? `More than ${count(matches)} new matches` : counted(matches, 'new match', 'new matches')

function wordsOf({ kind, title, id, state, matches }: Unread['hunts'][number]): string {
  const what = kind === 'local-retro' ? 'Local Retro' : (title ?? `Hunt ${id}`)
  return `${what} is ${state}: ${counted(matches, 'match', 'matches')}`
}
