/**
 * The HTTP side of a server that stands by: it passes every request on to the server that works, whatever it is, and its
 * answer back as it comes. So a balancer may send anything to any server.
 *
 *   client ──▶ this server ──▶ the server that works
 *                 │ while none can be reached, requests wait here, for some seconds
 *
 * - A request is tried again only where nothing of it was received: no connection was made, or it has no body and asks
 *   only (GET, HEAD). What ended in the middle of anything else is answered with 503, since nobody knows whether it was done.
 * - What is under way with a server ends when another one works: the earlier one may be stopped, or its machine lost.
 * - Each has a connection of its own, so that "nothing was received" is certain, and its sender is the connection's.
 * - Bounds on bodies, rights and throttles are those of the server that works. Here there are bounds on headers, on silent
 *   connections, and on how many wait.
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  request as send,
} from 'node:http'
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
import { answerGarbage, boundSilence, discardRest, noteAnswering, timeouts } from './slow-clients.ts'

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
/** How often requests under way are compared with the server that works. */
const REPLACED_MS = 500
/** Longer than balancers keep connections that nobody uses. */
const KEPT_MS = 72_000

export class StandingByServer {
  readonly server: Server
  readonly #parts: StandingByParts
  /** With the term of the server that has it. */
  readonly #underWay = new Map<ClientRequest, string>()
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
    this.server.setTimeout(timeouts.silenceMs)
    boundSilence(this.server, timeouts.silenceMs)
    this.server.on('clientError', answerGarbage)
    this.server.on('request', (request, response) => void this.#answer(request, response))
    const replaced = setInterval(() => this.#endReplaced(), REPLACED_MS).unref()
    this.server.once('close', () => clearInterval(replaced))
  }

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
    noteAnswering(request, response)
    // Kept for a next request, it would keep this server from closing.
    const endLast = () => void (this.#isClosing && socket.end())
    response.once('close', () => (request.complete ? endLast() : request.once('end', endLast)))
    try {
      if (withoutBasePath(request.url ?? '/', settings.basePath).split('?')[0] === '/healthz') {
        const isHealthy = isConnected() && target() !== null
        return refuseOrSay(
          request,
          response,
          isHealthy ? { status: 'stand-by' } : new Failure('service.stopping', NONE),
        )
      }
      // Another server took this one for the one that works: it waits there, not here.
      if (request.headers[FORWARDED] !== undefined) throw new Failure('database.locked', MISTAKEN)
      await this.#forward(request, response)
    } catch (error) {
      if (response.destroyed || socket.destroyed) return
      if (!(error instanceof Failure)) log.warn({ err: error }, 'a request could not be passed on')
      if (response.headersSent) return void response.destroy()
      refuseOrSay(request, response, error instanceof Failure ? error : new Failure('service.stopping', LOST))
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
        if (tried !== null && (await this.#forwardOnce(tried, request, response, received))) return
        const since = performance.now()
        while (target()?.term === tried?.term && performance.now() - since < AGAIN_MS) {
          if (performance.now() > until) throw new Failure('service.stopping', NONE)
          await delay(LOOK_MS)
          if (response.destroyed) return
        }
      }
    } finally {
      received()
    }
  }

  /** False where nobody received the request, and it is as it was. */
  async #forwardOnce(
    to: ForwardTarget,
    request: IncomingMessage,
    response: ServerResponse,
    received: () => void,
  ): Promise<boolean> {
    const hasNoBody =
      [undefined, '0'].includes(request.headers['content-length']) && !request.headers['transfer-encoding']
    const isRepeatable = hasNoBody && (request.method === 'GET' || request.method === 'HEAD')
    // Read to its end, which is here.
    if (hasNoBody) request.resume()
    const isTls = to.url.startsWith('https:')
    const outgoing = open(to, request, hasNoBody && !isRepeatable)
    const gone = () => outgoing.destroy()
    response.once('close', gone)
    this.#underWay.set(outgoing, to.term)
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
      keepForRest(request, response)
      const headers = passedOn(incoming, ofAnswer)
      if (this.#isClosing) headers.push('Connection', 'close')
      response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, headers)
      response.flushHeaders()
      await pipeline(incoming, response)
      return true
    } catch (error) {
      if (response.destroyed) return true
      if (isReceived) throw error
      return false
    } finally {
      this.#underWay.delete(outgoing)
      request.unpipe(outgoing)
      response.off('close', gone)
      outgoing.on('error', () => {})
      if (!response.writableFinished || !request.complete) outgoing.destroy()
    }
  }

