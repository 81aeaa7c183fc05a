/**
 * The HTTP side of a server that stands by: it passes every request on to the server that works, whatever it is, and its
 * answer back as it comes. So a balancer may send anything to any server.
 *
 *   client ──▶ this server ──▶ the server that works
 *                 │ while none can be reached, requests wait here, for some seconds
 *
 * - A request is tried again only where nothing of it was received: no connection was made, or it has no body and asks
 *   only (GET, HEAD). What ended in the middle of anything else is answered with 503, since nobody knows whether it was done.
 * - Each has a connection of its own, so that "nothing was received" is certain, and its sender is the connection's.
 * - Bounds on bodies, rights and throttles are those of the server that works. Here there are bounds on headers, on silent
 *   connections, and on how many wait.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http'
import { createServer as createTlsServer, request as sendByTls } from 'node:https'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { FastifyBaseLogger } from 'fastify'
import { Failure } from '../errors/index.ts'
import { withoutBasePath } from './addresses.ts'
import type { HttpSettings } from './appliance.ts'
import { yaraEnvelope } from './envelopes.ts'
import { FORWARDED, forwardedBy } from './forwarded.ts'
import { answerGarbage, timeouts } from './slow-clients.ts'

/** Where requests are passed on to. */
export interface ForwardTarget {
  readonly url: string
  /** By which it is known (PEM); empty without TLS. */
  readonly certificate: string
  /** What requests are signed with. */
  readonly term: string
}

export interface StandingByParts {
  readonly settings: Pick<HttpSettings, 'tlsKey' | 'tlsCert' | 'basePath' | 'shutdownGrace'>
  readonly log: FastifyBaseLogger
  /** The server that works, as far as it is known now. */
  readonly target: () => ForwardTarget | null
  /** Whether the database answers; the health check says it. */
  readonly isConnected: () => boolean
  readonly waitMs?: number
}

const WAIT_MS = 15_000
const MOST_WAITING = 1_000
/** How often those that wait look for another target, and after how long they try the same one again. */
const LOOK_MS = 50
const AGAIN_MS = 300
const CONNECT_MS = 2_000
/** Longer than balancers keep connections that nobody uses. */
const KEPT_MS = 72_000

export class StandingByServer {
  readonly server: Server
  readonly #parts: StandingByParts
  #waiting = 0
  #isClosing = false
  #closed: Promise<void> | null = null

  constructor(parts: StandingByParts) {
    this.#parts = parts
    const { tlsKey, tlsCert } = parts.settings
    const options = { connectionsCheckingInterval: 5_000, keepAlive: true }
    this.server =
      tlsKey === ''
        ? createServer(options)
        : createTlsServer({ ...options, key: readFileSync(tlsKey), cert: readFileSync(tlsCert) })
    this.server.headersTimeout = timeouts.headersMs
    this.server.requestTimeout = 0
    this.server.keepAliveTimeout = KEPT_MS
    this.server.setTimeout(timeouts.silenceMs, (socket: Socket) => {
      if (this.#answering.has(socket)) socket.setTimeout(timeouts.silenceMs)
      else socket.destroy()
    })
    this.server.on('clientError', answerGarbage)
    this.server.on('request', (request, response) => void this.#answer(request, response))
  }

  /** Connections whose whole request is here: the client waits for us. */
  readonly #answering = new Set<Socket>()

  async listen(host: string, port: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.server.once('error', reject)
    this.server.listen(port, host, () => {
      this.server.off('error', reject)
      resolve()
    })
    return promise
  }

  /** Another server can listen there at once. Requests that are here already go on. */
  freePort(): void {
    this.#isClosing = true
    this.#closed ??= new Promise<void>((resolve) => {
      this.server.close(() => resolve())
      this.server.closeIdleConnections()
    })
  }

