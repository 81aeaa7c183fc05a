/**
 * A span for each request: its method, the pattern of its route, its status. Never its path, query, headers or body: those have
 * names, hashes and secrets. A trace that the client has begun goes on (`traceparent`).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { noTracing, type Span, type Tracing } from '../tracing/index.ts'
import { hasGone } from './gone-clients.ts'

const spans = new WeakMap<FastifyRequest, Span>()

/** They are asked for every few seconds, and would be most of what is recorded. */
const untraced = new Set(['/healthz', '/metrics'])

export function addTracing(app: FastifyInstance, tracing: Tracing): void {
  if (tracing === noTracing) return
  app.addHook('onRequest', async (request, reply) => {
    const route = request.is404 ? 'unknown' : (request.routeOptions.url ?? 'unknown')
    if (untraced.has(route)) return
    const { traceparent, tracestate } = request.headers
    const operation = request.routeOptions.schema?.operationId
    const span = tracing.start(`${request.method} ${route}`, {
      kind: 'server',
      attributes: {
        'http.request.method': request.method,
        'http.route': route,
        'backtrail.request': request.id,
        ...(operation !== undefined && { 'backtrail.operation': operation }),
      },
      origin: { traceparent: oneOf(traceparent), tracestate: oneOf(tracestate) },
    })
    if (span === null) return
    spans.set(request, span)
    // Not `onResponse`, which never comes for a client that has hung up.
    reply.raw.once('close', () => {
      span.set({ 'http.response.status_code': reply.statusCode, ...(hasGone(reply) && { 'backtrail.gone': true }) })
      if (reply.statusCode >= 500) span.end(new Error('the answer is a failure of the server'))
      else span.end()
    })
  })
}

/** For what a request begins and does not wait for. Null where nothing is traced. */
export const spanOf = (request: FastifyRequest): Span | null => spans.get(request) ?? null

const oneOf = (header: string | string[] | undefined): string | undefined => [header].flat()[0]
