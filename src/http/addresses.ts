import type { FastifyInstance, FastifyRequest } from 'fastify'
import { inNetworks, isAddressPath } from '../settings/index.ts'
import type { PageRequest } from './parameters.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The setting `basePath`. */
    readonly basePath: string
    /** Whether the X-Forwarded headers of requests that come straight from this address are believed. */
    trustsProxy(address: string | undefined): boolean
  }
  interface FastifyRequest {
    /**
     * Where the request came from, as the first trusted proxy tells it. Empty where the client had gone before anybody
     * could look. Unlike Fastify's `ip` it is still known when the client hangs up later.
     */
    clientAddress: string
    /** Rows that the answer should have had and has not, since it would be too long; `next` leads to them. */
    rowsLeftOut: number
  }
}

/** Notes `clientAddress` when a request comes in. Before every hook that asks for it. */
export function noteClientAddresses(app: FastifyInstance): void {
  app.decorateRequest('clientAddress', '')
  app.addHook('onRequest', async (request) => {
    // Fastify's types do not say so, but a socket that is closed has no address.
    request.clientAddress = (request.ip as string | undefined) ?? ''
  })
}

const LEFT_OUT_HEADER = 'x-backtrail-left-out'

interface PagedSchema {
  readonly querystring?: { readonly properties?: object }
  readonly response?: Readonly<Record<number, object>>
}

/** A list that is cut says so where clients that read the body alone are not disturbed by it. */
export function addLeftOutHeader(app: FastifyInstance): void {
  app.decorateRequest('rowsLeftOut', 0)
  app.addHook('onRoute', ({ schema }) => {
    const { querystring, response } = (schema ?? {}) as PagedSchema
    const description = 'rows of the list behind a cut answer, which `next` leads to; absent where it was not cut'
    if (response?.[200] && querystring?.properties && 'page_size' in querystring.properties)
      Object.assign(response[200], { headers: { [LEFT_OUT_HEADER]: { type: 'integer', minimum: 1, description } } })
  })
  app.addHook('onSend', async (request, reply, payload) => {
    if (request.rowsLeftOut > 0) reply.header(LEFT_OUT_HEADER, request.rowsLeftOut)
    return payload
  })
}

/** `next` and `previous` of a list: absolute addresses, or null where there is no such page. */
export interface Neighbours {
  readonly next: string | null
  readonly previous: string | null
}

type Query = readonly (readonly [name: string, value: string])[]

/**
 * Addresses of the pages around this one. `count` is that of all results; `query` holds the other parameters in force,
 * which both addresses repeat. `page` and `page_size` come first: the vendor's SDK takes the number of the next page
 * from the first parameter of `next`.
 */
export function neighbours(request: FastifyRequest, page: PageRequest, count: number, query: Query = []): Neighbours {
  if (page.isCut) request.rowsLeftOut = Math.max(0, count - page.size)
  const last = Math.max(1, Math.ceil(count / page.size))
  const at = (number: number) => {
    const search = new URLSearchParams([
      ['page', String(number)],
      ['page_size', String(page.size)],
      ...query.map(([name, value]) => [name, value]),
    ])
    return `${serverAddress(request)}${pathOf(request)}?${search}`
  }
  return {
    next: page.number < last ? at(page.number + 1) : null,
    previous: page.number > 1 ? at(page.number - 1) : null,
  }
}

/**
 * The address under which the client reached this server, without a trailing slash. Fastify reads the forwarded
 * protocol and host when it trusts the proxy; the prefix is believed under the same condition.
 */
export function serverAddress(request: FastifyRequest): string {
  const local = request.socket.localAddress?.includes(':')
    ? `[${request.socket.localAddress}]`
    : (request.socket.localAddress ?? 'localhost')
  const isHost = /^[\w.-]+(?::\d{1,5})?$|^\[[\da-fA-F:.]+\](?::\d{1,5})?$/.test(request.host)
  // HTTP/1.0 needs no Host header, and a malformed one must not end up in an address that people click.
  const host = isHost ? request.host : `${local}:${request.socket.localPort}`
  return `${request.protocol}://${host}${prefixOf(request)}`
}

/** The path under which a proxy shows us, without a trailing slash; empty where there is none. */
export function prefixOf(request: FastifyRequest): string {
  return certainPrefixOf(request) ?? request.server.basePath
}

/**
 * The same, where this request shows it: by a trusted proxy's header, or because it still has the path. Null where the
 * client may as well have come past the proxy.
 */
export function certainPrefixOf(request: FastifyRequest): string | null {
  const { basePath } = request.server
  const header = request.headers['x-forwarded-prefix']
  if (typeof header === 'string' && request.server.trustsProxy(request.socket.remoteAddress)) {
    const prefix = header.replace(/\/+$/, '')
    if (isAddressPath(prefix)) return prefix
  }
  return basePath !== '' && request.originalUrl.startsWith(`${basePath}/`) ? basePath : null
}

/** What the router sees of an address: without `basePath`, where a proxy has passed that on. */
export function withoutBasePath(url: string, basePath: string): string {
  return basePath !== '' && url.startsWith(`${basePath}/`) ? url.slice(basePath.length) : url
}

/** The route's path with the request's own values in it, written in one way however the client wrote it. */
function pathOf({ routeOptions, params }: FastifyRequest): string {
  const values = params as Readonly<Record<string, unknown>>
  return (routeOptions.url ?? '/').replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(values[name])))
}

const groups: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Whether an address is one of the proxies of the setting `trustProxy`: addresses, networks or names of groups. */
export function proxyTrust(proxies: readonly string[]): (address: string | undefined) => boolean {
  const isProxy = inNetworks(proxies.flatMap((word) => groups[word] ?? [word]))
  return (address) => address !== undefined && isProxy(address)
}
