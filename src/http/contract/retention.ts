/** Retention on the wire: which samples are deleted by themselves. */
import { Type } from 'typebox'
import { SampleShape } from './samples.ts'
import { Time, TimeOrNull } from './times.ts'

const Query = (description: string) => Type.String({ maxLength: 8_000, description })

const fields = {
  enabled: Type.Boolean({ description: 'samples are deleted by themselves' }),
  rules: Type.Array(
    Type.Object({
      days: Type.Integer({ minimum: 1, maximum: 36_500, description: 'last seen longer ago than this' }),
      query: Query('of the query language: only these samples; empty for all'),
    }),
    { maxItems: 100, description: 'a sample goes that one of them is about' },
  ),
  // Null first: the validator takes a null for the number 0 elsewhere, and with a limit of 0 everything would go.
  max_bytes: Type.Union([Type.Null(), Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })], {
    description: 'with more bytes than this, samples that were seen longest ago go as well; null: however many',
  }),
  keep: Query('of the query language: samples that always stay; empty for none'),
  keep_matched: Type.Boolean({ description: 'samples with matches, hits of hunts or entries in a feed stay' }),
}

/** What is left out stays as it is. */
export const RetentionBody = Type.Partial(Type.Object(fields))

const counts = {
  samples: Type.Integer({ description: 'members of archives that go with them included' }),
  bytes: Type.Integer(),
  kept: Type.Object(
    {
      matched: Type.Integer({ description: 'they have matches' }),
      chosen: Type.Integer({ description: 'they fulfil `keep`' }),
      busy: Type.Integer({ description: 'they wait for a hunt or for the pipeline, and go at another time' }),
    },
    { description: 'samples that would go otherwise, each counted up to 500,000' },
  ),
}

export const RetentionShape = Type.Object({
  ...fields,
  last_run: Type.Union([
    Type.Object({
      started: Time,
      ended: TimeOrNull,
      ...counts,
      problem: Type.Union([Type.String(), Type.Null()], { description: 'why it did not come to its end' }),
    }),
    Type.Null(),
  ]),
})

export const RetentionPreviewShape = Type.Object({
  ...counts,
  oldest: Type.Union([Time, Type.Null()], { description: 'when the oldest of them was last seen' }),
  newest: TimeOrNull,
  complete: Type.Boolean({ description: 'false: there are more, and counting them would take too long' }),
  examples: Type.Array(SampleShape, { description: 'the first 20' }),
})
