import { useState } from 'react'
import { useUnpack } from '../../api/samples.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import styles from './sample-page.module.css'

/** What could not be done with a sample; where a password is missing, the field for it. */
export function NoteOf({
  hash,
  note,
  isProcessed,
}: {
  readonly hash: string
  readonly note: string
  readonly isProcessed: boolean
}) {
  const user = useUser()
  const isLocked = /no known password/.test(note)
  return (
    <div className={styles.note}>
      <p>{note}</p>
      {isLocked && mayWork(user) && <PasswordForm hash={hash} isProcessed={isProcessed} />}
    </div>
  )
}

function PasswordForm({ hash, isProcessed }: { readonly hash: string; readonly isProcessed: boolean }) {
  const [password, setPassword] = useState('')
  // The form is there as long as something is locked: so what was tried has not opened that.
  const [isTried, setTried] = useState(false)
  const unpack = useUnpack(hash)
  return (
    <form
      className={styles.password}
      onSubmit={(event) => {
        event.preventDefault()
        if (password === '') return
        unpack.mutate(password, {
          onError: notifyFailed,
          onSuccess() {
            setPassword('')
            setTried(true)
            notifyDone('It is unpacked once more with this password.')
          },
        })
      }}
    >
      <TextField
        label="Password of the archive"
        value={password}
        onChange={(next) => {
          setPassword(next)
          setTried(false)
        }}
        autoComplete="off"
        problem={isTried && isProcessed ? 'What is still locked does not open with that password.' : undefined}
        hint="“infected” was tried already."
      />
      <Button type="submit" isDisabled={unpack.isPending || password === ''}>
        Unpack
      </Button>
    </form>
  )
}
