import { type Priority, priorities } from './priorities.ts'

/** Callers that wait for room in a priority before they send their task, in their order. */
export class Producers {
  readonly #queues: Record<Priority, (() => void)[]> = { interactive: [], live: [], hunt: [], background: [] }

  waiting(priority: Priority): number {
    return this.#queues[priority].length
  }

  /** Resolves one caller for each task that has left the queue of the priority, or when `done` is settled. */
  async wait(priority: Priority, done: Promise<unknown>): Promise<void> {
    const producers = this.#queues[priority]
    const { promise, resolve } = Promise.withResolvers<void>()
    producers.push(resolve)
    await Promise.race([promise, done.catch(() => {})])
    const place = producers.indexOf(resolve)
    if (place >= 0) producers.splice(place, 1)
  }

  /** A task has left the queue of the priority. */
  release(priority: Priority): void {
    this.#queues[priority].shift()?.()
  }

  releaseAll(): void {
    for (const priority of priorities) for (const producer of this.#queues[priority].splice(0)) producer()
  }
}