  #endReplaced(): void {
    const term = this.#parts.target()?.term
    if (term === undefined) return
    for (const [outgoing, has] of this.#underWay)
      if (has !== term) outgoing.destroy(new Error('another server works now'))
  }
}

const NONE = 'No server of this cluster works at the moment; try again in a moment.'
const LOST =
  'The server that worked on this request ended before it answered, and whether it was done is not known; look, and try again.'
const MISTAKEN =
  'Another server took this one, which stands by, for the one that works; try again in a moment. Where that lasts, --cluster-url of the server that works leads here.'

function refuseOrSay(request: IncomingMessage, response: ServerResponse, answer: object | Failure): void {
  const failure = answer instanceof Failure ? answer : null
  keepForRest(request, response)
  const body = JSON.stringify(failure ? yaraEnvelope.render(failure, failure.status) : answer)
  response.writeHead(failure?.status ?? 200, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(failure && { 'retry-after': '1' }),
  })
  response.end(body)
}

/** Before an answer to what was not read whole: a client that is cut off behind it would miss it. */
function keepForRest(request: IncomingMessage, response: ServerResponse): void {
  if (request.complete) return
  const { socket } = request
  const isLast = !response.shouldKeepAlive
  response.shouldKeepAlive = true
  response.once('finish', () => {
    if (!request.complete) discardRest(request, isLast, timeouts.lingerMs)
    else if (isLast) socket.end()
  })
}

/** Of one connection; see RFC 9110, section 7.6.1. */
const ofConnection = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade', 'expect'])

/** Node says by itself how an answer is framed, as its client understands it. */
const ofAnswer = new Set([...ofConnection, 'transfer-encoding'])

/** What a client cannot name as of its connection: where a message ends, and whom proxies saw. */
const isOfMessage = (name: string) =>
  ['content-length', 'transfer-encoding', 'host', 'forwarded'].includes(name) || name.startsWith('x-forwarded-')

/** As a flat list of names and values, in the order in which they came. */
function passedOn(
  { rawHeaders: raw, headers: { connection } }: IncomingMessage,
  without: ReadonlySet<string>,
): string[] {
  const named = new Set(
    (connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim())
      .filter((name) => !isOfMessage(name)),
  )
  const kept: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const [name = '', value = ''] = [raw[at], raw[at + 1]]
    const lower = name.toLowerCase()
    if (!without.has(lower) && !named.has(lower) && lower !== FORWARDED) kept.push(name, value)
  }
  return kept
}

/** A request to a server, with nothing sent yet; `isEmpty`: Node would announce a body else. */
function open({ url, certificate, term }: ForwardTarget, request: IncomingMessage, isEmpty: boolean): ClientRequest {
  const { protocol, hostname, port } = new URL(url)
  const isTls = protocol === 'https:'
  return (isTls ? sendByTls : send)({
    hostname: hostname.replace(/^\[|\]$/g, ''),
    port: port || (isTls ? 443 : 80),
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers: [
      // First: of very many headers a server looks at the first 2,000.
      ...[FORWARDED, forwardedBy(term, request.socket.remoteAddress ?? '')],
      ...passedOn(request, ofConnection),
      ...['Connection', 'close'],
      ...(isEmpty && request.headers['content-length'] === undefined ? ['Content-Length', '0'] : []),
    ],
    setHost: false,
    agent: false,
    ...(isTls && certificate !== '' && knownBy(certificate)),
  })
}

/** It is that certificate, which its database names, and no other of the same authority; its name says nothing. */
function knownBy(certificate: string) {
  const { raw } = new X509Certificate(certificate)
  return {
    ca: certificate,
    allowPartialTrustChain: true,
    checkServerIdentity: (_name: string, shown: { readonly raw: Buffer }) =>
      shown.raw.equals(raw) ? undefined : new Error('it shows another certificate than its database names'),
  }
}

async function connected(outgoing: ClientRequest, isTls: boolean): Promise<void> {
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
