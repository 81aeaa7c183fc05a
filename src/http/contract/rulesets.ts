/** Rulesets, their revisions, and what is wrong with their texts, on the wire. */
import { Type } from 'typebox'
import { MOST_RULESET_TAGS, rulesetOrders } from '../../rulesets/index.ts'
import { Paging } from './paging.ts'
import { Time } from './times.ts'

/** A problem in a YARA text as answers have it. */
export const Diagnosed = Type.Object({
  severity: Type.Enum(['error', 'warning']),
  code: Type.String(),
  message: Type.String(),
  line: Type.Integer({ description: 'from 1' }),
  column: Type.Integer({ description: 'from 1, in characters' }),
})

/** What does not run although the rest of its text does. */
export const LeftOutShape = Type.Object({
  kind: Type.Enum(['rule', 'import', 'include', 'text'], { description: 'text: nothing of it runs' }),
  name: Type.String(),
  line: Type.Integer({ description: 'from 1, of what is wrong in it' }),
  column: Type.Integer({ description: 'from 1, in characters' }),
  reason: Type.String(),
})

export const RulesetShape = Type.Object({
  name: Type.String(),
  owner: Type.String(),
  status: Type.Enum(['active', 'disabled', 'invalid', 'error', 'pending', 'capped']),
  reason: Type.Union([Type.String(), Type.Null()], {
    description: 'why it is invalid, in error, or was disabled by itself',
  }),
  enabled: Type.Boolean(),
  system_ruleset: Type.Boolean(),
  cloud_synced: Type.Boolean(),
  revision: Type.Integer(),
  created: Time,
  modified: Time,
  last_matched: Type.Union([Time, Type.Null()]),
  disabled_rules: Type.Integer({ description: 'rules that are disabled by themselves' }),
  tags: Type.Array(Type.String()),
  notes: Type.String(),
  expires: Type.Union([Time, Type.Null()], { description: 'when it is disabled by itself, or was' }),
  expired: Type.Boolean({ description: 'it is disabled, and its date has come' }),
  match_counts: Type.Object({
    unknown: Type.Integer(),
    goodware: Type.Integer(),
    suspicious: Type.Integer(),
    malicious: Type.Integer(),
  }),
})

export const RulesShape = Type.Object({
  results: Type.Array(
    Type.Object({
      name: Type.String(),
      tags: Type.Array(Type.String()),
      meta: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()])),
      matches: Type.Integer({ description: 'those of before it was disabled too' }),
      noisy: Type.Boolean({
        description: 'it has matches for one in a hundred stored samples, at least 100, or it has 10,000',
      }),
      in_text: Type.Boolean({ description: 'false for one that is disabled and is not in the text any more' }),
      enabled: Type.Boolean(),
      disabled_by: Type.Union([Type.String(), Type.Null()]),
      disabled_since: Type.Union([Time, Type.Null()]),
    }),
    { description: 'in the order of the last text that compiled' },
  ),
})

export const allowedKinds = ['hash', 'name', 'signer', 'serial'] as const

export const AllowListShape = Type.Object({
  results: Type.Array(
    Type.Object({
      rule: Type.String(),
      kind: Type.Enum(allowedKinds),
      value: Type.String(),
      by: Type.String(),
      created: Time,
    }),
    { description: 'by rule, kind and value' },
  ),
})

export const RulesetListQuery = Type.Object({
  type: Type.Enum(['my', 'user', 'system', 'all'], { default: 'all' }),
  status: Type.Enum(['all', 'error', 'active', 'disabled', 'pending', 'invalid', 'capped'], { default: 'all' }),
  source: Type.Enum(['all', 'local', 'cloud'], { default: 'all' }),
  search: Type.String({ maxLength: 200, default: '', description: 'a part of the name or of the owner’s name' }),
  tag: Type.String({ maxLength: 64, default: '', description: 'only rulesets with this tag' }),
  order: Type.Enum([...rulesetOrders], { default: 'name' }),
  descending: Type.Boolean({ default: false }),
  ...Paging,
})

