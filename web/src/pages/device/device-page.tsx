import { type FormEvent, useState } from 'react'
import { useSearchParams } from 'react-router'
import { type DeviceLogIn, useDecideDevice, useFindDevice } from '../../api/device.ts'
import { useUser } from '../../api/session.ts'
import { Button } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { Moment } from '../../parts/moment.tsx'
import { PageHead } from '../../parts/page-head.tsx'
import { Panel } from '../../parts/panel.tsx'
import { Problem } from '../../parts/problem.tsx'
import styles from './device-page.module.css'

/** Where a user lets a program in that runs without a browser. */
export function Component() {
  const user = useUser()
  const [parameters] = useSearchParams()
  const [code, setCode] = useState(parameters.get('code')?.slice(0, 40) ?? '')
  const find = useFindDevice(user.name)
  const decide = useDecideDevice(user.name)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    find.mutate(code)
  }
  const answer = (approve: boolean) => find.data && decide.mutate({ user_code: find.data.user_code, approve })
  return (
    <>
      <PageHead
        title="Log in a program"
        about="backtrail login shows a code in the terminal, and waits until you approve it here."
      />
      {decide.isSuccess ? (
        <Panel title={decide.variables.approve ? 'Approved' : 'Refused'}>
          <p role="status">
            {decide.variables.approve
              ? 'The program is logged in within a few seconds. You can close this page; its token is under Administration, Your account.'
              : 'The program was refused. You can close this page.'}
          </p>
        </Panel>
      ) : find.data ? (
        <Panel title="Is this you?">
          <div className={styles.form}>
            <Asked of={find.data} as={user.name} />
            {decide.isError && <Problem error={decide.error} />}
            <span className={styles.actions}>
              <Button weight="main" isDisabled={decide.isPending} onPress={() => answer(true)}>
                Approve
              </Button>
              <Button isDisabled={decide.isPending} onPress={() => answer(false)}>
                Refuse
              </Button>
            </span>
          </div>
        </Panel>
      ) : (
        <Panel title="The code">
          <form className={styles.form} onSubmit={submit}>
            <TextField
              label="Code"
              value={code}
              onChange={setCode}
              hint="As the terminal shows it, such as BCDF-GHJK."
              autoComplete="off"
              maxLength={40}
              autoFocus
            />
            {find.isError && <Problem error={find.error} />}
            <div>
              <Button type="submit" weight="main" isDisabled={code.trim() === '' || find.isPending}>
                Continue
              </Button>
            </div>
          </form>
        </Panel>
      )}
    </>
  )
}

function Asked({ of, as }: { readonly of: DeviceLogIn; readonly as: string }) {
  return (
    <>
      <p>
        Approve only if you have started <code>backtrail login</code> yourself, and its terminal shows this code.
        Whoever sent you a link to this page would be logged in as you.
      </p>
      <dl className={styles.facts}>
        <dt>Code</dt>
        <dd>
          <code>{of.user_code}</code>
        </dd>
        <dt>Program on</dt>
        <dd>{of.name}</dd>
        <dt>Asked from</dt>
        <dd>{of.address}</dd>
        <dt>Asked</dt>
        <dd>
          <Moment at={of.begun} />
        </dd>
        <dt>It may</dt>
        <dd>{of.scope === null ? `do whatever ${as} may` : of.scope.join(', ')}</dd>
        <dt>It ends</dt>
        <dd>{of.days === 1 ? 'after a day' : `after ${of.days} days`}</dd>
      </dl>
    </>
  )
}
