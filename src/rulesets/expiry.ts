import { Loop } from '../background/index.ts'
import type { Log } from '../scanning/index.ts'
import { now, type Store } from '../store/index.ts'
import type { Rulesets } from './rulesets.ts'

/** Looked after at least so often, since the clock of the machine may be set. */
const LONGEST_SLEEP_MS = 3_600_000
const RETRY_MS = 60_000

/** Disables rulesets whose date of expiry has come. */
export class Expiry {
  readonly #store: Store
  readonly #rulesets: Pick<Rulesets, 'disableExpired'>
  readonly #log: Log
  readonly #loop = new Loop()

  constructor(parts: {
    readonly store: Store
    readonly rulesets: Pick<Rulesets, 'disableExpired'>
    readonly log: Log
  }) {
    this.#store = parts.store
    this.#rulesets = parts.rulesets
    this.#log = parts.log
  }

  start(): void {
    this.#loop.start(async () => {
      try {
        return await this.#look()
      } catch (error) {
        this.#log.error({ err: error }, 'rulesets that have expired could not be disabled')
        return RETRY_MS
      }
    })
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }

  /** Looks what has expired; to be called whenever a date was set. */
  wake(): void {
    this.#loop.wake()
  }

  /** Gives the milliseconds until it is to be called again. */
  async #look(): Promise<number> {
    const names = await this.#rulesets.disableExpired()
    if (names.length > 0) this.#log.info({ rulesets: names }, 'rulesets were disabled on their date of expiry')
    const next = await this.#store.rulesets.nextExpiry()
    return next === null ? LONGEST_SLEEP_MS : Math.min(LONGEST_SLEEP_MS, Math.max(10, (next - now()) / 1_000))
  }
}
