/**
 * What travels between a manager and its appliances. Times are microseconds since 1970, by the manager's clock.
 *
 * Requests have no null: a server that reads forms and JSON alike takes it for an empty text.
 */
import { type Static, Type } from 'typebox'
import { limits } from './limits.ts'

const Digest = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256 of a text in hexadecimal digits' })
const OptionalDigest = Type.Union([Digest, Type.Null()], { description: 'null: the ruleset is deleted' })
const Nonce = Type.String({
  pattern: '^[0-9a-f]{32}$',
  description: 'made up for this request; the answer is signed with it',
})
const Name = Type.String({ minLength: 1, maxLength: 200 })
const Sequence = Type.Integer({ minimum: 0 })
const Chain = Type.String({ pattern: '^(?:[0-9a-f]{64})?$', description: 'of the log at that sequence; empty for 0' })

const Position = Type.Object({ sequence: Sequence, chain: Chain })

export const EntryJson = Type.Object({
  sequence: Type.Integer({ minimum: 1 }),
  name: Name,
  version: Type.Integer({ minimum: 1 }),
  digest: OptionalDigest,
  enabled: Type.Boolean(),
  author: Type.String(),
  appliance: Type.String(),
  change: Type.String(),
  time: Type.Integer(),
})
export type EntryJson = Static<typeof EntryJson>

/** How an appliance stands, by its own account. */
export const ApplianceReport = Type.Object({
  sequence: Sequence,
  digest: Type.String({ description: 'of the shared rulesets as this appliance has them' }),
  rulesets: Type.Integer({ minimum: 0, description: 'how many those are' }),
  waiting: Type.Integer({ minimum: 0, description: 'published here, and not yet sent' }),
  engine: Type.String({ maxLength: 200 }),
  version: Type.String({ maxLength: 200 }),
  problem: Type.String({ maxLength: 2_000, description: 'empty for none' }),
  out_of_sync: Type.Array(Name, { maxItems: limits.reportedNames }),
  invalid: Type.Array(Type.Object({ name: Name, reason: Type.String({ maxLength: 2_000 }) }), {
    maxItems: limits.reportedNames,
  }),
})
export type ApplianceReport = Static<typeof ApplianceReport>

export const SignedAnswer = Type.Object({
  payload: Type.String({ description: 'JSON' }),
  signature: Type.String({ description: 'Ed25519, base64' }),
})
export type SignedAnswer = Static<typeof SignedAnswer>

export const Identity = Type.Object({
  appliance: Type.String({ description: 'the name that the manager knows the caller by' }),
  key: Type.String({ description: 'the public key of the manager: Ed25519, SPKI, base64' }),
})
export type Identity = Static<typeof Identity>

export const FollowRequest = Type.Object({
  nonce: Nonce,
  after: Sequence,
  chain: Chain,
  wait: Type.Integer({ minimum: 0, maximum: limits.waitSeconds, description: 'seconds, while there is nothing new' }),
  report: ApplianceReport,
})
export type FollowRequest = Static<typeof FollowRequest>

/** `snapshot`: the log does not lead on from there. `rewound`: it has another past than the appliance knows. */
export const FollowAnswer = Type.Union([
  Type.Object({
    kind: Type.Literal('entries'),
    entries: Type.Array(EntryJson),
    at: Position,
    more: Type.Boolean(),
  }),
  Type.Object({ kind: Type.Literal('snapshot'), reason: Type.Enum(['new', 'away', 'rewound']) }),
])
export type FollowAnswer = Static<typeof FollowAnswer>

export const SnapshotRequest = Type.Object({
  nonce: Nonce,
  after_name: Type.String({ description: 'the last name of the page before; empty for the first page' }),
})
export type SnapshotRequest = Static<typeof SnapshotRequest>

export const SnapshotAnswer = Type.Object({ entries: Type.Array(EntryJson), at: Position, more: Type.Boolean() })
export type SnapshotAnswer = Static<typeof SnapshotAnswer>

export const PublishRequest = Type.Object({
  nonce: Nonce,
  change: Type.String({ pattern: '^[0-9a-f-]{36}$' }),
  name: Name,
  replaces: Type.Integer({ minimum: 0, description: 'the sequence that it was made of; 0 for none' }),
  known: Type.Integer({ minimum: 0, description: 'up to where the appliance knows the log' }),
  chain: Chain,
  enabled: Type.Boolean(),
  author: Type.String({ maxLength: 200 }),
  deleted: Type.Boolean({ description: 'the ruleset is deleted; the text is empty then' }),
  text: Type.String(),
})
export type PublishRequest = Static<typeof PublishRequest>

/** `replaced`: another entry is the newest. `behind`: the log does not lead on from what the appliance knows, which has to take a snapshot. */
export const PublishAnswer = Type.Union([
  Type.Object({ kind: Type.Literal('accepted'), entry: EntryJson }),
  Type.Object({ kind: Type.Literal('replaced'), newest: Type.Union([EntryJson, Type.Null()]) }),
  Type.Object({ kind: Type.Literal('behind') }),
])
export type PublishAnswer = Static<typeof PublishAnswer>
