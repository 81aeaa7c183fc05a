/**
 * The audit log of the API. Every route that is not there to be read says in its config what an operation is about, and
 * one hook puts it down before the answer goes: what was done, and what a known caller was refused. Log-ins are put down
 * with the name that was tried. What a client got wrong is no entry: it did nothing.
 */
import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { AuditLog } from '../audit/index.ts'

/** What a request is about, or why a route that is no GET has no entries. */
export type Audited = Subjects | 'nothing to tell' | 'told by the arrivals of samples' | 'told by the calls in it'

/** What a request is about; `names`, where these are values of its parameters. */
interface Subjects {
  (request: Asked): string[]
  readonly names?: readonly string[]
}

/** What entries are made of: a request, or a call in one. */
type Asked = Pick<FastifyRequest, 'params' | 'body' | 'query'>

declare module 'fastify' {
  interface FastifyContextConfig {
    readonly audit?: Audited
    /** A log-in: who is calling is whoever it was successful for. */
    readonly auditsLogIn?: boolean
  }
}

/** About the values of these parameters: of the path, the body or the query. The route's schema must have them. */
export function about(...names: readonly string[]): Subjects {
  const subjects = ({ params, body, query }: Asked) => {
    const given: Record<string, unknown> = Object.assign({}, query, body, params)
    return names.flatMap((name) => given[name] ?? []).map(String)
  }
  return Object.assign(subjects, { names })
}

/** `nameOf`: the name of whoever sent a request, null where nobody is known. */
export function addAuditing(
  app: FastifyInstance,
  audit: AuditLog,
  nameOf: (request: FastifyRequest) => string | null,
): void {
  app.addHook('onRoute', ({ config, method, url, schema }) => {
    const { audit } = (config ?? {}) as FastifyContextConfig
    const reads = [method].flat().every((one) => one === 'GET' || one === 'HEAD')
    if (audit === undefined && (handsOutContents(schema) || !(reads || schema?.hide))) {
      throw new Error(`${method} ${url} does not say what its entries in the audit log are about`)
    }
    const known = parametersOf(schema, url)
    const unknown = (typeof audit === 'function' ? (audit.names ?? []) : []).filter((name) => !known.has(name))
    if (unknown.length > 0) {
      throw new Error(
        `${method} ${url} has entries in the audit log about ${unknown.join(', ')}, which it does not take`,
      )
    }
  })
  app.addHook('onSend', async (request, reply, payload) => {
    const { audit: audited } = request.routeOptions.config
    if (typeof audited !== 'function' || request.method === 'HEAD') return payload
    const caller = nameOf(request)
    if (isWorthAnEntry(request, reply, caller)) {
      const subjects = audited(request)
      const operation = request.routeOptions.schema?.operationId ?? request.routeOptions.url ?? ''
      const user = caller ?? (reply.statusCode < 300 ? (subjects[0] ?? '') : '')
      await audit.record({ user, operation, subjects, status: reply.statusCode, address: request.clientAddress })
    }
    return payload
  })
}

function isWorthAnEntry(request: FastifyRequest, { statusCode }: FastifyReply, caller: string | null): boolean {
  if (statusCode < 300) return true
  if (request.routeOptions.config.auditsLogIn) return statusCode === 400 || statusCode === 401 || statusCode === 403
  return statusCode === 403 && caller !== null
}

const contentTypes = ['application/octet-stream', 'application/zip']

/** Whether contents of samples leave with an answer, by any method. */
function handsOutContents(schema: FastifySchema | undefined): boolean {
  return schema?.produces?.some((type) => contentTypes.includes(type)) ?? false
}

/** The names of all that a route takes: in its path, its query and its body. */
function parametersOf(schema: FastifySchema | undefined, url: string): ReadonlySet<string> {
  const inPath = [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  return new Set([...inPath, ...namesIn(schema?.params), ...namesIn(schema?.querystring), ...namesIn(schema?.body)])
}

function namesIn(schema: unknown): string[] {
  const {
    properties = {},
    anyOf = [],
    allOf = [],
  } = (schema ?? {}) as {
    readonly properties?: object
    readonly anyOf?: readonly unknown[]
    readonly allOf?: readonly unknown[]
  }
  return [...Object.keys(properties), ...[...anyOf, ...allOf].flatMap(namesIn)]
}
