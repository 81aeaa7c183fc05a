import { setTimeout as pause } from 'node:timers/promises'

/** Does a piece of work again and again until it is stopped; the work says how long to wait, `wake` ends the wait. */
export class Loop {
  readonly #ended = new AbortController()
  #sleep = new AbortController()
  #running: Promise<void> | null = null

  /** `work` gives the milliseconds until it wants to be called again. It deals with its own failures. */
  start(work: (signal: AbortSignal) => Promise<number>): void {
    const { signal } = this.#ended
    const run = async () => {
      while (!signal.aborted) {
        this.#sleep = new AbortController()
        const wait = await work(signal).catch((error: unknown) => {
          if (!signal.aborted) throw error
          return 0
        })
        const sleep = AbortSignal.any([signal, this.#sleep.signal])
        await pause(Math.min(wait, 2 ** 31 - 1), undefined, { signal: sleep }).catch(() => undefined)
      }
    }
    this.#running = run()
  }

  /** Ends the present wait, or the one that comes after the work that is under way. */
  wake(): void {
    this.#sleep.abort()
  }

  /** Resolves when the work that was under way has ended. */
  async stop(): Promise<void> {
    this.#ended.abort()
    await this.#running
  }
}
