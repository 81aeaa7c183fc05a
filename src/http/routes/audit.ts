/** The audit log, an addition to the specification. */
import { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import type { AuditEntry, AuditFilter } from '../../audit/index.ts'
import { toIso } from '../../store/index.ts'
import { AuditEntryShape, AuditLogShape } from '../contract/audit.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { csvLines, jsonLines } from '../exported-lines.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { periodOf } from './sample-shapes.ts'

const Name = (description: string) => Type.Optional(Type.String({ maxLength: 200, description }))
const Moment = (description: string) => Type.Optional(Type.String({ maxLength: 40, description }))
const filters = {
  user: Name('of this user'),
  operation: Name('an `operationId` of this document'),
  subject: Name('a part of what it was about: a name, a hash'),
  from: Moment('a date, or a time in ISO 8601; inclusive'),
  to: Moment('a date, or a time in ISO 8601; a date counts as a whole'),
}
const Filters = Type.Object(filters)
const statuses = { 400: 'A parameter is malformed.', 403: 'No token, or an unknown one, or not an administrator’s.' }

export function addAudit(app: HttpServer, { appliance: { audit } }: RouteParts): void {
  app.get(
    '/api/audit/',
    {
      config: { access: 'audit.read' },
      schema: {
        tags: ['operation'],
        operationId: 'listAuditEntries',
        summary: 'Tell who did what, newest first',
        querystring: Type.Object({
          ...filters,
          before: Type.Optional(
            Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'the `next_before` of a page' }),
          ),
          limit: Type.Integer({ minimum: 1, maximum: 500, default: 100 }),
        }),
        response: { 200: AuditLogShape, ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ query: { before = null, limit, ...query } }) => {
      const { results, next } = await audit.list(filterOf(query), before, limit)
      return { results: results.map(entryJson), next_before: next }
    },
  )

  app.get(
    '/api/audit/export/',
    {
      config: { access: 'audit.read' },
      schema: {
        tags: ['operation'],
        operationId: 'exportAuditEntries',
        summary: 'Download the audit log as CSV, or as JSON with an entry a line',
        querystring: Type.Object({ ...filters, format: Type.Enum(['csv', 'jsonl'], { default: 'csv' }) }),
        produces: ['text/csv', 'application/jsonl'],
        response: { 200: Type.Unsafe<unknown>(Type.String()), ...refusals(yaraEnvelope, statuses) },
      },
    },
    async ({ query: { format, ...query } }, reply) => {
      const entries = audit.all(filterOf(query))
      return reply
        .type(format === 'csv' ? 'text/csv; charset=utf-8' : 'application/jsonl')
        .header('content-disposition', `attachment; filename="audit.${format}"`)
        .send(Readable.from(format === 'csv' ? csvLines(entries, columns, entryJson) : jsonLines(entries, entryJson)))
    },
  )
}

function filterOf({ user, operation, subject, from, to }: Static<typeof Filters>): AuditFilter {
  return {
    ...(user && { user }),
    ...(operation && { operation }),
    ...(subject && { subject }),
    ...periodOf(from, to),
  }
}

function entryJson({ time, subjectCount, ...entry }: AuditEntry): Static<typeof AuditEntryShape> {
  return { ...entry, time: toIso(time), subjects: [...entry.subjects], subject_count: subjectCount }
}

const columns = Object.keys(AuditEntryShape.properties) as (keyof Static<typeof AuditEntryShape>)[]
