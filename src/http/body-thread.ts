import type { Worker } from 'node:worker_threads'
import { startThread, ThreadQuestions } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import { childEnvironment } from '../settings/index.ts'
import type { FromBodyThread, ToBodyThread } from './body-thread-main.ts'
import type { BodyKind } from './body-values.ts'

const ENDED = 'The thread that parses large bodies has ended.'

/**
 * Parses large bodies in a thread, one after the other: 28 MB of JSON take a fifth of a second, in which the server's own
 * thread answers others. It is started for the first such body.
 */
export class BodyThread {
  readonly #questions = new ThreadQuestions<unknown>()
  #thread: Worker | null = null
  #last = 0

  /** The values in a body that begins with `first`. Fails as `parseBody` does, and with what reading `rest` fails with. */
  async parse(kind: BodyKind, first: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>): Promise<unknown> {
    const id = ++this.#last
    const thread = this.#thread ?? this.#start()
    const post = (message: ToBodyThread) => thread.postMessage(message)
    // Each chunk is handed on as it comes: nothing here is ever as large as the body.
    for (const chunk of first) post({ id, chunk })
    try {
      for await (const chunk of rest) post({ id, chunk })
    } catch (error) {
      post({ id, kind: null })
      throw error
    }
    // Another thread would have the end of the body alone.
    if (thread !== this.#thread) throw new Error(ENDED)
    const answer = this.#questions.add(id)
    post({ id, kind })
    return answer
  }

  async close(): Promise<void> {
    await this.#thread?.terminate()
  }

  #start(): Worker {
    const thread = startThread(new URL('./body-thread-main.ts', import.meta.url), childEnvironment(), {
      message: (message: FromBodyThread) => {
        if ('failure' in message) {
          const { code, text, detail } = message.failure
          this.#questions.reject(message.id, new Failure(code, text, detail))
        } else this.#questions.resolve(message.id, message.value)
      },
      ended: (cause) => {
        this.#thread = null
        this.#questions.rejectAll(new Error(ENDED, { cause }))
      },
    })
    thread.unref()
    this.#thread = thread
    return thread
  }
}
