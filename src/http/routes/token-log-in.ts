import { Type } from 'typebox'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { LogIn, openToLogIn } from './log-in.ts'

/** `POST /api-token-auth/`: a name and a password for a token. */
export function addTokenLogIn(app: HttpServer, { appliance, settings }: RouteParts): void {
  app.post(
    '/api-token-auth/',
    {
      config: openToLogIn(settings),
      schema: {
        tags: ['tokens'],
        operationId: 'logIn',
        summary: 'Get an API token',
        security: [],
        consumes: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
        body: LogIn,
        response: {
          200: Type.Object({ token: Type.String() }),
          ...refusals(yaraEnvelope, {
            400: 'The name or the password is missing or wrong, or the account is locked.',
            403: 'The directory knows the password, and the user may not be here: disabled, or in no group.',
            409: 'The directory knows the password, and the name is somebody else’s here.',
          }),
        },
      },
    },
    async ({ body, ip }) => {
      const { token } = await appliance.room.lend(() =>
        appliance.accounts.credentials.logIn(body.username, body.password, ip),
      )
      return { token }
    },
  )
}
