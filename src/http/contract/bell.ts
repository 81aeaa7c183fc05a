/** What is new for a user, on the wire. */
import { Type } from 'typebox'
import { Time, TimeOrNull } from './times.ts'

export const UnreadShape = Type.Object({
  rulesets: Type.Array(
    Type.Object({
      name: Type.String(),
      matches: Type.Integer({ description: 'new ones, counted up to 1,000' }),
      more: Type.Boolean({ description: 'there are more than these' }),
      last_matched: TimeOrNull,
    }),
    { description: 'that you follow and that have new matches, up to 100, those that matched last first' },
  ),
  hunts: Type.Array(
    Type.Object({
      id: Type.Integer(),
      kind: Type.Enum(['ad-hoc', 'local-retro']),
      title: Type.Union([Type.String(), Type.Null()]),
      state: Type.String(),
      matches: Type.Integer(),
      ended: Time,
    }),
    { description: 'hunts of yours and Local Retro runs that have ended, up to 50, the last one first' },
  ),
  as_of: Type.String({ description: 'what to give as `up_to` when all of it was read' }),
})

export const ReadBody = Type.Object({
  up_to: Type.Optional(Type.String({ maxLength: 40, description: '`as_of` of a list: all of it, and all before' })),
  ruleset: Type.Optional(Type.String({ maxLength: 200, description: 'its matches up to now' })),
  hunt: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the end of one' })),
})

export const FollowShape = Type.Object({
  follows: Type.Boolean({ description: 'rulesets of your own are followed unless you change it' }),
})