/** What users call a group of rulesets. */
const RulesetTag = Type.String({
  maxLength: 64,
  // One line without commas, and without blanks around it.
  pattern: '^[^\\s,](?:[^,\\r\\n]*[^\\s,])?$',
  description: 'up to 64 characters without commas',
})
const RulesetTags = Type.Array(RulesetTag, { maxItems: MOST_RULESET_TAGS })

export const NotesBody = Type.Object({
  notes: Type.String({ maxLength: 10_000 }),
  tags: RulesetTags,
  expires: Type.Optional(
    Type.Union([Time, Type.Null()], {
      description: 'when it is disabled by itself; null: never; left out: that stays',
    }),
  ),
})

export const RulesetTagsShape = Type.Object({
  results: Type.Array(Type.Object({ tag: Type.String(), rulesets: Type.Integer() }), { description: 'by tag' }),
})

export const bulkActions = ['enable', 'disable', 'delete', 'add-tags', 'remove-tags'] as const

export const BulkBody = Type.Object({
  action: Type.Enum(bulkActions),
  names: Type.Array(Type.String({ minLength: 1, maxLength: 400 }), {
    minItems: 1,
    maxItems: 10_000,
    description: 'names of rulesets; case-sensitive',
  }),
  tags: Type.Optional(Type.Array(RulesetTag, { ...RulesetTags, description: 'for add-tags and remove-tags' })),
  publish: Type.Optional(
    Type.Boolean({ description: 'on all appliances of the cluster; for enable, disable and delete' }),
  ),
})

export const BulkShape = Type.Object({
  action: Type.Enum(bulkActions),
  done: Type.Integer(),
  failed: Type.Array(
    Type.Object({
      name: Type.String(),
      error: Type.String({ description: 'a code of the list of failures' }),
      message: Type.String(),
    }),
    { description: 'what stayed as it is, and why' },
  ),
  published: Type.Optional(
    Type.Object(
      {
        published: Type.Integer(),
        waiting: Type.Integer({ description: 'the manager has not answered yet; it goes on in the background' }),
        out_of_sync: Type.Array(Type.String(), { description: 'another change was first, and a person decides' }),
        not_published: Type.Array(Type.String(), { description: 'they do not compile here' }),
      },
      { description: 'what became of those that were changed, where publish was asked for' },
    ),
  ),
  note: Type.Optional(Type.String({ description: 'why nothing was published' })),
})

export const RulesetListShape = Type.Object({
  count: Type.Integer(),
  next: Type.Union([Type.String(), Type.Null()]),
  previous: Type.Union([Type.String(), Type.Null()]),
  results: Type.Array(RulesetShape),
})

export const RevisionJson = Type.Object({
  number: Type.Integer(),
  author: Type.String(),
  created: Time,
  valid: Type.Boolean(),
  origin: Type.Union(
    [
      Type.Object({
        source: Type.String({ description: 'the name that the rule source had then' }),
        url: Type.String(),
        path: Type.String({ description: 'of the file in it' }),
        version: Type.String({ description: 'a commit, or sha256: and the digest of an archive' }),
      }),
      Type.Null(),
    ],
    { description: 'the rule source that the text was fetched from; null where somebody wrote it' },
  ),
})

export const RevisionsShape = Type.Object({
  results: Type.Array(
    Type.Object({
      ...RevisionJson.properties,
      matches: Type.Record(Type.String(), Type.Integer(), {
        description: 'standing matches first found with this revision, by rule',
      }),
    }),
  ),
})

export const RevisionShape = Type.Object({
  ...RevisionJson.properties,
  content: Type.String(),
  diagnostics: Type.Array(Diagnosed),
  left_out: Type.Array(LeftOutShape, { description: 'what does not run although the rest does' }),
  rules: Type.Array(Type.Object({ name: Type.String(), tags: Type.Array(Type.String()) })),
})
