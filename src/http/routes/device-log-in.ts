/**
 * `/api/device/`, an addition to the specification: log-ins of programs that have no browser, in the words of RFC 8628. What
 * the program asks is open; what its user decides in the browser is below `/api/users/`, like all that makes tokens.
 */
import { Type } from 'typebox'
import { toIso } from '../../store/index.ts'
import { serverAddress } from '../addresses.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { openToLogIn } from './log-in.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
const MOST_DAYS = 365
const USUAL_DAYS = 30

const forms = ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json']
const UserPath = Type.Object({ name: Type.String() })
const UserCode = Type.String({ minLength: 1, maxLength: 40, description: 'as the program shows it: `BCDF-GHJK`' })
const Scope = Type.Union([Type.Array(Type.String()), Type.Null()], {
  description: 'the operations that its token is for; null: whatever its user may do',
})
const Asked = Type.Object({
  user_code: Type.String(),
  name: Type.String({ description: 'what the program calls itself' }),
  days: Type.Integer({ description: 'how long its token is good for' }),
  scope: Scope,
  address: Type.String({ description: 'where it asked from' }),
  begun: Type.String({ format: 'date-time' }),
})

const decided = {
  400: 'A parameter is not in its range.',
  403: 'No token, or an unknown one, or not an administrator’s.',
  404: 'No log-in waits under this code, or there is no such user.',
  429: 'Too many wrong codes.',
}

export function addDeviceLogIn(app: HttpServer, { appliance, settings, operations }: RouteParts): void {
  const { accounts, room, audit } = appliance
  const describe = (operationId: string, summary: string) => ({ operationId, summary })

  app.post(
    '/api/device/',
    {
      config: { access: 'anyone', audit: 'nothing to tell', rateLimit: openToLogIn(settings).rateLimit },
      schema: {
        ...describe('beginDeviceLogIn', 'Begin the log-in of a program without a browser'),
        description: 'The device authorization request of RFC 8628. The codes are good for ten minutes.',
        tags: ['tokens'],
        security: [],
        consumes: forms,
        body: Type.Object({
          client_id: Type.String({
            pattern: '^[ -~]{1,60}$',
            description: 'what the program calls itself: the name of its machine',
          }),
          days: Type.Integer({ minimum: 1, maximum: MOST_DAYS, default: USUAL_DAYS }),
          scope: Type.Optional(
            Type.String({ maxLength: 4_000, description: 'operations with blanks between; without it: everything' }),
          ),
        }),
        response: {
          200: Type.Object({
            device_code: Type.String(),
            user_code: Type.String(),
            verification_uri: Type.String(),
            verification_uri_complete: Type.String(),
            expires_in: Type.Integer({ description: 'in seconds' }),
            interval: Type.Integer({ description: 'how many seconds to wait between two questions' }),
          }),
          ...refusals(yaraEnvelope, { 400: 'A parameter is not in its range, or the scope has an unknown operation.' }),
        },
      },
    },
    async (request, reply) => {
      const { client_id: name, days, scope } = request.body
      const words = scope?.split(/\s+/).filter((word) => word !== '') ?? []
      const { deviceCode, userCode, seconds, interval } = accounts.deviceLogIns.begin({
        name,
        days,
        scope: words.length > 0 ? operations.scopeOf(words) : null,
        address: request.clientAddress,
      })
      reply.header('cache-control', 'no-store')
      const page = `${serverAddress(request)}/device`
      return {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: page,
        verification_uri_complete: `${page}?code=${userCode}`,
        expires_in: seconds,
        interval,
      }
    },
  )

  app.post(
    '/api/device/token/',
    {
      config: { access: 'anyone', audit: 'nothing to tell' },
      schema: {
        ...describe('redeemDeviceCode', 'Get the token of a log-in that was approved'),
        description: 'The device access token request of RFC 8628; `error` has its words.',
        tags: ['tokens'],
        security: [],
        consumes: forms,
        body: Type.Object({
          grant_type: Type.Literal(GRANT),
          device_code: Type.String({ minLength: 1, maxLength: 200 }),
        }),
        response: {
          200: Type.Object({
            access_token: Type.String(),
            token_type: Type.Literal('Token', { description: 'the word before it in the header Authorization' }),
            expires_in: Type.Integer({ description: 'in seconds' }),
            user: Type.String(),
            scope: Type.Optional(Type.String()),
          }),
          ...refusals(yaraEnvelope, {
            400: 'Nobody has decided yet (`authorization_pending`), too soon (`slow_down`), refused (`access_denied`), or over (`expired_token`).',
          }),
        },
      },
    },
    async (request, reply) => {
      const made = await room.lend(() => accounts.deviceLogIns.redeem(request.body.device_code))
      // Not by the hook: what it would write down is the code.
      await audit.record({
        user: made.user,
        operation: 'redeemDeviceCode',
        subjects: [made.user, made.label, ...(made.scope ?? [])],
        status: 200,
        address: request.clientAddress,
      })
      reply.header('cache-control', 'no-store')
      return {
        access_token: made.token,
        token_type: 'Token' as const,
        expires_in: Math.floor((made.expires - Date.now() * 1_000) / 1_000_000),
        user: made.user,
        ...(made.scope && { scope: made.scope.join(' ') }),
      }
    },
  )

  app.post(
    '/api/device/revocation/',
    {
      config: { access: 'anyone', audit: 'nothing to tell' },
      schema: {
        ...describe('revokeOwnToken', 'Revoke the token that is sent'),
        description: 'The log-out of a program (RFC 7009). The answer is the same for a token that is none.',
        tags: ['tokens'],
        security: [],
        consumes: forms,
        body: Type.Object({ token: Type.String({ minLength: 1, maxLength: 256 }) }),
        response: { 200: Type.Object({}), ...refusals(yaraEnvelope, { 400: 'The token is missing.' }) },
      },
    },
    async (request) => {
      const user = await room.lend(() => accounts.tokens.revokeItself(request.body.token))
      if (user !== null) {
        const { clientAddress: address } = request
        await audit.record({ user, operation: 'revokeOwnToken', subjects: [user], status: 200, address })
      }
      return {}
    },
  )

  app.get(
    '/api/users/:name/device/:user_code/',
    {
      config: { access: { right: 'users.manage', orOwnName: true } },
      schema: {
        ...describe('getDeviceLogIn', 'Tell what the program asks for that shows a code'),
        tags: ['users'],
        params: Type.Object({ name: Type.String(), user_code: UserCode }),
        response: { 200: Asked, ...refusals(yaraEnvelope, decided) },
      },
    },
    async (request) => {
      const { userCode, scope, begun, ...rest } = accounts.deviceLogIns.find(
        callerOf(request),
        request.params.user_code,
      )
      return { ...rest, user_code: userCode, scope: scope && [...scope], begun: toIso(begun) }
    },
  )

  app.post(
    '/api/users/:name/device/',
    {
      config: {
        access: { right: 'users.manage', orOwnName: true },
        audit: about('name', 'approve'),
        changesAccounts: true,
      },
      schema: {
        ...describe('decideDeviceLogIn', 'Let the program in that shows a code, or refuse it'),
        tags: ['users'],
        params: UserPath,
        body: Type.Object({ user_code: UserCode, approve: Type.Boolean() }),
        response: { 204: Type.Null(), ...refusals(yaraEnvelope, decided) },
      },
    },
    async (request, reply) => {
      const { user_code, approve } = request.body
      await accounts.deviceLogIns.decide(callerOf(request), request.params.name, user_code, approve)
      return reply.code(204).send(null)
    },
  )
}
