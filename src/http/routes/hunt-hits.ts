/** What a hunt found: in pages, and as files. */
import { Readable } from 'node:stream'
import { type Static, Type } from 'typebox'
import type { AdHocHunts, HuntHit } from '../../hunts/index.ts'
import { classificationNames } from '../../samples/index.ts'
import { HuntHitShape } from '../contract/hunts.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { csvLines, hashLines, jsonLines } from '../exported-lines.ts'
import type { HttpServer, RouteParts } from '../route.ts'
import { HuntPath } from './hunt-requests.ts'

const refused = refusals(yaraEnvelope, {
  400: 'A parameter is not in its range.',
  403: 'No token, or an unknown one.',
  404: 'There is no such hunt.',
})

const HitPageShape = Type.Object({
  count: Type.Integer(),
  next_after: Type.Union([Type.Integer(), Type.Null()], { description: '`after` of the next page' }),
  results: Type.Array(HuntHitShape),
})

export function addHuntHits(app: HttpServer, { appliance: { adHocHunts } }: RouteParts): void {
  app.get(
    '/api/hunts/:id/results/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'listHuntHits',
        summary: 'Read what a hunt found, page by page',
        params: HuntPath,
        querystring: Type.Object({
          after: Type.Integer({ minimum: 0, default: 0, description: 'the id of the last hit seen' }),
          limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
          new: Type.Boolean({ default: false, description: 'true: only what the hunt before (`repeats`) had not' }),
        }),
        response: {
          200: HitPageShape,
          ...refused,
        },
      },
    },
    async ({ params: { id }, query: { new: onlyNew, ...page } }) => hitPage(adHocHunts, id, { ...page, onlyNew }),
  )

  app.get(
    '/api/hunts/:id/export/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['hunts'],
        operationId: 'exportHuntHits',
        summary: 'Download what a hunt found',
        params: HuntPath,
        querystring: Type.Object({ format: Type.Enum(['csv', 'jsonl', 'hashes']) }),
        produces: Object.values(exports).map(({ type }) => type),
        response: { 200: Type.Unsafe<unknown>({ type: 'string' }), ...refused },
      },
    },
    async ({ params: { id }, query: { format } }, reply) => {
      await adHocHunts.get(id)
      const { type, ending, lines } = exports[format]
      return reply
        .type(`${type}; charset=utf-8`)
        .header('content-disposition', `attachment; filename="hunt-${id}.${ending}"`)
        .send(Readable.from(lines(adHocHunts.allHits(id))))
    },
  )
}

export async function hitPage(
  adHocHunts: AdHocHunts,
  id: number,
  asked: { readonly after: number; readonly limit: number; readonly onlyNew?: boolean },
): Promise<Static<typeof HitPageShape>> {
  const hits = await adHocHunts.hits(id, asked)
  const added = asked.onlyNew ? (await adHocHunts.comparison(id))?.added : undefined
  return {
    count: added ?? (await adHocHunts.get(id)).matches,
    next_after: hits.length === asked.limit ? (hits.at(-1)?.id ?? null) : null,
    results: hits.map(hitOf),
  }
}

export function hitOf({
  fileType,
  fileSize,
  classification,
  threatName,
  ...hit
}: HuntHit): Static<typeof HuntHitShape> {
  return {
    ...hit,
    tags: [...hit.tags],
    strings: [...hit.strings],
    file_type: fileType,
    file_size: fileSize,
    classification: classificationNames[classification],
    threat_name: threatName,
  }
}

const exports = {
  csv: { type: 'text/csv', ending: 'csv', lines: (hits: AsyncIterable<HuntHit>) => csvLines(hits, columns, hitOf) },
  jsonl: {
    type: 'application/jsonl',
    ending: 'jsonl',
    lines: (hits: AsyncIterable<HuntHit>) => jsonLines(hits, hitOf),
  },
  hashes: {
    type: 'text/plain',
    ending: 'txt',
    lines: (hits: AsyncIterable<HuntHit>) => hashLines(hits, ({ sha256 }) => sha256),
  },
} as const

const columns = [
  'ruleset',
  'rule',
  'tags',
  'sha256',
  'sha1',
  'md5',
  'filename',
  'file_type',
  'file_size',
  'classification',
  'threat_name',
] as const
