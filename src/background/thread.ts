import { Worker } from 'node:worker_threads'

/** What `startThread` tells of a thread. */
export interface ThreadEvents<Message> {
  message(message: Message): void
  /** Once, when the thread has ended, by an error or by itself. */
  ended(cause: unknown): void
}

/** Starts a thread with the file at the address, without arguments of this process. */
export function startThread<Message>(file: URL, env: NodeJS.ProcessEnv, events: ThreadEvents<Message>): Worker {
  const thread = new Worker(file, { execArgv: [], env })
  let cause: unknown
  thread.on('message', events.message)
  thread.on('error', (error) => {
    cause = error
  })
  thread.once('exit', () => events.ended(cause))
  return thread
}

/** What was asked of a thread, until it is answered. */
export class ThreadQuestions<Answer> {
  readonly #waiting = new Map<number, PromiseWithResolvers<Answer>>()

  get areAnswered(): boolean {
    return this.#waiting.size === 0
  }

  /** The promise of the answer to a question with that id. */
  add(id: number): Promise<Answer> {
    const answer = Promise.withResolvers<Answer>()
    this.#waiting.set(id, answer)
    return answer.promise
  }

  resolve(id: number, answer: Answer): void {
    this.#take(id)?.resolve(answer)
  }

  reject(id: number, error: Error): void {
    this.#take(id)?.reject(error)
  }

  /** The thread has ended: nothing is answered any more. */
  rejectAll(error: Error): void {
    for (const id of [...this.#waiting.keys()]) this.reject(id, error)
  }

  #take(id: number): PromiseWithResolvers<Answer> | undefined {
    const answer = this.#waiting.get(id)
    this.#waiting.delete(id)
    return answer
  }
}
