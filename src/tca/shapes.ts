/**
 * The bodies. They are written for reading as a cloud sends them today: a client should look at what it needs of an
 * answer, and not mind what else is in it.
 */
import { type Static, Type } from 'typebox'

const Nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()])

export const NewRuleset = Type.Object({
  ruleset_name: Type.String({ description: '3 to 48 characters, without slashes and control characters' }),
  text: Type.String({ description: 'the YARA text, up to 1 MB' }),
  sample_available: Type.Optional(
    // One schema with two types: of two schemas, the first would turn the other's values into its own.
    Type.Unsafe<boolean | null>({
      type: ['boolean', 'null'],
      description: 'true: only samples that can be downloaded; false: only those that cannot',
    }),
  ),
})
export type NewRuleset = Static<typeof NewRuleset>

/** The body of what is asked for a ruleset by POST. */
export const RulesetNamed = Type.Object({ ruleset_name: Type.String() })
export type RulesetNamed = Static<typeof RulesetNamed>

/** The answer to what was asked by POST or DELETE. */
export const RulesetAccepted = Type.Object({
  ruleset_name: Type.String(),
  ruleset_sha1: Type.String({ description: 'of the text, in hexadecimal digits' }),
})
export type RulesetAccepted = Static<typeof RulesetAccepted>

export const RulesetInfo = Type.Object({
  valid: Type.Boolean({ description: 'the text compiles' }),
  ruleset_name: Type.String(),
  approved: Type.Boolean({ description: 'it runs' }),
  reason: Type.Optional(Type.String({ description: 'on which sample it had to be stopped' })),
})
export type RulesetInfo = Static<typeof RulesetInfo>

export const RulesetText = Type.Object({ text: Type.String() })
export type RulesetText = Static<typeof RulesetText>

/**
 * VALIDATING: whether the ruleset can be hunted with is being found out. VALIDATION_SUCCESS: it can, and no hunt ran
 * yet. CAPPED: the hunt ended because it had found as many matches as a hunt may find. FAILED: `reason` tells.
 */
export const retroStates = [
  'VALIDATING',
  'VALIDATION_SUCCESS',
  'RUNNING',
  'FINISHED',
  'CANCELLED',
  'CAPPED',
  'FAILED',
] as const
export type RetroState = (typeof retroStates)[number]

const PlainTime = Nullable(Type.String({ description: 'such as 2023-05-18T11:30:35, in UTC' }))

export const RetroStatus = Type.Object({
  ruleset_name: Type.String(),
  retro_status: Type.Enum([...retroStates]),
  start_time: PlainTime,
  finish_time: PlainTime,
  estimated_finish_time: PlainTime,
  progress: Nullable(Type.Number({ description: '0 to 1 while it runs' })),
  reason: Nullable(Type.String()),
})
export type RetroStatus = Static<typeof RetroStatus>

export const MatchedString = Type.Object({
  string_identifier: Type.String({ description: 'in base64' }),
  match_offset: Type.Integer(),
  matched_string: Type.String({ description: 'the first bytes of the match, in base64' }),
})
export type MatchedString = Static<typeof MatchedString>

export const FeedRule = Type.Object({
  identifier: Type.String(),
  tag: Type.Array(Type.String()),
  meta: Type.Array(Type.Unknown()),
  matched_data: Type.Array(MatchedString),
})
export type FeedRule = Static<typeof FeedRule>

/** One sample that one ruleset matches. */
export const FeedEntry = Type.Object({
  sha1: Type.String(),
  file_type: Type.String(),
  file_size: Type.Integer(),
  timestamp: Type.Integer({ description: 'when it was found, in Unix seconds' }),
  ruleset_name: Type.String(),
  ruleset_sha1: Type.String(),
  sample_available: Type.Boolean(),
  rule: Type.Array(FeedRule),
  sha256: Type.Optional(Type.String({ description: 'with extended=true' })),
  first_seen: Type.Optional(Type.String({ description: 'with extended=true, such as 2023-05-18T11:30:35' })),
})
export type FeedEntry = Static<typeof FeedEntry>

export const Feed = Type.Object({
  rl: Type.Object({
    feed: Type.Object({
      name: Type.String(),
      last_timestamp: Type.Integer(),
      time_range: Type.Object({ from: Type.String(), to: Type.String() }),
      entries: Type.Array(FeedEntry),
    }),
  }),
})
export type Feed = Static<typeof Feed>

export const Usage = Type.Object({
  rl: Type.Object({ product: Type.String(), number_of_active_rulesets: Type.Integer() }),
})
export type Usage = Static<typeof Usage>
