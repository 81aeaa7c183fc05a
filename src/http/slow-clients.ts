/**
 * Bounds on clients that send slowly, never finish, or go on sending what was refused.
 *
 * Headers must arrive within 20 seconds. A form must arrive within 60 seconds as a whole; a file may take as long as it
 * needs, but no connection may stay silent for two minutes while the server waits for its client: for the rest of a
 * request, for the next one, or for room to send more of an answer. While the client waits for the server, be it for a
 * zip of a thousand samples, nothing is cut: an answer that took long ends properly. When a request was answered before
 * its body was read (bad token, too large), the rest is read and thrown away for up to 15 seconds, also where the client
 * wants the connection closed afterwards: cutting it at once would make most clients miss the answer.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Failure } from '../errors/index.ts'
import { yaraEnvelope } from './envelopes.ts'

export const timeouts = {
  headersMs: 20_000,
  formMs: 60_000,
  silenceMs: 120_000,
  lingerMs: 15_000,
} as const

export function boundSlowClients(app: FastifyInstance, times: typeof timeouts | Record<keyof typeof timeouts, number>) {
  app.server.headersTimeout = times.headersMs
  // Node's own bound on a whole request would also cut large uploads; forms have theirs below.
  app.server.requestTimeout = 0

  boundSilence(app.server, times.silenceMs)
  app.addHook('onRequest', async (request, reply) => noteAnswering(request.raw, reply.raw))

  const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>()
  app.addHook('preParsing', async (request, _reply, payload) => {
    if (request.routeOptions.config.streamsBody || request.raw.complete) return payload
    // Only answered, not destroyed: destroying the stream would take the connection, and with it the answer.
    const giveUp = () => payload.listenerCount('error') > 0 && payload.emit('error', new Failure('request.timeout'))
    timers.set(request, setTimeout(giveUp, times.formMs))
    return payload
  })
  const closing = new WeakSet<FastifyRequest>()
  app.addHook('onSend', async (request, reply) => {
    if (request.raw.complete || reply.raw.shouldKeepAlive) return
    closing.add(request)
    // Else Node closes the connection behind the answer, whatever is still on its way.
    reply.raw.shouldKeepAlive = true
  })
  const clear = async (request: FastifyRequest) => clearTimeout(timers.get(request))
  app.addHook('preHandler', clear)
  app.addHook('onResponse', async (request) => {
    await clear(request)
    if (!request.raw.complete) discardRest(request.raw, closing.has(request), times.lingerMs)
  })
}

/** Reads what is left of a request that was answered, and throws it away; then closes the connection, where that is wanted. */
export function discardRest(request: IncomingMessage, isLast: boolean, lingerMs: number): void {
  const socket = sockets.get(request) ?? request.socket
  if (socket.destroyed) return
  const lingering = setTimeout(() => socket.destroy(), lingerMs)
  // A reader that failed has destroyed the request, and taken the connection from it, which stays open.
  const over = request.destroyed ? socket : request
  over.once('close', () => clearTimeout(lingering))
  if (isLast) request.once('end', () => socket.end())
  request.unpipe()
  request.resume()
}

/** Cuts connections that are silent for so long while the server waits for its client. */
export function boundSilence(server: Server, silenceMs: number): void {
  server.on('timeout', (socket: Socket) => {
    // Node starts the time again by itself with the next byte, and with this.
    if (isOurTurn(socket)) socket.setTimeout(silenceMs)
    else socket.destroy()
  })
}

/** The request that is being answered on each connection. */
const answering = new WeakMap<Socket, IncomingMessage>()
/** The connection of each request: it forgets its own when it is destroyed. */
const sockets = new WeakMap<IncomingMessage, Socket>()

export function noteAnswering(request: IncomingMessage, response: ServerResponse): void {
  const { socket } = request
  answering.set(socket, request)
  sockets.set(request, socket)
  response.once('close', () => answering.delete(socket))
}

/**
 * Whether the whole request is here and everything that was answered so far has been taken: the client waits for us.
 */
function isOurTurn(socket: Socket): boolean {
  return answering.get(socket)?.complete === true && socket.writableLength === 0
}

/** What arrives is not HTTP, or not in time: there is no request yet, so the answer is written by hand. */
export function answerGarbage(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const failure = new Failure(
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'request.timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? 'request.headers-too-large'
        : 'request.malformed',
  )
  const body = JSON.stringify(yaraEnvelope.render(failure, failure.status))
  socket.end(
    `HTTP/1.1 ${failure.status} ${failure.code}\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
