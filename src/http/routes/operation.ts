import { Type } from 'typebox'
import { refusals, yaraEnvelope } from '../envelopes.ts'
import { withServer } from '../reference.ts'
import type { HttpServer, RouteParts } from '../route.ts'

/** What operators and their tools ask: is it up, how is it doing, what can it do. All open. */
export function addOperation(app: HttpServer, { appliance, metrics }: RouteParts): void {
  app.get(
    '/healthz',
    {
      config: { access: 'anyone' },
      schema: {
        tags: ['operation'],
        operationId: 'checkServer',
        summary: 'Tell whether the server can do its work',
        security: [],
        response: {
          200: Type.Object({ status: Type.Literal('ok') }),
          ...refusals(yaraEnvelope, {}),
        },
      },
    },
    async () => {
      appliance.stored.demandSound()
      // A question that the database has to answer.
      await appliance.samples.find('0'.repeat(64))
      return { status: 'ok' as const }
    },
  )
  app.get(
    '/metrics',
    {
      config: { access: 'anyone' },
      schema: {
        tags: ['operation'],
        operationId: 'getMetrics',
        summary: 'Metrics in the text format of Prometheus',
        security: [],
        produces: ['text/plain'],
        response: { 200: Type.Unsafe<unknown>({ type: 'string' }), ...refusals(yaraEnvelope, {}) },
      },
    },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  )
  app.get('/api/openapi.json', { config: { access: 'anyone' }, schema: { hide: true } }, async (request) =>
    withServer(app.swagger(), request),
  )
}
