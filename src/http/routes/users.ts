/** Users and their tokens, an addition to the specification. */
import { type Static, Type } from 'typebox'
import { type Account, roles } from '../../accounts/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

export const Role = Type.Enum([...roles, 'tenant'])
const Contributes = Type.Boolean({ description: 'of a tenant: its appliances may add samples to the collection' })
const User = Type.Object({ name: Type.String(), role: Role })
const UserPath = Type.Object({ name: Type.String() })
const Password = Type.String({ description: 'at least 8 characters' })
const Time = Type.String({ format: 'date-time' })
const NullableTime = Type.Union([Time, Type.Null()])

const statuses = {
  400: 'A parameter is not in its range.',
  403: 'No token, or an unknown one, or not an administrator\u2019s.',
  404: 'There is no such user or token.',
}

const noneLeft = 'There would be no administrator left.'

export function addUsers(app: HttpServer, { appliance: { accounts, room }, operations }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['users'], operationId, summary })

  app.get(
    '/api/users/me/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('getOwnUser', 'Tell whose token this is'),
        response: { 200: User, ...refusals(yaraEnvelope, { 403: statuses[403] }) },
      },
    },
    async (request) => userOf(callerOf(request)),
  )

  app.get(
    '/api/users/',
    {
      config: { access: 'users.manage' },
      schema: {
        ...describe('listUsers', 'List users'),
        response: {
          200: Type.Object({
            results: Type.Array(
              Type.Object({
                name: Type.String(),
                role: Role,
                contributes: Contributes,
                created: Time,
                disabled: Type.Boolean({ description: 'its credentials are refused' }),
                last_log_in: NullableTime,
                last_used: NullableTime,
              }),
            ),
          }),
          ...refusals(yaraEnvelope, { 403: statuses[403] }),
        },
      },
    },
    async () => {
      const users = await accounts.users.list()
      return {
        results: users.map((user) => ({
          ...userOf(user),
          contributes: user.contributes,
          created: toIso(user.created),
          disabled: user.disabled,
          last_log_in: toIso(user.lastLogIn),
          last_used: toIso(user.lastUsed),
        })),
      }
    },
  )

  app.post(
    '/api/users/',
    {
      config: { changesAccounts: true, audit: about('name', 'role'), access: 'users.manage' },
      schema: {
        ...describe('addUser', 'Add a user'),
        body: Type.Object({
          name: Type.String(),
          password: Password,
          role: Role,
          contributes: Type.Optional(Contributes),
        }),
        response: {
          201: User,
          ...refusals(yaraEnvelope, { ...statuses, 409: 'There is a user of that name already.' }),
        },
      },
    },
    async (request, reply) => {
      return reply.code(201).send(userOf(await accounts.users.add(request.body)))
    },
  )

  app.delete(
    '/api/users/:name/',
    {
      config: { changesAccounts: true, audit: about('name'), access: 'users.manage' },
      schema: {
        ...describe('removeUser', 'Remove a user'),
        params: UserPath,
        response: { 204: Type.Null(), ...refusals(yaraEnvelope, { ...statuses, 409: noneLeft }) },
      },
    },
    async (request, reply) => {
      await room.lend(() => accounts.users.remove(request.params.name))
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/users/:name/role/',
    {
      config: { changesAccounts: true, audit: about('name', 'role'), access: 'users.manage' },
      schema: {
        ...describe('setUserRole', 'Give a user another role'),
        params: UserPath,
        body: Type.Object({ role: Type.Enum([...roles]) }),
        response: { 200: User, ...refusals(yaraEnvelope, { ...statuses, 409: noneLeft }) },
      },
    },
    async (request) => {
      return userOf(await accounts.users.setRole(request.params.name, request.body.role))
    },
  )

  app.post(
    '/api/users/:name/disabled/',
    {
      config: { changesAccounts: true, audit: about('name', 'disabled'), access: 'users.manage' },
      schema: {
        ...describe('setUserDisabled', 'Refuse all credentials of a user from now on, or take that back'),
        description: 'Log-ins end for good; tokens work again when the user is enabled. Rulesets go on running.',
        params: UserPath,
        body: Type.Object({ disabled: Type.Boolean() }),
        response: { 200: User, ...refusals(yaraEnvelope, { ...statuses, 409: noneLeft }) },
      },
    },
    async (request) => {
      const { disabled } = request.body
      return userOf(await room.lend(() => accounts.users.setDisabled(request.params.name, disabled)))
    },
  )

  app.post(
    '/api/users/:name/password/',
    {
      config: { changesAccounts: true, audit: about('name'), access: { right: 'users.manage', orOwnName: true } },
      schema: {
        ...describe('setUserPassword', 'Set a password: one\u2019s own, or anybody\u2019s as an administrator'),
        params: UserPath,
        description: 'For the own one, `current` is the password that is replaced.',
        body: Type.Object({ password: Password, current: Type.Optional(Type.String()) }),
        response: { 204: Type.Null(), ...refusals(yaraEnvelope, { ...statuses, 429: 'Too many wrong passwords.' }) },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const { password, current = '' } = request.body
      if (name === callerOf(request).name)
        await accounts.credentials.changePassword(name, current, password, request.clientAddress)
      else await accounts.credentials.setPassword(name, password)
      return reply.code(204).send(null)
    },
  )

  app.get(
    '/api/users/:name/tokens/',
    {
      config: { access: { right: 'users.manage', orOwnName: true } },
      schema: {
        ...describe('listTokens', 'List the tokens of a user'),
        params: UserPath,
        response: {
          200: Type.Object({
            results: Type.Array(
              Type.Object({
                id: Type.Integer(),
                label: Type.String(),
                created: Time,
                last_used: NullableTime,
                expires: NullableTime,
                scope: Type.Union([Type.Array(Type.String()), Type.Null()], {
                  description: 'the operations that it is for; null: whatever its user may do',
                }),
                creator: Type.Union([Type.String(), Type.Null()]),
              }),
            ),
          }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async (request) => {
      const tokens = await accounts.tokens.list(request.params.name)
      return {
        results: tokens.map(({ id, label, created, lastUsed, expires, scope, creator }) => ({
          id,
          label,
          created: toIso(created),
          last_used: toIso(lastUsed),
          expires: toIso(expires),
          scope: scope && [...scope],
          creator,
        })),
      }
    },
  )

  app.post(
    '/api/users/:name/tokens/',
    {
      config: {
        changesAccounts: true,
        audit: about('name', 'label', 'scope'),
        access: { right: 'users.manage', orOwnName: true },
      },
      schema: {
        ...describe('createToken', 'Make a token, which is shown this once'),
        params: UserPath,
        body: Type.Object({
          label: Type.String({ maxLength: 100 }),
          expires: Type.Optional(Type.String({ format: 'date-time', description: 'it is refused from then on' })),
          scope: Type.Optional(
            Type.Array(Type.String(), {
              minItems: 1,
              maxItems: 200,
              description: 'names of operations that it is for, and `read` for all that only read',
            }),
          ),
        }),
        response: {
          201: Type.Object({ id: Type.Integer(), token: Type.String() }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async (request, reply) => {
      const { label, expires, scope } = request.body
      const made = await accounts.tokens.create(request.params.name, label, {
        by: callerOf(request),
        ...(expires !== undefined && { expires: Date.parse(expires) * 1_000 }),
        ...(scope !== undefined && { scope: operations.scopeOf(scope) }),
      })
      return reply.code(201).send(made)
    },
  )

  app.delete(
    '/api/users/:name/tokens/:id/',
    {
      config: { changesAccounts: true, audit: about('name', 'id'), access: { right: 'users.manage', orOwnName: true } },
      schema: {
        ...describe('revokeToken', 'Revoke a token'),
        params: Type.Object({ name: Type.String(), id: Type.Integer({ minimum: 1 }) }),
        response: { 204: Type.Null(), ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request, reply) => {
      await accounts.tokens.revoke(request.params.name, request.params.id)
      return reply.code(204).send(null)
    },
  )
}

function userOf({ name, role }: Account): Static<typeof User> {
  return { name, role }
}
