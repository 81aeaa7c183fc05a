/** `/api/session/`, an addition to the specification: log-in, log-out and state of the web application's session. */
import type { FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Account } from '../../accounts/index.ts'
import { partsOf } from '../../settings/index.ts'
import { serverAddress } from '../addresses.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { demandOwnPage, giveSession, sessionSecretOf, signOnSecretOf, takeSession } from '../session.ts'
import { packageVersion } from '../version.ts'
import { LogIn, openToLogIn } from './log-in.ts'
import { Role } from './users.ts'

export const SessionShape = Type.Object({
  user: Type.Union([Type.Object({ name: Type.String(), role: Role }), Type.Null()], {
    description: 'null before the log-in',
  }),
  version: Type.String(),
  parts: Type.Array(Type.Enum(['appliance', 'cloud', 'manager']), { description: 'what this server is' }),
  sign_on: Type.Union(
    [
      Type.Object({
        label: Type.String({ description: 'what the identity provider is called' }),
        refused: Type.Union([Type.String(), Type.Null()], {
          description: 'why this browser’s latest log-in was refused',
        }),
      }),
      Type.Null(),
    ],
    { description: 'null where there is no identity provider; GET /api/sign-on/ leads to it' },
  ),
})

const foreign = 'The header X-Backtrail-Page is missing.'

export function addWebSession(app: HttpServer, { appliance: { accounts, room }, settings, signOn }: RouteParts): void {
  const sessionJson = (request: FastifyRequest, account: Account | null): Static<typeof SessionShape> => ({
    user: account && { name: account.name, role: account.role },
    version: packageVersion,
    parts: [...partsOf(settings.role)],
    sign_on: signOn && {
      label: settings.oidcLabel,
      refused: signOn.attempts.whyRefused(signOnSecretOf(request) ?? ''),
    },
  })

  app.get(
    '/api/session/',
    {
      config: { access: 'anyone' },
      schema: {
        tags: ['session'],
        operationId: 'getSession',
        summary: 'Tell who is logged in with the cookie of this request',
        security: [],
        response: { 200: SessionShape, ...refusals(yaraEnvelope, {}) },
      },
    },
    async (request) => {
      const secret = sessionSecretOf(request)
      return sessionJson(request, secret === null ? null : await accounts.sessions.account(secret))
    },
  )

  app.post(
    '/api/session/',
    {
      config: openToLogIn(settings),
      schema: {
        tags: ['session'],
        operationId: 'openSession',
        summary: 'Log in: the answer sets the session’s cookie',
        security: [],
        body: LogIn,
        response: {
          200: SessionShape,
          ...refusals(yaraEnvelope, {
            400: 'The name or the password is missing or wrong.',
            403: `${foreign} Or the directory knows the password, and the user may not be here: disabled, or in no group.`,
            409: 'The directory knows the password, and the name is somebody else’s here.',
          }),
        },
      },
    },
    async (request, reply) => {
      // Nobody is to be logged in as someone else without noticing.
      demandOwnPage(request)
      const { username, password } = request.body
      const { secret, account } = await room.lend(() =>
        accounts.credentials.logInSession(username, password, request.clientAddress),
      )
      giveSession(request, reply, secret)
      return sessionJson(request, account)
    },
  )

  app.delete(
    '/api/session/',
    {
      config: { audit: 'nothing to tell', access: 'anyone' },
      schema: {
        tags: ['session'],
        operationId: 'closeSession',
        summary: 'Log out',
        security: [],
        description: 'Where an identity provider vouched for the session, the answer says where to log out there.',
        response: {
          200: Type.Object({ log_out_at: Type.String() }),
          204: Type.Null(),
          ...refusals(yaraEnvelope, { 403: foreign }),
        },
      },
    },
    async (request, reply) => {
      demandOwnPage(request)
      const secret = sessionSecretOf(request)
      const isOfProvider = secret !== null && (await accounts.sessions.close(secret))
      takeSession(request, reply)
      // The session here has ended in any case.
      const address = isOfProvider
        ? await signOn?.provider.logOutAddress(`${serverAddress(request)}/log-in`).catch(() => null)
        : null
      if (address) return { log_out_at: address }
      return reply.code(204).send(null)
    },
  )
}