  /** Frees the port; resolves when all requests have been answered, or after the grace. */
  async close(graceMs: number): Promise<void> {
    this.freePort()
    const cut = setTimeout(() => this.server.closeAllConnections(), graceMs)
    await this.#closed
    clearTimeout(cut)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { settings, log, isConnected, target } = this.#parts
    const { socket } = request
    request.once('end', () => this.#answering.add(socket))
    response.once('close', () => this.#answering.delete(socket))
    try {
      if (withoutBasePath(request.url ?? '/', settings.basePath).split('?')[0] === '/healthz') {
        const isHealthy = isConnected() && target() !== null
        return refuseOrSay(response, isHealthy ? { status: 'stand-by' } : new Failure('service.stopping', NONE))
      }
      // Another server took this one for the one that works: it waits there, not here.
      if (request.headers[FORWARDED] !== undefined) throw new Failure('database.locked')
      await this.#forward(request, response)
    } catch (error) {
      if (response.destroyed || socket.destroyed) return
      if (!(error instanceof Failure)) log.warn({ err: error }, 'a request could not be passed on')
      if (response.headersSent) return void response.destroy()
      refuseOrSay(response, error instanceof Failure ? error : new Failure('service.stopping', LOST))
    }
  }

  /** Until somebody has received it. */
  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { target, waitMs = WAIT_MS } = this.#parts
    const until = performance.now() + waitMs
    if (this.#waiting >= MOST_WAITING) throw new Failure('service.overloaded')
    this.#waiting++
    let isWaiting = true
    const received = () => {
      if (isWaiting) this.#waiting--
      isWaiting = false
    }
    try {
      for (;;) {
        const tried = target()
        if (tried !== null && (await forwardOnce(tried, request, response, this.#isClosing, received))) return
        const since = performance.now()
        do {
          if (performance.now() > until) throw new Failure('service.stopping', NONE)
          await delay(LOOK_MS)
          if (response.destroyed) return
        } while (target()?.term === tried?.term && performance.now() - since < AGAIN_MS)
      }
    } finally {
      received()
    }
  }
}

const NONE = 'No server of this cluster works at the moment; try again in a moment.'
const LOST =
  'The server that worked on this request ended before it answered, and whether it was done is not known; look, and try again.'

function refuseOrSay(response: ServerResponse, answer: object | Failure): void {
  const failure = answer instanceof Failure ? answer : null
  const body = JSON.stringify(failure ? yaraEnvelope.render(failure, failure.status) : answer)
  response.writeHead(failure?.status ?? 200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    // The rest of a body that nobody reads is not taken for the next request.
    ...(failure && { 'retry-after': '1', connection: 'close' }),
  })
  response.end(body)
}

/** Of one connection; see RFC 9110, section 7.6.1. */
const ofConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'])

/** Node says by itself how an answer is framed, as its client understands it. */
const ofAnswer = new Set([...ofConnection, 'transfer-encoding'])

/** As a flat list of names and values, in the order in which they came. */
function passedOn(
  { rawHeaders: raw, headers: { connection } }: IncomingMessage,
  without: ReadonlySet<string>,
): string[] {
  const named = new Set(
    (connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  )
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    const lower = name.toLowerCase()
    if (!without.has(lower) && !named.has(lower) && lower !== FORWARDED) kept.push(name, value)
  }
  return kept
}

/** False where nobody received the request, and it is as it was. */
async function forwardOnce(
  { url, certificate, term }: ForwardTarget,
  request: IncomingMessage,
  response: ServerResponse,
  isLast: boolean,
  received: () => void,
): Promise<boolean> {
  const { protocol, hostname, port } = new URL(url)
  const isTls = protocol === 'https:'
  const sender = request.socket.remoteAddress ?? ''
  const hasNoBody =
    [undefined, '0'].includes(request.headers['content-length']) && !request.headers['transfer-encoding']
  const isRepeatable = hasNoBody && (request.method === 'GET' || request.method === 'HEAD')
  // Read to its end, which is here.
  if (hasNoBody) request.resume()
  const outgoing = (isTls ? sendByTls : send)({
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port || (isTls ? 443 : 80),
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: [
      ...passedOn(request, ofConnection),
      ...[FORWARDED, forwardedBy(term, sender)],
      ...['Connection', 'close'],
      // Else Node would announce a body.
      ...(hasNoBody && !isRepeatable && request.headers['content-length'] === undefined ? ['Content-Length', '0'] : []),
    ],
    setHost: false,
    agent: false,
    // It is known by its certificate, which its database names, and not by a name.
    ...(isTls && { ca: certificate, allowPartialTrustChain: true, checkServerIdentity: () => undefined }),
  })
  const gone = () => outgoing.destroy()
  response.once('close', gone)
  let isReceived = false
  try {
    await connected(outgoing, isTls)
    isReceived = !isRepeatable
    if (isReceived) received()
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.once('error', reject)
      outgoing.once('close', () => reject(new Error('the connection ended')))
    })
    if (hasNoBody) outgoing.end()
    else request.pipe(outgoing)
    const incoming = await answered
    isReceived = true
    received()
    const headers = passedOn(incoming, ofAnswer)
    if (isLast) headers.push('Connection', 'close')
    response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, headers)
    response.flushHeaders()
    await pipeline(incoming, response)
    if (!request.complete) discardRest(request)
    return true
  } catch (error) {
    if (response.destroyed) return true
    if (isReceived) throw error
    return false
  } finally {
    request.unpipe(outgoing)
    response.off('close', gone)
    outgoing.on('error', () => {})
    if (!response.writableFinished || !request.complete) outgoing.destroy()
  }
}

/** Answered before it was sent whole: a client that is cut off at once would miss the answer. */
function discardRest(request: IncomingMessage): void {
  request.unpipe()
  request.resume()
  const lingering = setTimeout(() => request.destroy(), timeouts.lingerMs)
  request.once('close', () => clearTimeout(lingering))
}

async function connected(outgoing: ReturnType<typeof send>, isTls: boolean): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = setTimeout(() => outgoing.destroy(new Error('it does not answer')), CONNECT_MS)
  outgoing.on('error', reject)
  outgoing.once('close', () => reject(new Error('the connection ended')))
  outgoing.once('socket', (socket: Socket | TLSSocket) => {
    if (socket.connecting || isTls) socket.once(isTls ? 'secureConnect' : 'connect', () => resolve())
    else resolve()
  })
  try {
    await promise
  } finally {
    clearTimeout(late)
  }
}
