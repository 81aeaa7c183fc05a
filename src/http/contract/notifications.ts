/** Channels by which users are notified, on the wire. */
import { Type } from 'typebox'
import { Time, TimeOrNull } from './times.ts'

const TextOrNull = Type.Union([Type.String(), Type.Null()])

const Kind = Type.Enum(['webhook', 'slack', 'teams', 'e-mail'], {
  description:
    'webhook: by the Standard Webhooks specification; slack, teams: in the shapes of these; e-mail: where the server has a mail server',
})
const Event = Type.Enum(['match', 'local-retro', 'hunt', 'suspension'], {
  description:
    'match: a sample that arrives matches; local-retro: a run has ended; hunt: a hunt of yours has ended; suspension: a ruleset does not run any more',
})
const Rulesets = Type.Union([Type.Enum(['mine', 'all']), Type.Array(Type.String(), { maxItems: 1_000 })], {
  description: 'whose matches and suspensions: of all your rulesets, of all there are, or of those that are named',
})

/** What a user says of a channel. */
export const ChannelBody = Type.Object({
  name: Type.String(),
  kind: Kind,
  address: Type.String({ description: 'where messages are sent: of a web server, or of a mailbox' }),
  events: Type.Array(Event, { maxItems: 10 }),
  rulesets: Type.Optional(Rulesets),
  digest_minutes: Type.Integer({
    default: 0,
    minimum: 0,
    maximum: 10_080,
    description: 'for how long events are collected in one message; 0: sent at once',
  }),
  daily_limit: Type.Integer({
    default: 200,
    minimum: 1,
    maximum: 10_000,
    description: 'messages a day (UTC); what is above waits, and comes in one message on the next day',
  }),
  muted_until: Type.Optional(
    Type.Union([Time, Type.Null()], {
      description: 'until then events wait; they come in one message after it',
    }),
  ),
  secret: Type.Optional(
    Type.String({ description: 'whsec_ and the base64 form of 24 to 64 bytes; left out: made, or kept' }),
  ),
})

export const ChannelShape = Type.Object({
  id: Type.Integer(),
  name: Type.String(),
  kind: Kind,
  address: Type.String(),
  events: Type.Array(Event),
  rulesets: Rulesets,
  digest_minutes: Type.Integer(),
  daily_limit: Type.Integer(),
  muted_until: TimeOrNull,
  created: Time,
  modified: Time,
  refused: Type.Union([Type.String(), Type.Null()], {
    description: 'why nothing is sent any more: the other side wants none; saving the channel sends again',
  }),
  pending: Type.Integer({ description: 'events that are in no message yet, counted up to 100,000' }),
  held_until: Type.Union([Time, Type.Null()], {
    description: 'nothing is sent until then: the channel is muted, or its daily limit is reached',
  }),
  sent_today: Type.Integer({ description: 'messages, tests left out' }),
})

export const ChannelsShape = Type.Object({ results: Type.Array(ChannelShape) })

export const NewChannelShape = Type.Object({
  ...ChannelShape.properties,
  secret: Type.String({ description: 'what messages are signed with; it is not shown again' }),
})

export const DeliveryShape = Type.Object({
  id: Type.Integer(),
  message_id: Type.String({ description: 'the header webhook-id, the same for each attempt' }),
  title: Type.String(),
  created: Time,
  state: Type.Enum(['waiting', 'delivered', 'failed']),
  attempts: Type.Integer(),
  next_attempt: TimeOrNull,
  ended: TimeOrNull,
  status: Type.Union([Type.Integer(), Type.Null()], { description: 'of the latest answer' }),
  problem: TextOrNull,
})

export const DeliveriesShape = Type.Object({
  results: Type.Array(DeliveryShape),
  next_before: Type.Union([Type.Integer(), Type.Null()]),
})
