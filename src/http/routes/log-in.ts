import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { HttpSettings } from '../appliance.ts'
import { about } from '../auditing.ts'

/** What a log-in carries, for a token as for a session. */
export const LogIn = Type.Object({
  username: Type.String({ minLength: 1 }),
  password: Type.String({ minLength: 1 }),
})

/** The config of a route by which somebody logs in: open, and with few tries for one address. */
export function openToLogIn({ loginLimit }: HttpSettings) {
  return {
    access: 'anyone',
    audit: about('username'),
    auditsLogIn: true,
    invalid: 'login.refused',
    rateLimit: {
      max: loginLimit,
      timeWindow: '1 minute',
      errorResponseBuilder: () => new Failure('login.throttled'),
    },
  } as const
}
