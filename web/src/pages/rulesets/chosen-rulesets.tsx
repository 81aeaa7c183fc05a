import { Power, PowerOff, Tag, Trash2 } from 'lucide-react'
import { useState } from 'react'
import {
  type BulkAction,
  type BulkOutcome,
  namesOfRulesets,
  type RulesetQuery,
  useChangeRulesets,
} from '../../api/rulesets.ts'
import { useSharing } from '../../api/sharing.ts'
import { Button } from '../../parts/button.tsx'
import { ChosenRows } from '../../parts/chosen-rows.tsx'
import { Confirmation, Dialog } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import { count, counted } from '../../parts/numbers.ts'
import { Switch } from '../../parts/switch.tsx'
import styles from './rulesets-page.module.css'

/** Rulesets of one request. */
const MOST_CHOSEN = 10_000

const done: Readonly<Record<BulkAction, string>> = {
  enable: 'enabled',
  disable: 'disabled',
  delete: 'deleted',
  'add-tags': 'tagged',
  'remove-tags': 'rid of the tags',
}

/** What can be done with the rulesets that were chosen: each is one request, and what could not be done is listed. */
export function ChosenRulesets({
  chosen,
  fitting,
  query,
  onChoose,
}: {
  readonly chosen: ReadonlySet<string>
  /** How many the filter shows, on all pages. */
  readonly fitting: number
  readonly query: Omit<RulesetQuery, 'page' | 'pageSize'>
  readonly onChoose: (names: ReadonlySet<string>) => void
}) {
  const [open, setOpen] = useState<'tag' | 'delete' | null>(null)
  const [isGathering, setGathering] = useState(false)
  const [outcome, setOutcome] = useState<BulkOutcome | null>(null)
  const sharing = useSharing().data
  const mayPublish = sharing?.member === true && sharing.may_publish
  const [publishes, setPublishes] = useState(false)
  const change = useChangeRulesets()
  const those = counted(chosen.size, 'ruleset')
  const apply = (action: BulkAction, tags?: string[]) =>
    change.mutate(
      { action, names: [...chosen], ...(tags ? { tags } : mayPublish && { publish: publishes }) },
      {
        onError: notifyFailed,
        onSuccess: (answer) => {
          setOpen(null)
          const apart = [...(answer.published?.out_of_sync ?? []), ...(answer.published?.not_published ?? [])]
          if (answer.failed.length > 0 || apart.length > 0) setOutcome(answer)
          else notifyDone(`${counted(answer.done, 'ruleset')} ${answer.done === 1 ? 'is' : 'are'} ${done[action]}.`)
          onChoose(new Set(answer.failed.map(({ name }) => name)))
        },
      },
    )
  const gather = () => {
    setGathering(true)
    namesOfRulesets(query)
      .then((names) => onChoose(new Set(names)), notifyFailed)
      .finally(() => setGathering(false))
  }
  return (
    <>
      {chosen.size > 0 && (
        <ChosenRows
          what={`${those} chosen`}
          note={fitting > MOST_CHOSEN && `${count(MOST_CHOSEN)} can be changed at a time; filters reach the others.`}
          onDone={() => onChoose(new Set())}
        >
          {chosen.size < Math.min(fitting, MOST_CHOSEN) && (
            <Button isDisabled={isGathering} onPress={gather}>
              Choose all {count(Math.min(fitting, MOST_CHOSEN))}
            </Button>
          )}
          {mayPublish && (
            <Switch label="On all appliances" isOn={publishes} onChange={setPublishes}>
              On all appliances
            </Switch>
          )}
          <Button isDisabled={change.isPending} onPress={() => apply('enable')}>
            <Power size={14} aria-hidden /> Enable
          </Button>
          <Button isDisabled={change.isPending} onPress={() => apply('disable')}>
            <PowerOff size={14} aria-hidden /> Disable
          </Button>
          <Button isDisabled={change.isPending} onPress={() => setOpen('tag')}>
            <Tag size={14} aria-hidden /> Tag
          </Button>
          <Button weight="danger" isDisabled={change.isPending} onPress={() => setOpen('delete')}>
            <Trash2 size={14} aria-hidden /> Delete
          </Button>
        </ChosenRows>
      )}
      {open === 'tag' && (
        <TagDialog title={`Tag ${those}`} isBusy={change.isPending} onClose={() => setOpen(null)} onApply={apply} />
      )}
      <Confirmation
        title={`Delete ${those}?`}
        action="Delete"
        isOpen={open === 'delete'}
        isBusy={change.isPending}
        onClose={() => setOpen(null)}
        onConfirm={() => apply('delete')}
      >
        <p>Their revisions and matches go with them. This cannot be undone.</p>
      </Confirmation>
      {outcome && <Failures outcome={outcome} onClose={() => setOutcome(null)} />}
    </>
  )
}

function TagDialog({
  title,
  isBusy,
  onClose,
  onApply,
}: {
  readonly title: string
  readonly isBusy: boolean
  readonly onClose: () => void
  readonly onApply: (action: 'add-tags' | 'remove-tags', tags: string[]) => void
}) {
  const [typed, setTyped] = useState('')
  const tags = typed
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  const isDisabled = tags.length === 0 || isBusy
  return (
    <Dialog
      title={title}
      isOpen
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button isDisabled={isDisabled} onPress={() => onApply('remove-tags', tags)}>
            Remove
          </Button>
          <Button weight="main" isDisabled={isDisabled} onPress={() => onApply('add-tags', tags)}>
            Add
          </Button>
        </>
      }
    >
      <TextField
        label="Tags"
        value={typed}
        onChange={setTyped}
        hint="Several are separated by commas."
        autoFocus
        onKeyDown={(event) => event.key === 'Enter' && !isDisabled && onApply('add-tags', tags)}
      />
    </Dialog>
  )
}

function Failures({ outcome, onClose }: { readonly outcome: BulkOutcome; readonly onClose: () => void }) {
  const { action, done: changed, failed, published } = outcome
  const apart = [
    ...(published?.out_of_sync ?? []).map((name) => ({
      name,
      message: 'another appliance changed it first; see Shared rulesets',
    })),
    ...(published?.not_published ?? []).map((name) => ({ name, message: 'not published: it does not compile here' })),
  ]
  return (
    <Dialog
      title={
        failed.length > 0
          ? `${counted(failed.length, 'ruleset')} stayed as ${failed.length === 1 ? 'it was' : 'they were'}`
          : `${counted(apart.length, 'ruleset')} ${apart.length === 1 ? 'is' : 'are'} not on all appliances`
      }
      isOpen
      onClose={onClose}
      actions={<Button onPress={onClose}>Close</Button>}
    >
      {changed > 0 && (
        <p>
          {counted(changed, 'ruleset')} {changed === 1 ? 'is' : 'are'} {done[action]}.
        </p>
      )}
      <ul className={styles.failures}>
        {[...failed, ...apart].map(({ name, message }) => (
          <li key={name}>
            <strong>{name}</strong>: {message}
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
