/** A proxy between an appliance and its cloud, in which a test makes the line bad. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fromMailTime, fromPlainTime, toMailTime, toPlainTime } from '../../src/tca/index.ts'

/** What the line does with every request; `lost` lets the cloud do what it is asked, and loses the answer. */
export type NetworkFault =
  | { readonly kind: 'fair' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'cut' }
  | { readonly kind: 'lost' }
  | {
      readonly kind: 'status'
      readonly status: number
      readonly text: string
      readonly headers?: Record<string, string>
    }
  | { readonly kind: 'garbage'; readonly text: string }

export interface Passed {
  readonly method: string
  readonly path: string
  readonly status: number
}

export class Between {
  readonly url: string
  /** What was asked and answered, in order. */
  readonly passed: Passed[] = []
  fault: NetworkFault = { kind: 'fair' }
  /** Limits the weather to requests that begin with this: `POST /api/yara/`. */
  onlyFor = ''
  /** Seconds by which every time the cloud tells is ahead of its own. */
  skew = 0
  readonly #server: Server
  readonly #sockets: Set<Socket>
  readonly #target: () => string

  private constructor(server: Server, sockets: Set<Socket>, target: () => string) {
    this.#server = server
    this.#sockets = sockets
    this.#target = target
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => void this.#pass(request, response))
  }

  /** `target` is asked for each request: the cloud may start again somewhere else. */
  static async start(t: TestContext, target: () => string): Promise<Between> {
    const server = createServer()
    const sockets = new Set<Socket>()
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const between = new Between(server, sockets, target)
    t.after(() => between.close())
    return between
  }

  /** How many requests that begin like this were answered by the cloud. */
  count(beginning: string): number {
    return this.passed.filter(({ method, path }) => `${method} ${path}`.startsWith(beginning)).length
  }

  async close(): Promise<void> {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    if (this.#server.listening) await once(this.#server, 'close')
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#answer(request, response)
    } catch {
      response.destroy()
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '' } = request
    const applies = `${method} ${path}`.startsWith(this.onlyFor)
    const fault: NetworkFault = applies ? this.fault : { kind: 'fair' }
    if (fault.kind === 'refused') return void request.socket.destroy()
    if (fault.kind === 'status') {
      await buffer(request).catch(() => undefined)
      response.writeHead(fault.status, { 'content-type': 'text/plain', ...fault.headers }).end(fault.text)
      return
    }
    if (fault.kind === 'slow') await pause(fault.ms)
    const answer = await this.#ask(method, path, request)
    this.passed.push({ method, path, status: answer.status })
    if (fault.kind === 'lost') return void request.socket.destroy()
    const headers = { ...answer.headers, ...(this.skew !== 0 && { date: this.#shiftedDate(answer.headers) }) }
    const body = fault.kind === 'garbage' ? Buffer.from(fault.text) : this.#shifted(answer)
    if (fault.kind === 'cut') {
      response.writeHead(answer.status, { ...headers, 'content-length': body.length + 100 })
      response.write(body.subarray(0, Math.ceil(body.length / 2)), () => response.destroy())
      return
    }
    response.writeHead(answer.status, { ...headers, 'content-length': body.length }).end(body)
  }

  async #ask(method: string, path: string, request: IncomingMessage): Promise<Answered> {
    const body = await buffer(request)
    const shifted = path.replace(/(\/timestamp\/)(\d+)/, (_, form, second) => `${form}${Number(second) - this.skew}`)
    const asked = httpRequest(this.#target() + shifted, {
      method,
      headers: { ...request.headers, connection: 'close', 'content-length': body.length },
    })
    asked.end(body)
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    const { 'transfer-encoding': _, ...headers } = answer.headers
    return { status: answer.statusCode ?? 0, headers, body: await buffer(answer) }
  }

  #shiftedDate(headers: IncomingMessage['headers']): string {
    return new Date(Date.parse(headers.date ?? '') + this.skew * 1000).toUTCString()
  }

  /** Every time in a JSON answer, moved by the skew. */
  #shifted({ headers, body }: Answered): Buffer {
    if (this.skew === 0 || !headers['content-type']?.startsWith('application/json')) return body
    const move = (key: string, value: unknown): unknown => {
      if (typeof value === 'number' && /timestamp$/.test(key)) return value + this.skew
      if (typeof value !== 'string') return value
      if (key === 'from' || key === 'to') return toMailTime((fromMailTime(value) ?? 0) + this.skew)
      return /_time$/.test(key) ? toPlainTime((fromPlainTime(value) ?? 0) + this.skew) : value
    }
    return Buffer.from(JSON.stringify(JSON.parse(body.toString(), move)))
  }
}

interface Answered {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}
