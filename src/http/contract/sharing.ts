/** Sharing on the wire: the appliances of a manager, and the shared rulesets of an appliance. */
import { Type } from 'typebox'
import { Time } from './times.ts'

const OptionalTime = Type.Union([Time, Type.Null()])
const OptionalText = Type.Union([Type.String(), Type.Null()])

export const ApplianceShape = Type.Object({
  name: Type.String(),
  state: Type.Enum(['InSync', 'OutOfSync', 'Error', 'Unavailable', 'PendingNew', 'Disabled', 'NoRules']),
  created: Time,
  last_seen: OptionalTime,
  report: Type.Union(
    [
      Type.Object({
        sequence: Type.Integer({ description: 'up to where it knows the log' }),
        digest: Type.String({ description: 'of the shared rulesets as it has them' }),
        rulesets: Type.Integer(),
        waiting: Type.Integer({ description: 'published there, and not yet here' }),
        engine: Type.String(),
        version: Type.String(),
        problem: OptionalText,
        out_of_sync: Type.Array(Type.String(), { description: 'the first 100' }),
        invalid: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() }), {
          description: 'what does not run there: the first 100',
        }),
      }),
      Type.Null(),
    ],
    { description: 'what it said last; null before the first time' },
  ),
})

export const AppliancesShape = Type.Object({
  key: Type.String({ description: 'the public key of this manager, for --manager-key' }),
  sequence: Type.Integer({ description: 'the end of the log' }),
  digest: Type.String({ description: 'of what is shared' }),
  rulesets: Type.Integer({ description: 'how many rulesets are shared' }),
  results: Type.Array(ApplianceShape),
})

export const SharedEntryShape = Type.Object({
  name: Type.String(),
  sequence: Type.Integer(),
  version: Type.Integer(),
  digest: OptionalText,
  enabled: Type.Boolean(),
  author: Type.String(),
  appliance: Type.String(),
  time: Time,
})

const State = Type.Object({
  digest: Type.Union([Type.String(), Type.Null()], { description: 'SHA-256 of the text; null: there is none' }),
  enabled: Type.Boolean(),
})

export const SharedRulesetShape = Type.Object({
  name: Type.String(),
  state: Type.Enum(['InSync', 'Publishing', 'OutOfSync', 'Error']),
  sequence: Type.Integer({ description: 'of the manager; 0 before it has one' }),
  version: Type.Integer(),
  author: Type.String({ description: 'who published what is shared' }),
  appliance: Type.String({ description: 'where' }),
  time: OptionalTime,
  own: State,
  shared: State,
  needs_decision: Type.Boolean({ description: 'something newer is shared, and the ruleset was changed here' }),
  problem: OptionalText,
})

export const SharedRulesetsShape = Type.Object({
  member: Type.Boolean({ description: 'false: this appliance has no manager' }),
  may_publish: Type.Boolean({ description: 'of the caller' }),
  manager: Type.String({ description: 'its address' }),
  appliance: Type.Union([Type.String(), Type.Null()], { description: 'the name of this appliance there' }),
  key: OptionalText,
  sequence: Type.Integer({ description: 'up to where the log of the manager is known here' }),
  last_contact: OptionalTime,
  problem: OptionalText,
  results: Type.Array(SharedRulesetShape),
})

export const SharedTextsShape = Type.Intersect([
  SharedRulesetShape,
  Type.Object({ own_text: OptionalText, shared_text: OptionalText }),
])
