/** The n-gram index, an addition to the specification: what it holds, building what is missing, checking all of it. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { Type } from 'typebox'
import { messageOf } from '../../errors/index.ts'
import { about } from '../auditing.ts'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { goneSignal } from '../gone-clients.ts'
import type { HttpServer, RouteParts } from '../route.ts'

const statuses = { 403: 'No token, or an unknown one, or not an administrator\u2019s.' }
const lines = 'JSON lines: {"done", "total"} as it goes on, and {"result"} or {"error"} as the last one'

/** Of the check of the index, and of everything. */
const CheckQuery = Type.Object({
  each: Type.Integer({ minimum: 1, default: 1, description: 'compares the signature of every nth sample' }),
})
const checkResponse = {
  200: Type.Unsafe<unknown>({ type: 'string' }),
  ...refusals(yaraEnvelope, { ...statuses, 400: 'A parameter is not in its range.' }),
}

export function addIndexMaintenance(app: HttpServer, { appliance: { segments, stored } }: RouteParts): void {
  const Share = Type.Object({ samples: Type.Integer(), bytes: Type.Integer() })
  app.get(
    '/api/index/',
    {
      config: { access: 'account' },
      schema: {
        tags: ['index'],
        operationId: 'getIndex',
        summary: 'Tell what the index holds',
        response: {
          200: Type.Object({
            segments: Type.Integer(),
            damaged: Type.Integer(),
            samples: Type.Integer(),
            sample_bytes: Type.Integer(),
            index_bytes: Type.Integer(),
            unindexed: Share,
            by_size: Type.Array(
              Type.Object({
                up_to: Type.Union([Type.Integer(), Type.Null()]),
                segments: Type.Integer(),
                samples: Type.Integer(),
                bytes: Type.Integer(),
              }),
            ),
            fill: Type.Union([Type.Number(), Type.Null()], { description: 'mean share of set bits' }),
          }),
          ...refusals(yaraEnvelope, statuses),
        },
      },
    },
    async () => {
      const { sampleBytes, indexBytes, bySize, ...stats } = await segments.stats()
      return {
        ...stats,
        sample_bytes: sampleBytes,
        index_bytes: indexBytes,
        by_size: bySize.map(({ upTo, ...size }) => ({ up_to: upTo, ...size })),
      }
    },
  )

  app.post(
    '/api/index/build/',
    {
      config: { audit: about(), access: 'index.maintain' },
      schema: {
        tags: ['index'],
        operationId: 'buildIndex',
        summary: 'Index what is not indexed yet',
        description: lines,
        produces: ['application/jsonl'],
        response: { 200: Type.Unsafe<unknown>({ type: 'string' }), ...refusals(yaraEnvelope, statuses) },
      },
    },
    async (_request, reply) => progressLines(reply, (signal, onProgress) => segments.build({ signal, onProgress })),
  )

  app.post(
    '/api/index/check/',
    {
      config: { audit: about(), access: 'index.maintain' },
      schema: {
        tags: ['index'],
        operationId: 'checkIndex',
        summary: 'Verify the checksums of the index, and that signatures match their samples',
        description: lines,
        produces: ['application/jsonl'],
        querystring: CheckQuery,
        response: checkResponse,
      },
    },
    async (request, reply) => {
      const { each } = request.query
      return progressLines(reply, (signal, onProgress) => segments.check({ each, signal, onProgress }))
    },
  )

  app.post(
    '/api/check/',
    {
      config: { audit: about(), access: 'index.maintain' },
      schema: {
        tags: ['operation'],
        operationId: 'checkEverything',
        summary: 'Verify all that is stored: the database, every content against its digest, and the index',
        description: `${lines}; a line of progress carries its "phase" too`,
        produces: ['application/jsonl'],
        querystring: Type.Object({
          ...CheckQuery.properties,
          quick: Type.Boolean({
            default: false,
            description:
              'the pages of the database, and whether all files are there as a whole; reads neither contents nor signatures',
          }),
        }),
        response: checkResponse,
      },
    },
    async (request, reply) => {
      const { each, quick } = request.query
      return progressLines(reply, (signal, onProgress) => stored.run({ each, quick, signal, onProgress }))
    },
  )
}

type OnProgress = (progress: { readonly phase?: string; readonly done: number; readonly total: number }) => void

const PROGRESS_MS = 500

/** Long work whose progress is sent line by line, and that stops when the client hangs up. */
function progressLines(
  reply: FastifyReply,
  work: (signal: AbortSignal, onProgress: OnProgress) => Promise<unknown>,
): FastifyReply {
  const lines = new Readable({ read() {} })
  const writeLine = (line: object) => lines.push(`${JSON.stringify(line)}\n`)
  let reportedAt = 0
  const onProgress: OnProgress = (progress) => {
    if (performance.now() - reportedAt < PROGRESS_MS) return
    reportedAt = performance.now()
    writeLine(progress)
  }
  work(goneSignal(reply), onProgress)
    .then(
      (result) => writeLine({ result }),
      (error) => writeLine({ error: messageOf(error) }),
    )
    .finally(() => lines.push(null))
  return reply.type('application/jsonl; charset=utf-8').send(lines)
}
