import { useState } from 'react'
import { useUnpack } from '../../api/samples.ts'
import { mayWork, useUser } from '../../api/session.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { notifyDone, notifyFailed } from '../../parts/notices.tsx'
import styles from './sample-page.module.css'

/** What could not be done with a sample; where a password is missing, the field for it. */
export function NoteOf({ hash, note }: { readonly hash: string; readonly note: string }) {
  const user = useUser()
  const isLocked = /no known password/.test(note)
  return (
    <div className={styles.note}>
      <p>{note}</p>
      {isLocked && mayWork(user) && <PasswordForm hash={hash} />}
    </div>
  )
}

function PasswordForm({ hash }: { readonly hash: string }) {
  const [password, setPassword] = useState('')
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
            notifyDone('It is unpacked once more with this password.')
          },
        })
      }}
    >
      <TextField
        label="Password of the archive"
        value={password}
        onChange={setPassword}
        autoComplete="off"
        hint="“infected” was tried already."
      />
      <Button type="submit" isDisabled={unpack.isPending || password === ''}>
        Unpack
      </Button>
    </form>
  )
}
