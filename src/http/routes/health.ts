/** What an administrator looks at: the limits in force, and how the appliance is doing. Additions to the specification. */
import { statfs } from 'node:fs/promises'
import { flagOf, type Option, options, type Settings, variableOf } from '../../settings/index.ts'
import { toIso } from '../../store/index.ts'
import { HealthShape, LimitsShape } from '../contract/operation.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { packageVersion } from '../version.ts'

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

const JOURNAL_ENTRIES = 50

export function addHealth(app: HttpServer, { appliance, settings }: RouteParts): void {
  app.get(
    '/api/limits/',
    {
      config: { access: 'account' },
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
      config: { access: 'account' },
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
