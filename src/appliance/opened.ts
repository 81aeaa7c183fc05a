import type { Log } from '../scanning/index.ts'

type Close = () => unknown

/**
 * What was opened so far, closed in the reverse order, whether all of it was or a start failed half way. One that fails
 * to close is logged and holds up none of the others: the lock and the workers always go.
 */
export class Opened {
  readonly #log: Log
  readonly #floors: (readonly Close[])[] = []

  constructor(log: Log) {
    this.#log = log
  }

  /** Those that are added together are closed together. */
  add(...closes: readonly Close[]): void {
    this.#floors.push(closes)
  }

  /** Closing again does nothing. */
  async close(): Promise<void> {
    for (let floor = this.#floors.pop(); floor; floor = this.#floors.pop()) {
      const results = await Promise.allSettled(floor.map(async (close) => close()))
      for (const result of results) {
        if (result.status === 'rejected') this.#log.error({ err: result.reason }, 'a part could not be closed well')
      }
    }
  }
}
