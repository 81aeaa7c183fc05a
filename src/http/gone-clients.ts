/** Clients that hang up before they have their whole answer: a closed tab, a timeout, a connection that is lost. */
import type { FastifyReply } from 'fastify'

/** Aborted when the client hangs up: work for nobody is not done to its end. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  if (raw.destroyed) return AbortSignal.abort()
  const gone = new AbortController()
  raw.once('close', () => gone.abort())
  return gone.signal
}

/** Whether the connection was closed before the whole answer was handed over. */
export function hasGone({ raw }: FastifyReply): boolean {
  return raw.destroyed && !raw.writableFinished
}

/** Whether the error says no more than that: what was being done was cut off, and nothing is wrong with it. */
export function isOfGoneClient(error: Error & { readonly code?: string }, reply: FastifyReply): boolean {
  return hasGone(reply) && (error.name === 'AbortError' || cutOff.has(error.code ?? '') || error.message === 'aborted')
}

const cutOff = new Set(['ABORT_ERR', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'ERR_STREAM_DESTROYED'])
