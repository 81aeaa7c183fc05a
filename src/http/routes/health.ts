/** What an administrator looks at: the limits in force, and how the appliance is doing. Additions to the specification. */
import { statfs } from 'node:fs/promises'
import { Type } from 'typebox'
import { flagOf, type Option, options, type Settings, variableOf } from '../../settings/index.ts'
import { toIso } from '../../store/index.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { packageVersion } from '../version.ts'
import { Time } from './sample-shapes.ts'

const unauthenticated = { 403: 'No token, or an unknown one.' }

/** Paths, addresses and secrets are nobody's business but the operator's. */
const limits = [
  'uploadLimit',
  'scanLimit',
  'scanTimeout',
  'compileTimeout',
  'workers',
  'workerMemory',
  'huntsAtOnce',
  'archiveDepth',
  'archiveMembers',
  'archiveBytes',
  'archiveRatio',
  'archiveTimeout',
  'rateLimit',
  'loginLimit',
  'shutdownGrace',
] as const satisfies readonly (keyof Settings)[]

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

const JOURNAL_ENTRIES = 50

export function addHealth(app: HttpServer, { appliance, settings }: RouteParts): void {
  app.get(
    '/api/limits/',
    {
      schema: {
        tags: ['operation'],
        operationId: 'listLimits',
        summary: 'Tell the limits in force',
        response: { 200: LimitsShape, ...refusals(yaraEnvelope, unauthenticated) },
      },
    },
    async () => ({
      results: limits.map((name) => {
        const option: Option<number> = options[name]
        return {
          name,
          value: option.kind.print(settings[name]),
          preset: settings[name] === option.default,
          about: option.about,
          flag: flagOf(name),
          variable: variableOf(name, option),
        }
      }),
    }),
  )

  app.get(
    '/api/health/',
    {
      schema: {
        tags: ['operation'],
        operationId: 'getHealth',
        summary: 'Tell how the appliance is doing',
        response: { 200: HealthShape, ...refusals(yaraEnvelope, unauthenticated) },
      },
    },
    async () => {
      const { bavail, blocks, bsize } = await statfs(settings.data)
      const { queued, processing, processed } = appliance.intake.status()
      const { processes, waiting, restarts } = appliance.pool.statistics()
      const { database, contents } = appliance.stored.status()
      return {
        version: packageVersion,
        uptime_seconds: Math.floor(process.uptime()),
        storage: { free_bytes: bavail * bsize, whole_bytes: blocks * bsize },
        intake: { queued, processing, processed },
        database: { state: database.state, problems: [...database.problems] },
        contents: contents && { ...contents, problems: [...contents.problems] },
        workers: processes.map(({ role, busy, residentBytes, at }) => ({
          role,
          busy,
          resident_bytes: residentBytes,
          stage: at?.stage ?? null,
        })),
        waiting: { ...waiting },
        restarts: { ...restarts },
        journal: (await appliance.journal(JOURNAL_ENTRIES)).map((entry) => ({
          ...entry,
          created: toIso(entry.created),
        })),
      }
    },
  )
}
