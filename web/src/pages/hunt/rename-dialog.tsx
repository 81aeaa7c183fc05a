import { useState } from 'react'
import { type Hunt, useRenameHunt } from '../../api/hunts.ts'
import { Button } from '../../parts/button.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { TextField } from '../../parts/field.tsx'
import { notifyFailed } from '../../parts/notices.tsx'

export function RenameDialog({
  hunt,
  isOpen,
  onClose,
  onRenamed,
}: {
  readonly hunt: Hunt
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly onRenamed?: (hunt: Hunt) => void
}) {
  const [title, setTitle] = useState(hunt.title ?? '')
  const rename = useRenameHunt()
  const submit = () =>
    rename.mutate(
      { id: hunt.id, title: title.trim() },
      {
        onError: notifyFailed,
        onSuccess: (renamed) => {
          onRenamed?.(renamed)
          onClose()
        },
      },
    )
  return (
    <Dialog
      title="Rename this hunt"
      isOpen={isOpen}
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button weight="main" isDisabled={rename.isPending} onPress={submit}>
            Rename
          </Button>
        </>
      }
    >
      <TextField
        label="Title"
        value={title}
        onChange={setTitle}
        maxLength={200}
        autoFocus
        onKeyDown={(event) => event.key === 'Enter' && submit()}
      />
    </Dialog>
  )
}
