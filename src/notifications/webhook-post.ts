/** One attempt to hand over a message: where to, within which time, and what the answer means. */
import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import { endedBy } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { Connections, type NetworkRules, type NetworkWords } from '../network/index.ts'
import { now } from '../store/index.ts'
import { signedHeaders } from './signature.ts'

const TIME_MS = 30_000
const LONGEST_ADDRESS = 2_000
const MOST_BYTES = 64 * 1024

const words: NetworkWords = {
  refused: 'notification.refused',
  unreachable: 'notification.unreachable',
  notAllowed: 'Nothing may be sent to',
  hostsOption: '--webhook-hosts',
  networksOption: '--webhook-networks',
}

export interface WebhookMessage {
  readonly url: string
  /** '' for a receiver that checks no signature. */
  readonly secret: string
  readonly id: string
  readonly body: string
}

export class WebhookPost {
  readonly #connections: Connections

  constructor(rules: NetworkRules) {
    this.#connections = new Connections(rules, words)
  }

  /**
   * The address as it is kept, once it is known that it may be connected to. `notification.invalid`, `.refused`,
   * `.unreachable`.
   */
  async checkedAddress(given: string): Promise<string> {
    const url = URL.parse(given.trim())
    if (url === null || !/^https?:$/.test(url.protocol) || given.length > LONGEST_ADDRESS) {
      throw new Failure('notification.invalid', 'The address of a webhook starts with https://.')
    }
    if (url.username !== '' || url.password !== '') {
      throw new Failure('notification.invalid', 'The address must not have a password in it.')
    }
    url.hash = ''
    await this.#connections.addressesOf(hostOf(url), url.protocol === 'http:')
    return url.href
  }

  /**
   * Gives the status of the answer, whose body nobody looks at: it may be of a server that the user could not ask.
   * Redirections are not followed. `notification.refused`, `.unreachable`.
   */
  async send(message: WebhookMessage, signal: AbortSignal): Promise<{ status: number; retryAfterMs: number }> {
    const url = new URL(message.url)
    const host = hostOf(url)
    const timeout = AbortSignal.timeout(TIME_MS)
    const ended = AbortSignal.any([signal, timeout])
    try {
      const opening: Promise<Socket> =
        url.protocol === 'http:'
          ? this.#connections.connect(host, Number(url.port || 80), true)
          : this.#connections.connectSecurely(host, Number(url.port || 443))
      const socket = await unlessAborted(opening, ended)
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const asking = request({
          method: 'POST',
          createConnection: () => socket,
          path: `${url.pathname}${url.search}`,
          signal: ended,
          headers: {
            host: url.host,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(message.body),
            'user-agent': 'backtrail',
            connection: 'close',
            ...(message.secret !== '' &&
              signedHeaders(message.secret, message.id, Math.floor(now() / 1_000_000), message.body)),
          },
        })
        asking.once('error', reject)
        asking.once('response', resolve)
        asking.end(message.body)
      })
      drain(answer)
      return { status: answer.statusCode ?? 0, retryAfterMs: waitOf(answer.headers['retry-after']) }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof Failure) throw error
      const why = timeout.aborted ? `it took longer than ${TIME_MS / 1_000} seconds` : (error as Error).message
      throw new Failure('notification.unreachable', `${url.host} did not answer: ${why}.`)
    }
  }
}

/** Rejects with the reason of the signal; a connection that is opened later is closed. */
function unlessAborted(opening: Promise<Socket>, signal: AbortSignal): Promise<Socket> {
  return endedBy(signal, opening).catch((error: unknown) => {
    opening.then(
      (socket) => socket.destroy(),
      () => {},
    )
    throw error
  })
}

/** Lets the other side finish its answer, up to some bytes. */
function drain(answer: IncomingMessage): void {
  let bytes = 0
  answer.on('error', () => {})
  answer.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (bytes > MOST_BYTES) answer.destroy()
  })
}

/** Without the brackets of an address of IPv6. */
function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '')
}

/** Of a header `Retry-After`: seconds, or a date. */
function waitOf(header: string | undefined): number {
  if (header === undefined) return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : 0
}
