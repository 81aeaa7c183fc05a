import { type FormEvent, useEffect, useState } from 'react'
import { Navigate, useSearchParams } from 'react-router'
import { atServer } from '../../api/root.ts'
import { useLogIn, useSession } from '../../api/session.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import styles from './log-in-page.module.css'

export function Component() {
  const session = useSession()
  const logIn = useLogIn()
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const [parameters] = useSearchParams()
  const signOn = session.data?.sign_on
  const then = ownAddress(parameters.get('then'))

  useEffect(() => {
    document.title = 'Log in · Backtrail'
  }, [])
  if (session.data?.user) return <Navigate to={then} replace />

  const submit = (event: FormEvent) => {
    event.preventDefault()
    logIn.mutate({ username, password })
  }
  return (
    <main className={styles.page}>
      <form className={styles.form} onSubmit={submit}>
        <img src={atServer('/favicon.svg')} alt="" width={40} height={40} />
        <h1>Log in to Backtrail</h1>
        {signOn && (
          <>
            {signOn.refused && (
              <p role="alert" className={styles.refused}>
                {signOn.refused}
              </p>
            )}
            <LinkButton href={atServer(`/api/sign-on/?page=${encodeURIComponent(then)}`)} weight="main" leaves>
              Log in with {signOn.label}
            </LinkButton>
            <p className={styles.hint}>Or with a password of this server:</p>
          </>
        )}
        <TextField label="User" value={username} onChange={setUsername} autoComplete="username" isRequired autoFocus />
        <TextField
          label="Password"
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          isRequired
        />
        {logIn.isError && (
          <p role="alert" className={styles.refused}>
            {logIn.error.message}
          </p>
        )}
        <Button type="submit" weight={signOn ? 'plain' : 'main'} isDisabled={logIn.isPending}>
          {logIn.isPending ? 'Logging in …' : 'Log in'}
        </Button>
        <p className={styles.hint}>
          The first start of the server printed the password of <code>admin</code>. An administrator adds users and sets
          new passwords.
        </p>
      </form>
    </main>
  )
}

/** Only addresses of this application: a link to the log-in page must not lead elsewhere afterwards. */
function ownAddress(asked: string | null): string {
  return asked?.startsWith('/') && !asked.startsWith('//') && !asked.includes('\\') ? asked : '/'
}
