/** Ad-hoc hunts on the wire. */
import { Type } from 'typebox'
import { classificationNames } from '../../samples/index.ts'
import { Diagnosed, LeftOutShape } from './rulesets.ts'
import { MatchedStringShape } from './samples.ts'
import { Time, TimeOrNull } from './times.ts'

const Period = Type.Object({
  from: Type.Optional(Type.String({ format: 'date-time' })),
  to: Type.Optional(Type.String({ format: 'date-time' })),
})

const Bytes = Type.Integer({ minimum: 0 })

export const SelectionShape = Type.Object(
  {
    first_seen: Type.Optional(Period),
    last_seen: Type.Optional(Period),
    classifications: Type.Optional(Type.Array(Type.Enum([...classificationNames]), { minItems: 1, maxItems: 10 })),
    file_types: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        minItems: 1,
        maxItems: 1_000,
        description: 'whole types, or their beginning up to a slash; PE has PE32 (32 bits) and PE32+ (64 bits)',
      }),
    ),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
        minItems: 1,
        maxItems: 1_000,
        description: 'any of them',
      }),
    ),
    name: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 1_000,
        description: '* and ? stand for any characters and one character',
      }),
    ),
    query: Type.Optional(
      Type.String({ minLength: 1, maxLength: 8_000, description: 'in the language of the sample search' }),
    ),
    min_size: Type.Optional(Bytes),
    max_size: Type.Optional(Bytes),
    hashes: Type.Optional(Type.Array(Type.String(), { minItems: 1, maxItems: 100_000 })),
  },
  { description: 'the part of the corpus: samples for which every given condition holds' },
)

export const LeftOutOfTexts = Type.Array(Type.Object({ text: Type.String(), ...LeftOutShape.properties }), {
  description: 'what does not run although the rest does, the first 20; only with `partial`, or `costly` "leave-out"',
})

export const HuntShape = Type.Object({
  id: Type.Integer(),
  title: Type.Union([Type.String(), Type.Null()]),
  state: Type.Enum(['queued', 'starting', 'running', 'completed', 'stopped', 'failed']),
  user: Type.Union([Type.String(), Type.Null()]),
  rules: Type.Array(Type.Object({ name: Type.String() }), {
    description: 'the first 20; `rules/` gives all with their texts',
  }),
  rules_count: Type.Integer(),
  selection: SelectionShape,
  selection_hashes: Type.Integer({
    description: 'how many were chosen; of hashes, types and tags `selection` shows the first 20',
  }),
  index: Type.Boolean({ description: 'false: every sample was scanned plainly' }),
  repeats: Type.Union([Type.Integer(), Type.Null()], {
    description: 'the hunt that it asks again, or that its maker named as the one before; null when that is gone',
  }),
  created: Time,
  started: TimeOrNull,
  stopped: TimeOrNull,
  samples: Type.Integer({ description: 'samples that the hunt covers' }),
  processed: Type.Integer({ description: 'how many of them are decided' }),
  candidates: Type.Integer({
    description:
      'pairs of sample and ruleset that the index could not rule out, and that were not scanned in vain before',
  }),
  scanned_bytes: Type.Integer(),
  skipped: Type.Integer({ description: 'samples above the size limit' }),
  matches: Type.Integer(),
  milliseconds_left: Type.Union([Type.Integer(), Type.Null()]),
  failure: Type.Union([Type.String(), Type.Null()]),
  left_out: LeftOutOfTexts,
  left_out_count: Type.Integer(),
})

/** A hunt as it is answered to whoever makes it. */
export const MadeHuntShape = Type.Object({
  ...HuntShape.properties,
  warnings: Type.Array(Type.Object({ text: Type.String(), ...Diagnosed.properties })),
})

export const HuntComparisonShape = Type.Object({
  repeats: Type.Integer(),
  added: Type.Integer({ description: 'matches that the hunt before had not' }),
  gone: Type.Integer({ description: 'matches of that hunt which this one has not' }),
})

export const HuntRulesShape = Type.Object({
  results: Type.Array(Type.Object({ name: Type.String(), content: Type.String(), left_out: Type.Array(LeftOutShape) })),
})

const Share = Type.Object({ samples: Type.Integer(), bytes: Type.Integer() })

/** What a selection has. */
export const SelectedShape = Share

export const ExplanationShape = Type.Object({
  corpus: Share,
  texts: Type.Array(
    Type.Object({
      name: Type.String(),
      warnings: Type.Array(Diagnosed),
      left_out: Type.Array(LeftOutShape),
      expected: Share,
      rules: Type.Array(
        Type.Object({
          name: Type.String(),
          private: Type.Boolean(),
          plan: Type.String(),
          unindexable: Type.Array(Type.Object({ identifier: Type.String(), why: Type.String() })),
          advice: Type.Array(Type.String()),
          weakest: Type.Object(
            {
              line: Type.Integer(),
              column: Type.Integer(),
              term: Type.String({ description: 'a string of the rule, or the beginning of its condition' }),
            },
            { description: 'where in the text the rule lets through what it reads' },
          ),
          expected: Share,
        }),
      ),
    }),
  ),
})

export const HuntHitShape = Type.Object({
  id: Type.Integer({ description: 'grows in the order in which hits were found' }),
  ruleset: Type.String(),
  rule: Type.String(),
  tags: Type.Array(Type.String()),
  sha256: Type.String(),
  sha1: Type.String(),
  md5: Type.String(),
  filename: Type.String(),
  file_type: Type.String(),
  file_size: Type.Integer(),
  classification: Type.String(),
  threat_name: Type.Union([Type.String(), Type.Null()]),
  strings: Type.Array(MatchedStringShape),
})
