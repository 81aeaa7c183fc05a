/** What the appliance holds and what happened lately, at a glance: an addition to the specification. */
import { setImmediate } from 'node:timers/promises'
import { type Micros, now, toIso } from '../../store/index.ts'
import { ActivityQuery, ActivityShape, OverviewShape } from '../contract/operation.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const unauthenticated = { 403: 'No token, or an unknown one.' }

const HOUR: Micros = 3_600_000_000
const DAY = 24 * HOUR
/** Each span as so many columns of one length. */
const spans = {
  day: { columns: 24, length: HOUR },
  week: { columns: 28, length: 6 * HOUR },
  month: { columns: 30, length: DAY },
  year: { columns: 52, length: 7 * DAY },
} as const

/** Deleted samples leave columns of the past with some delay. */
const KEPT_MS = 5 * 60_000

interface Column {
  readonly samples: number
  readonly matches: number
  readonly countedAt: number
}

export function addOverview(app: HttpServer, { appliance: { samples, matches, segments } }: RouteParts): void {
  app.get(
    '/api/overview/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['operation'],
        operationId: 'getOverview',
        summary: 'Tell what the appliance holds',
        response: { 200: OverviewShape, ...refusals(yaraEnvelope, unauthenticated) },
      },
    },
    async () => {
      const totals = await samples.totals()
      const [unknown, goodware, suspicious, malicious] = totals.byClassification
      return {
        samples: totals.samples,
        sample_bytes: totals.bytes,
        queued: totals.queued,
        by_classification: { unknown, goodware, suspicious, malicious },
        matches: await matches.count([]),
        index: { ...(await segments.totals()) },
      }
    },
  )

  // A column of the past is counted once for all who look; counting goes by an index, a column at a time.
  const counted = new Map<string, Column>()
  async function column(from: Micros, to: Micros): Promise<Column> {
    const key = `${from} ${to}`
    const known = counted.get(key)
    if (known && performance.now() - known.countedAt < KEPT_MS) return known
    await setImmediate()
    const fresh: Column = {
      samples: await samples.arrivedBetween(from, to),
      matches: await matches.recordedBetween(from, to),
      countedAt: performance.now(),
    }
    if (to <= now()) counted.set(key, fresh)
    return fresh
  }

  app.get(
    '/api/overview/activity/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['operation'],
        operationId: 'getActivity',
        summary: 'Tell how many samples arrived and how many matches were recorded over time',
        querystring: ActivityQuery,
        response: {
          200: ActivityShape,
          ...refusals(yaraEnvelope, { ...unauthenticated, 400: 'The span is not one of those there are.' }),
        },
      },
    },
    async ({ query: { span } }) => {
      const { columns, length } = spans[span]
      for (const [key, { countedAt }] of counted) if (performance.now() - countedAt >= KEPT_MS) counted.delete(key)
      const last = Math.floor(now() / length) * length
      const items = []
      for (let place = columns - 1; place >= 0; place--) {
        const start = last - place * length
        const { samples, matches } = await column(start, start + length)
        items.push({ start: toIso(start), samples, matches })
      }
      return { seconds: length / 1_000_000, columns: items }
    },
  )
}
