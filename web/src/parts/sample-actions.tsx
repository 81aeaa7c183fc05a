import { Archive, ShieldQuestionMark, Tag, Trash2 } from 'lucide-react'
import { type ReactNode, useState } from 'react'
import {
  packSamples,
  useClassifySamples,
  useDeleteSamples,
  useTagSamples,
  type Verdict,
  ZIP_PASSWORD,
} from '../api/samples.ts'
import { Button } from './button.tsx'
import { ChosenRows } from './chosen-rows.tsx'
import { Confirmation, Dialog } from './dialog.tsx'
import { TextField } from './field.tsx'
import { notifyDone, notifyFailed } from './notices.tsx'
import { count, counted } from './numbers.ts'
import { RadioChoice } from './radio-choice.tsx'
import { saveFile } from './saved-file.ts'

type Hashes = readonly string[]

/** Samples that the server packs into one zip. */
const MOST_PACKED = 1_000

/** At the lower edge of a list while rows are chosen: what can be done with their samples. */
export function ChosenBar({
  what,
  note,
  hashes,
  onDone,
  children,
}: {
  /** Such as `3 matches of 2 samples chosen`. */
  readonly what: string
  /** What else is to be known about the choice. */
  readonly note?: ReactNode
  readonly hashes: Hashes
  /** Nothing is to be chosen any more. */
  readonly onDone: () => void
  /** Further actions, before the others. */
  readonly children?: ReactNode
}) {
  return (
    <ChosenRows what={what} note={note} onDone={onDone}>
      {children}
      <SampleActions hashes={hashes} onDeleted={onDone} />
    </ChosenRows>
  )
}

/** Tag, classify, download and delete samples, one or many. */
export function SampleActions({ hashes, onDeleted }: { readonly hashes: Hashes; readonly onDeleted: () => void }) {
  const [open, setOpen] = useState<'tag' | 'classify' | 'delete' | null>(null)
  const [isPacking, setPacking] = useState(false)
  const isTooMuch = hashes.length > MOST_PACKED
  const close = () => setOpen(null)
  const pack = () => {
    setPacking(true)
    packSamples(hashes)
      .then(async (zip) => {
        await saveFile(zip)
        notifyDone(`The zip opens with the password ${ZIP_PASSWORD}.`)
      })
      .catch(notifyFailed)
      .finally(() => setPacking(false))
  }
  return (
    <>
      <Button onPress={() => setOpen('tag')}>
        <Tag size={14} aria-hidden /> Tag
      </Button>
      <Button onPress={() => setOpen('classify')}>
        <ShieldQuestionMark size={14} aria-hidden /> Classify
      </Button>
      <Button onPress={pack} isDisabled={isPacking || isTooMuch}>
        <Archive size={14} aria-hidden />{' '}
        {isPacking ? 'Packing …' : isTooMuch ? `Protected zip: up to ${count(MOST_PACKED)}` : 'Protected zip'}
      </Button>
      <Button weight="danger" onPress={() => setOpen('delete')}>
        <Trash2 size={14} aria-hidden /> Delete
      </Button>
      <TagDialog hashes={hashes} isOpen={open === 'tag'} onClose={close} />
      <ClassifyDialog hashes={hashes} isOpen={open === 'classify'} onClose={close} />
      <DeleteDialog
        hashes={hashes}
        isOpen={open === 'delete'}
        onClose={close}
        onDeleted={() => {
          close()
          onDeleted()
        }}
      />
    </>
  )
}

interface DialogProps {
  readonly hashes: Hashes
  readonly isOpen: boolean
  readonly onClose: () => void
}

function TagDialog({ hashes, isOpen, onClose }: DialogProps) {
  const [typed, setTyped] = useState('')
  const tag = useTagSamples()
  const tags = typed
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  const submit = () =>
    tag.mutate(
      { hashes, add: tags },
      {
        onSuccess: ({ changed }) => {
          notifyDone(`Tagged ${counted(changed, 'sample')}.`)
          setTyped('')
          onClose()
        },
        onError: notifyFailed,
      },
    )
  return (
    <Dialog
      title={`Tag ${counted(hashes.length, 'sample')}`}
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button weight="main" isDisabled={tags.length === 0 || tag.isPending} onPress={submit}>
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
        onKeyDown={(event) => event.key === 'Enter' && tags.length > 0 && submit()}
      />
    </Dialog>
  )
}

const verdicts: readonly { readonly id: NonNullable<Verdict['classification']> | 'rules'; readonly title: string }[] = [
  { id: 'malicious', title: 'Malicious' },
  { id: 'suspicious', title: 'Suspicious' },
  { id: 'goodware', title: 'Goodware' },
  { id: 'rules', title: 'Take the own classification back: what the rules say counts' },
]

function ClassifyDialog({ hashes, isOpen, onClose }: DialogProps) {
  const [verdict, setVerdict] = useState<(typeof verdicts)[number]['id']>('malicious')
  const [threatName, setThreatName] = useState('')
  const classify = useClassifySamples()
  const isNamed = verdict === 'malicious' || verdict === 'suspicious'
  const submit = () =>
    classify.mutate(
      {
        hashes,
        classification: verdict === 'rules' ? null : verdict,
        ...(isNamed && threatName && { threat_name: threatName }),
      },
      {
        onSuccess: ({ changed }) => {
          notifyDone(`Classified ${counted(changed, 'sample')}.`)
          onClose()
        },
        onError: notifyFailed,
      },
    )
  return (
    <Dialog
      title={`Classify ${counted(hashes.length, 'sample')}`}
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button weight="main" isDisabled={classify.isPending} onPress={submit}>
            Classify
          </Button>
        </>
      }
    >
      <RadioChoice
        label="Your own classification goes before that of the rules"
        value={verdict}
        options={verdicts}
        onChange={setVerdict}
      />
      {isNamed && (
        <TextField
          label="Threat name"
          value={threatName}
          onChange={setThreatName}
          hint="Such as Win32.Trojan.Emotet; may stay empty."
        />
      )}
    </Dialog>
  )
}

function DeleteDialog({ hashes, isOpen, onClose, onDeleted }: DialogProps & { readonly onDeleted: () => void }) {
  const remove = useDeleteSamples()
  return (
    <Confirmation
      title={`Delete ${counted(hashes.length, 'sample')}?`}
      action="Delete"
      isOpen={isOpen}
      isBusy={remove.isPending}
      onClose={onClose}
      onConfirm={() =>
        remove.mutate(hashes, {
          onSuccess: ({ detail: { deleted, members } }) => {
            const along = members > 0 ? ` and ${counted(members, 'file')} that came out of them` : ''
            notifyDone(`Deleted ${counted(deleted.length, 'sample')}${along}.`)
            onDeleted()
          },
          onError: notifyFailed,
        })
      }
    >
      <p>
        Their contents, matches and hunt results go at once and for good, with files from archives that nobody else
        sent.
      </p>
    </Confirmation>
  )
}
