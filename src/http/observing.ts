/**
 * Request ids and one log line a request. A line holds the method, the path without its query, the status, the time
 * and the caller's name: never a header, a query or a body, so no token, password or ruleset text can end up in a log.
 */
import { randomUUID } from 'node:crypto'
import { type FastifyInstance, LogController } from 'fastify'
import { knownCallerOf } from './authentication.ts'

/** Ours, not the client's: an id that strangers choose finds nothing in a log. */
export const newRequestId = (): string => randomUUID()

/** The framework's own lines would hold whole URLs. */
export const silentFramework = new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' })

export function addRequestLog(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        user: knownCallerOf(request)?.name,
        from: request.ip,
      },
      'request',
    )
  })
}
