/** Channels by which users are notified, an addition to the specification. Everybody sees their own alone. */
import { type Static, Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import type { ChannelRequest, ChannelState } from '../../notifications/index.ts'
import { type NotificationDelivery, toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { callerOf } from '../authentication.ts'
import {
  ChannelBody,
  ChannelShape,
  ChannelsShape,
  DeliveriesShape,
  DeliveryShape,
  NewChannelShape,
} from '../contract/notifications.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const ChannelPath = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) })
const DeliveryPath = Type.Object({
  ...ChannelPath.properties,
  delivery: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
})

const statuses = {
  400: 'A parameter is not in its range, or nothing may be sent to the address.',
  403: 'No token, or an unknown one.',
  404: 'You have no such channel, or there is no such ruleset or message.',
}
const savingStatuses = { ...statuses, 424: 'The address has a host that cannot be found.' }

export function addNotifications(app: HttpServer, { appliance: { notifications } }: RouteParts): void {
  const describe = (operationId: string, summary: string) => ({ tags: ['notifications'], operationId, summary })

  app.get(
    '/api/notifications/channels/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('listChannels', 'List your channels of notifications'),
        response: { 200: ChannelsShape, ...refusals(yaraEnvelope, { 403: statuses[403] }) },
      },
    },
    async (request) => ({ results: (await notifications.list(callerOf(request))).map(channelJson) }),
  )

  app.post(
    '/api/notifications/channels/',
    {
      config: { audit: about('name', 'kind'), access: 'account' },
      schema: {
        ...describe('addChannel', 'Add a channel of notifications'),
        body: ChannelBody,
        response: {
          201: NewChannelShape,
          ...refusals(yaraEnvelope, { ...savingStatuses, 409: 'You have as many channels as one may have.' }),
        },
      },
    },
    async (request, reply) => {
      const added = await notifications.add(callerOf(request), requestOf(request.body))
      return reply.code(201).send({ ...channelJson(added), secret: added.secret })
    },
  )

  app.get(
    '/api/notifications/channels/:id/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('getChannel', 'Get a channel of notifications'),
        params: ChannelPath,
        response: { 200: ChannelShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => channelJson(await notifications.get(callerOf(request), request.params.id)),
  )

  app.put(
    '/api/notifications/channels/:id/',
    {
      config: { audit: about('id', 'name', 'kind'), access: 'account' },
      schema: {
        ...describe('changeChannel', 'Set all of a channel anew; what waits for it goes to the new address'),
        params: ChannelPath,
        body: ChannelBody,
        response: { 200: ChannelShape, ...refusals(yaraEnvelope, savingStatuses) },
      },
    },
    async (request) =>
      channelJson(await notifications.change(callerOf(request), request.params.id, requestOf(request.body))),
  )

  app.delete(
    '/api/notifications/channels/:id/',
    {
      config: { audit: about('id'), access: 'account' },
      schema: {
        ...describe('removeChannel', 'Remove a channel with its messages'),
        params: ChannelPath,
        response: { 204: Type.Null(), ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request, reply) => {
      await notifications.remove(callerOf(request), request.params.id)
      return reply.code(204).send(null)
    },
  )

  app.post(
    '/api/notifications/channels/:id/test/',
    {
      config: { audit: about('id'), access: 'account' },
      schema: {
        ...describe('testChannel', 'Send a test to a channel, and wait for the answer'),
        params: ChannelPath,
        response: { 200: DeliveryShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => deliveryJson(await notifications.test(callerOf(request), request.params.id)),
  )

  app.get(
    '/api/notifications/channels/:id/deliveries/',
    {
      config: { access: 'account' },
      schema: {
        ...describe('listDeliveries', 'List the messages of a channel, newest first; they are kept for 30 days'),
        params: ChannelPath,
        querystring: Type.Object({
          before: Type.Optional(
            Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the `next_before` of a page' }),
          ),
          limit: Type.Integer({ minimum: 1, maximum: 500, default: 50 }),
        }),
        response: { 200: DeliveriesShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request) => {
      const { before = null, limit } = request.query
      const { results, next } = await notifications.deliveries(callerOf(request), request.params.id, before, limit)
      return { results: results.map(deliveryJson), next_before: next }
    },
  )

  app.post(
    '/api/notifications/channels/:id/deliveries/:delivery/retry/',
    {
      config: { audit: about('id', 'delivery'), access: 'account' },
      schema: {
        ...describe('retryDelivery', 'Send a message again that has failed'),
        params: DeliveryPath,
        response: { 202: Type.Object({ message: Type.String() }), ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (request, reply) => {
      const { id, delivery } = request.params
      await notifications.retry(callerOf(request), id, delivery)
      return reply.code(202).send({ message: 'The message is sent again.' })
    },
  )
}

function requestOf(body: Static<typeof ChannelBody>): ChannelRequest {
  const { name, kind, address, events, rulesets = 'mine', secret } = body
  return {
    name,
    kind,
    address,
    events: [...new Set(events)],
    rulesets,
    digest: body.digest_minutes * 60,
    dailyLimit: body.daily_limit,
    mutedUntil: momentOf(body.muted_until ?? null),
    ...(secret !== undefined && secret !== '' && { secret }),
  }
}

function momentOf(text: string | null): number | null {
  if (text === null) return null
  const ms = Date.parse(text)
  if (Number.isNaN(ms)) throw new Failure('notification.invalid', `${text} is no time in ISO 8601.`)
  return ms * 1_000
}

function channelJson(state: ChannelState): Static<typeof ChannelShape> {
  const { channel, rulesets, pending, heldUntil, sentToday } = state
  const { id, name, kind, address, events, digest, dailyLimit, mutedUntil, created, modified, refused } = channel
  return {
    id,
    name,
    kind,
    address,
    events: [...events],
    rulesets: typeof rulesets === 'string' ? rulesets : [...rulesets],
    digest_minutes: digest / 60,
    daily_limit: dailyLimit,
    muted_until: toIso(mutedUntil),
    created: toIso(created),
    modified: toIso(modified),
    refused,
    pending,
    held_until: toIso(heldUntil),
    sent_today: sentToday,
  }
}

function deliveryJson(delivery: NotificationDelivery): Static<typeof DeliveryShape> {
  const { id, messageId, title, created, state, attempts, due, ended, status, problem } = delivery
  return {
    id,
    message_id: messageId,
    title,
    created: toIso(created),
    state,
    attempts,
    next_attempt: state === 'waiting' ? toIso(due) : null,
    ended: toIso(ended),
    status,
    problem,
  }
}
