/**
 * Requests that a server of a cluster received and passed on to the one that works. They come with a header that says who
 * sent them, signed with what only servers of one database know, so that throttles, the audit log and trusted proxies see
 * the sender and not the server between:
 *
 *   x-backtrail-forwarded: <address of the sender> <HMAC-SHA-256 of that, in hexadecimal>
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { Failure } from '../errors/index.ts'

export const FORWARDED = 'x-backtrail-forwarded'

/** `term`: of the server that works, as its database has it. */
export function forwardedBy(term: string, address: string): string {
  return `${address} ${digestOf(term, address)}`
}

function digestOf(term: string, address: string): string {
  return createHmac('sha256', term).update(address).digest('hex')
}

/**
 * Has a request that was passed on look as if it came from its sender, before anybody asks. Where the signature is not of
 * this term, the header stays, and `refuseUnsigned` refuses the request.
 */
export function takeForwarded(request: IncomingMessage, term: string): void {
  const header = request.headers[FORWARDED]
  if (typeof header !== 'string') return
  const [address = '', given = ''] = header.split(' ')
  const [known, sent] = [Buffer.from(digestOf(term, address)), Buffer.from(given)]
  if (known.length !== sent.length || !timingSafeEqual(known, sent)) return
  // The other server opens a connection for each request.
  Object.defineProperty(request.socket, 'remoteAddress', { value: address, configurable: true })
  delete request.headers[FORWARDED]
}

/** The server that passed it on took this one for another: that one has the database now, or had it. */
export function refuseUnsigned(app: FastifyInstance): void {
  app.addHook('onRequest', async (request) => {
    if (request.raw.headers[FORWARDED] !== undefined) throw new Failure('database.locked')
  })
}
