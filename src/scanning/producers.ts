import { type Lane, lanes } from './lanes.ts'

/** Those who wait for room in a lane before they send their task, in their order. */
export class Producers {
  readonly #lanes: Record<Lane, (() => void)[]> = { interactive: [], live: [], hunt: [], background: [] }

  waiting(lane: Lane): number {
    return this.#lanes[lane].length
  }

  /** Resolves when a task has left the lane, to one that waits for that after the other, or when `done` is settled. */
  async wait(lane: Lane, done: Promise<unknown>): Promise<void> {
    const producers = this.#lanes[lane]
    const { promise, resolve } = Promise.withResolvers<void>()
    producers.push(resolve)
    await Promise.race([promise, done.catch(() => {})])
    const place = producers.indexOf(resolve)
    if (place >= 0) producers.splice(place, 1)
  }

  /** A task has left the lane. */
  release(lane: Lane): void {
    this.#lanes[lane].shift()?.()
  }

  releaseAll(): void {
    for (const lane of lanes) for (const producer of this.#lanes[lane].splice(0)) producer()
  }
}
