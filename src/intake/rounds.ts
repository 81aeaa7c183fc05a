import { setTimeout as delay } from 'node:timers/promises'

const RETRY_MS = 1_000

/** Work in the background that goes on, round by round, until nothing is left, and begins again when it is woken. */
export class Rounds {
  readonly #round: (signal: AbortSignal) => Promise<boolean>
  readonly #onFailure: (error: unknown) => void
  readonly #stopping = new AbortController()
  #running: Promise<void> | null = null
  #isMore = false

  /** `round` answers whether there may be more to do. One that fails is told to `onFailure`, and is tried again later. */
  constructor(round: (signal: AbortSignal) => Promise<boolean>, onFailure: (error: unknown) => void) {
    this.#round = round
    this.#onFailure = onFailure
  }

  /** There may be something to do. */
  wake(): void {
    this.#isMore = true
    if (this.#running !== null || this.#stopping.signal.aborted) return
    this.#running = this.#run().finally(() => {
      this.#running = null
      if (this.#isMore) this.wake()
    })
  }

  /** Resolves when nothing is left. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('The server is stopping.'))
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (this.#isMore && !signal.aborted) {
      this.#isMore = false
      try {
        while (!signal.aborted && (await this.#round(signal))) {}
      } catch (error) {
        if (signal.aborted) return
        this.#onFailure(error)
        this.#isMore = true
        await delay(RETRY_MS, undefined, { signal }).catch(() => {})
      }
    }
  }
}
