import { Type } from 'typebox'
import { Failure } from '../../errors/index.ts'
import { toIso } from '../../store/index.ts'
import { about } from '../auditing.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = {
  403: 'No token, or an unknown one.',
  405: 'Synchronisation with Spectra Intelligence is not enabled.',
}
const Time = Type.String({
  description: 'YYYY-MM-DD hh:mm[:ss] in UTC, the same with T in between or Z or +00:00 behind, or seconds since 1970',
})

const FORMS =
  'time must be UTC as 2017-08-10 11:53 or 2017-08-10 11:53:24, also written 2017-08-10T11:53:24Z or 2017-08-10 11:53:24+00:00, or seconds since 1970'

const CloudTimeShape = Type.Object({
  code: Type.Literal(200),
  message: Type.String(),
  detail: Type.Object({ time: Type.String() }),
})

/** `/api/yara/ticloud/time/`: a malformed time is refused as such, also without a cloud, where all else is 405. */
export function addCloudTime(app: HttpServer, { appliance: { cloud } }: RouteParts): void {
  app.get(
    '/api/yara/ticloud/time/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['rulesets'],
        operationId: 'getCloudTime',
        summary: 'Tell from when cloud matches are fetched',
        response: { 200: CloudTimeShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async () => {
      const time = toIso(await cloud.time())
      return { code: 200 as const, message: syncingFrom(time), detail: { time } }
    },
  )
  app.post(
    '/api/yara/ticloud/time/',
    {
      config: { audit: about('time'), access: 'account', invalid: 'time.malformed' },
      schema: {
        tags: ['rulesets'],
        operationId: 'setCloudTime',
        summary: 'Set from when cloud matches are fetched; time comes in the body or in the query',
        consumes: ['application/x-www-form-urlencoded', 'multipart/form-data', 'application/json'],
        querystring: Type.Object({ time: Type.Optional(Time) }),
        response: {
          200: CloudTimeShape,
          ...refusals(yaraEnvelope, { ...statuses, 404: 'The time is missing or malformed.' }),
        },
      },
    },
    async ({ query, body }) => {
      const time = timeIn(body) ?? query.time
      const milliseconds = time === undefined ? null : parseTime(time)
      if (milliseconds === null) throw new Failure('time.malformed', `Malformed time parameter: ${FORMS}.`)
      await cloud.moveTime(milliseconds / 1000)
      // The two methods write the time each in its own way.
      const printed = new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')
      return {
        code: 200 as const,
        message: syncingFrom(toIso(milliseconds * 1000)),
        detail: { time: `${printed}+00:00` },
      }
    },
  )
}

const syncingFrom = (time: string): string => `TiCloud matches are syncing from ${time}`

/** The field of a body in any of the three types; this route may come without a body, so no schema asks for one. */
function timeIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('time' in body)) return undefined
  return typeof body.time === 'string' || typeof body.time === 'number' ? String(body.time) : ''
}

/** Milliseconds since 1970, or null for text in neither of the accepted forms. */
function parseTime(text: string): number | null {
  if (/^\d{1,11}$/.test(text)) return Number(text) * 1000
  const parts = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d)(:\d\d)?(?:\.\d{1,6})?(?:Z|\+00:00)?$/.exec(text)
  if (!parts) return null
  const iso = `${parts[1]}T${parts[2]}${parts[3] ?? ':00'}.000Z`
  const time = Date.parse(iso)
  // Date.parse takes 30 February for 1 March.
  return !Number.isNaN(time) && new Date(time).toISOString() === iso ? time : null
}
