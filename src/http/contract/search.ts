/** What one search over everything finds, on the wire. */
import { Type } from 'typebox'
import { SampleShape } from './samples.ts'
import { Time } from './times.ts'

const InRules = Type.Object({
  ruleset: Type.String(),
  rule: Type.Union([Type.String(), Type.Null()], { description: 'null for a line outside of all rules' }),
  line: Type.Integer({ description: 'from 1' }),
  text: Type.String({ description: 'the line, or what is around the place in a long one' }),
})

export const FoundShape = Type.Object({
  samples: Type.Array(SampleShape, {
    description: 'with such a digest, then with it in their name, last seen first; 8, and 100 of a list of hashes',
  }),
  more_samples: Type.Boolean({ description: 'there are more, or not all names could be looked at' }),
  hashes: Type.Union(
    [
      Type.Object({
        asked: Type.Integer({ description: 'how many different ones the text has' }),
        unknown: Type.Array(Type.String(), { description: 'that no sample has, the first 100' }),
        unknown_count: Type.Integer(),
      }),
      Type.Null(),
    ],
    { description: 'null where no list of hashes was searched for' },
  ),
  tags: Type.Object({
    samples: Type.Array(Type.String()),
    rulesets: Type.Array(Type.Object({ tag: Type.String(), rulesets: Type.Integer() })),
  }),
  rulesets: Type.Array(Type.Object({ name: Type.String(), owner: Type.String(), status: Type.String() })),
  rulesets_count: Type.Integer(),
  rules: Type.Array(InRules, { description: 'with it in their name' }),
  lines: Type.Array(InRules, { description: 'of the current texts of rulesets, up to three of each' }),
  hunts: Type.Array(
    Type.Object({
      id: Type.Integer(),
      title: Type.Union([Type.String(), Type.Null()]),
      state: Type.String(),
      user: Type.Union([Type.String(), Type.Null()]),
      created: Time,
    }),
  ),
  complete: Type.Boolean({ description: 'false: not all texts of rulesets could be searched in time' }),
})
