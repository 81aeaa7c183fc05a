/** Matches on the wire. */
import { Type } from 'typebox'
import { ClassificationName } from './samples.ts'
import { Time } from './times.ts'

export const MatchShape = Type.Object({
  id: Type.Integer(),
  ruleset: Type.String(),
  rule: Type.String(),
  cloud: Type.Boolean(),
  created: Time,
  classification: ClassificationName,
  riskscore: Type.Union([Type.Integer(), Type.Null()]),
  threat_name: Type.Union([Type.String(), Type.Null()]),
  sha1: Type.String(),
  sha256: Type.Union([Type.String(), Type.Null()]),
  md5: Type.Union([Type.String(), Type.Null()]),
  filename: Type.String(),
  file_type: Type.String(),
  file_size: Type.Integer(),
  extracted_file_count: Type.Union([Type.Integer(), Type.Null()]),
  downloadable: Type.Boolean(),
})

export const MatchSearchShape = Type.Object({
  count: Type.Union([Type.Integer(), Type.Null()], {
    description: 'of all pages; null where counting would mean looking at every match',
  }),
  next_after: Type.Union([Type.Integer(), Type.String(), Type.Null()], {
    description:
      '`after` of the next page, a text where an `order` is given. A page may be short, even empty, although there is a next one',
  }),
  results: Type.Array(MatchShape),
})

export const MatchGroupsShape = Type.Object({
  next_after: Type.Union([Type.Integer(), Type.Null()], {
    description: '`after` of the next page. A page may be short, even empty, although there is a next one',
  }),
  results: Type.Array(
    Type.Object({
      newest: MatchShape,
      matches: Type.Object({
        count: Type.Integer({ description: 'of the sample, or of the rule, as far as they fit' }),
        more: Type.Boolean({ description: 'true: not all were counted' }),
      }),
    }),
    { description: 'one for each sample or rule, the one with the newest match first' },
  ),
})
