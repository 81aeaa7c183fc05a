/** Knows every route, to distinguish a wrong method (405, with `Allow`) from an unknown path (404). */
import type { FastifyContextConfig, FastifyInstance, FastifyRequest } from 'fastify'
import { Failure } from '../errors/index.ts'
import { type Envelope, yaraEnvelope } from './envelopes.ts'

interface Place {
  readonly pattern: RegExp
  readonly methods: Set<string>
  readonly envelope: Envelope
}

/** Must be called before routes are registered. */
export function addUnknownPaths(app: FastifyInstance): void {
  const places = new Map<string, Place>()
  app.addHook('onRoute', ({ url, method, config, schema }) => {
    const envelope = (config as FastifyContextConfig | undefined)?.envelope ?? yaraEnvelope
    const place = places.get(url) ?? { pattern: patternOf(url, schema?.params), methods: new Set<string>(), envelope }
    for (const each of [method].flat()) place.methods.add(each.toUpperCase())
    places.set(url, place)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = (request.url.split('?', 1)[0] ?? '').replace(/\/{2,}/g, '/')
    // More than one route may fit: `/api/rulesets/core/` is a path of its own and a ruleset's name.
    const fitting = [...places.values()].filter(({ pattern }) => pattern.test(path))
    const methods = new Set(fitting.flatMap((each) => [...each.methods]))
    const [place] = fitting
    // A route that takes the method and found nothing: a file that is not there.
    if (!place || methods.has(request.method)) {
      const failure = new Failure('path.unknown')
      if (isForPeople(request, path)) return app.sendPage(request, reply.code(failure.status))
      return reply.code(failure.status).send(yaraEnvelope.render(failure, failure.status))
    }
    const failure = new Failure('method.not-allowed')
    return reply
      .code(failure.status)
      .header('allow', [...methods].sort().join(', '))
      .send(place.envelope.render(failure, failure.status))
  })
}

/** Whether a browser shows the answer to somebody: the application's own page says it better than JSON does. */
function isForPeople({ method, headers }: FastifyRequest, path: string): boolean {
  const isShown = (method === 'GET' || method === 'HEAD') && /\btext\/html\b/i.test(headers.accept ?? '')
  return isShown && !/^\/(?:api|assets)(?:\/|$)/i.test(path)
}

/**
 * What addresses the route stands for. A value that its parameter could never have names nothing: `list` is no hash, so
 * `/api/samples/list/` is no sample's address, and unknown like any other.
 */
function patternOf(url: string, params: unknown): RegExp {
  const { properties = {} } = (params ?? {}) as { readonly properties?: Readonly<Record<string, ParameterSchema>> }
  const steps = url.split('/').filter(Boolean)
  const source = steps.map((step) => {
    if (step === '*') return '.*'
    if (step.startsWith(':')) return valuesOf(step.slice(1), properties[step.slice(1)])
    return step.replace(/[.+?^$()[\]{}|\\]/g, '\\$&')
  })
  return new RegExp(`^/${source.join('/')}/?$`)
}

interface ParameterSchema {
  readonly type?: string
  readonly enum?: readonly string[]
}

function valuesOf(name: string, schema: ParameterSchema | undefined): string {
  if (name === 'hash' || name === 'sha1') return '(?:[\\da-fA-F]{32}|[\\da-fA-F]{40}|[\\da-fA-F]{64}|[\\da-fA-F]{128})'
  if (schema?.type === 'integer') return '\\d+'
  return schema?.enum ? `(?:${schema.enum.join('|')})` : '[^/]+'
}
