/** What the server holds and how it is doing, on the wire. */
import { Type } from 'typebox'
import { Time } from './times.ts'

export const LimitsShape = Type.Object({
  results: Type.Array(
    Type.Object({
      name: Type.String(),
      value: Type.String({ description: 'as it is written in a flag' }),
      preset: Type.Boolean({ description: 'nobody set it' }),
      about: Type.String(),
      flag: Type.String(),
      variable: Type.String(),
    }),
  ),
})

export const HealthShape = Type.Object({
  version: Type.String(),
  uptime_seconds: Type.Integer(),
  storage: Type.Object({
    free_bytes: Type.Integer({ description: 'on the file system of the data folder' }),
    whole_bytes: Type.Integer(),
  }),
  intake: Type.Object({
    queued: Type.Integer(),
    processing: Type.Integer(),
    processed: Type.Integer({ description: 'since the start' }),
  }),
  database: Type.Object(
    {
      state: Type.Enum(['sound', 'checking', 'damaged']),
      problems: Type.Array(Type.String(), { description: 'what is damaged' }),
    },
    { description: 'hunts fail, rather than miss matches, once it is known to be damaged' },
  ),
  contents: Type.Union(
    [
      Type.Object({
        samples: Type.Integer({ description: 'that were looked at' }),
        missing: Type.Integer({
          description: 'samples whose content is missing or cut off; hunts count them as skipped',
        }),
        damaged: Type.Integer({ description: 'samples whose content had other bytes; it was set aside' }),
        strays: Type.Integer({ description: 'contents without a sample' }),
        problems: Type.Array(Type.String(), { description: 'the first of each kind' }),
      }),
      Type.Null(),
    ],
    { description: 'the latest look at stored contents, one after each start; null until it has ended' },
  ),
  workers: Type.Array(
    Type.Object({
      role: Type.Enum(['worker', 'checker']),
      busy: Type.Boolean(),
      resident_bytes: Type.Integer(),
      stage: Type.Union([Type.String(), Type.Null()], { description: 'what it is about' }),
    }),
  ),
  waiting: Type.Object({
    interactive: Type.Integer(),
    live: Type.Integer(),
    hunt: Type.Integer(),
    background: Type.Integer(),
  }),
  restarts: Type.Object({ crash: Type.Integer(), timeout: Type.Integer(), memory: Type.Integer() }),
  journal: Type.Array(
    Type.Object({
      id: Type.Integer(),
      created: Time,
      kind: Type.String(),
      message: Type.String(),
      ruleset: Type.Union([Type.String(), Type.Null()]),
      sha1: Type.Union([Type.String(), Type.Null()]),
    }),
    { description: 'what operators should know, the latest 50, newest first' },
  ),
})

export const OverviewShape = Type.Object({
  samples: Type.Integer(),
  sample_bytes: Type.Integer(),
  queued: Type.Integer({ description: 'samples that are not processed yet' }),
  by_classification: Type.Object({
    unknown: Type.Integer(),
    goodware: Type.Integer(),
    suspicious: Type.Integer(),
    malicious: Type.Integer(),
  }),
  matches: Type.Integer(),
  index: Type.Object({
    segments: Type.Integer(),
    damaged: Type.Integer({ description: 'segments that are being made anew' }),
    samples: Type.Integer(),
    bytes: Type.Integer(),
  }),
})

export const ActivityQuery = Type.Object({ span: Type.Enum(['day', 'week', 'month', 'year'], { default: 'month' }) })

export const ActivityShape = Type.Object({
  seconds: Type.Integer({ description: 'how long each column is' }),
  columns: Type.Array(
    Type.Object({
      start: Time,
      samples: Type.Integer({ description: 'seen for the first time' }),
      matches: Type.Integer({ description: 'recorded' }),
    }),
    { description: 'oldest first; they begin at whole hours or days of UTC, and the last one is still growing' },
  ),
})
