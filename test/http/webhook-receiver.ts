/** A receiver of webhooks on this machine, which answers as a test says, and checks signatures by the specification. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies as JavaScript does
type Json = any

export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly json: Json
}

export class WebhookReceiver {
  readonly received: Received[] = []
  /** What is answered; null keeps the sender waiting. */
  answer: ((received: Received, response: ServerResponse) => void) | null = (_, response) => response.end('ok')
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<WebhookReceiver> {
    const server = createServer()
    const receiver = new WebhookReceiver(server)
    server.on('request', async (request, response) => {
      const pieces: Buffer[] = []
      for await (const piece of request as AsyncIterable<Buffer>) pieces.push(piece)
      const text = Buffer.concat(pieces).toString('utf8')
      const { url: path = '', headers } = request
      const received = { path, headers, text, json: JSON.parse(text) }
      receiver.received.push(received)
      receiver.answer?.(received, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return receiver
  }

  url(path: string): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${path}`
  }

  /** What came for a path, once there is as much of it. */
  async of(path: string, count: number): Promise<Received[]> {
    const deadline = Date.now() + 120_000
    for (;;) {
      const found = this.received.filter((one) => one.path === path)
      if (found.length >= count) return found
      assert.ok(Date.now() < deadline, `${path} gets ${count} messages; it got ${found.length}`)
      await sleep(50)
    }
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** Fails unless a message is signed as the Standard Webhooks specification says. */
export function assertSigned({ headers, text }: Received, secret: string): void {
  const id = String(headers['webhook-id'])
  const timestamp = String(headers['webhook-timestamp'])
  assert.match(id, /^msg_[\w-]{20,}$/)
  assert.ok(Math.abs(Number(timestamp) - Date.now() / 1_000) < 600, `${timestamp} is now`)
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')
  assert.equal(headers['webhook-signature'], `v1,${expected}`)
}
