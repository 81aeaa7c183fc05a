import { Worker } from 'node:worker_threads'
import { Failure } from '../errors/index.ts'
import { childEnvironment } from '../settings/index.ts'
import type { FromBodyThread, ToBodyThread } from './body-thread-main.ts'
import type { BodyKind } from './body-values.ts'

/**
 * Parses large bodies in a thread, one after the other: 28 MB of JSON take a fifth of a second, in which the server's own
 * thread answers others. It is started for the first such body.
 */
export class BodyThread {
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  #thread: Worker | null = null
  #last = 0

  /** The values in a body, whose bytes are gone afterwards. Fails as `parseBody` does. */
  parse(kind: BodyKind, body: Buffer): Promise<unknown> {
    const { buffer, byteOffset, byteLength } = body
    const isAlone = byteOffset === 0 && buffer.byteLength === byteLength
    const bytes = isAlone ? (buffer as ArrayBuffer) : new Uint8Array(body).buffer
    const id = ++this.#last
    const answer = Promise.withResolvers<unknown>()
    this.#waiting.set(id, answer)
    const message: ToBodyThread = { id, kind, bytes }
    this.#thread ??= this.#start()
    this.#thread.postMessage(message, [bytes])
    return answer.promise
  }

  async close(): Promise<void> {
    await this.#thread?.terminate()
  }

  #start(): Worker {
    const thread = new Worker(new URL('./body-thread-main.ts', import.meta.url), {
      execArgv: [],
      env: childEnvironment(),
    })
    thread.unref()
    thread.on('message', (message: FromBodyThread) => {
      const answer = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if ('failure' in message) {
        const { code, text, detail } = message.failure
        answer?.reject(new Failure(code, text, detail))
      } else answer?.resolve(message.value)
    })
    let cause: unknown
    thread.on('error', (error) => {
      cause = error
    })
    thread.once('exit', (code) => {
      this.#thread = null
      const error = new Error(`The thread that parses large bodies ended with ${code}.`, { cause })
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    })
    return thread
  }
}
