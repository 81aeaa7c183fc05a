/**
 * Request ids and one log line a request. A line holds the method, the path without its query, the status, the time
 * and the caller's name: never a header, a query or a body, so no token, password or ruleset text can end up in a log.
 * A client that hangs up before it has its answer is nobody's fault, and its line says so: `gone`.
 */
import { randomUUID } from 'node:crypto'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from 'fastify'
import { knownCallerOf } from './authentication.ts'
import { hasGone } from './gone-clients.ts'

/** Ours, not the client's: an id that strangers choose finds nothing in a log. */
export const newRequestId = (): string => randomUUID()

/** The framework's own lines would hold whole URLs. What it says about answers that break off is needed all the same. */
class OwnLines extends LogController {
  override streamError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
    if (!hasGone(reply)) request.log.error({ err: error }, 'an answer was cut off by a failure')
  }
}
export const silentFramework = new OwnLines({ disableRequestLogging: true, requestIdLogLabel: 'request' })

export function addRequestLog(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-request-id': request.id,
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    // Not `onResponse`, which never comes for a client that has hung up.
    reply.raw.once('close', () => logRequest(request, reply))
  })
}

function logRequest(request: FastifyRequest, reply: FastifyReply): void {
  request.log.info(
    {
      method: request.method,
      path: request.url.split('?', 1)[0],
      status: reply.statusCode,
      ...(hasGone(reply) && { gone: true }),
      ms: Math.round(reply.elapsedTime),
      user: knownCallerOf(request)?.name,
      from: request.clientAddress,
    },
    'request',
  )
}
