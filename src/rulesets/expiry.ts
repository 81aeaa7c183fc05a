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
  #timer: NodeJS.Timeout | null = null
  #isRunning = false
  #looking: Promise<void> = Promise.resolve()

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
    this.#isRunning = true
    this.wake()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#looking
  }

  /** Looks what has expired; to be called whenever a date was set. */
  wake(): void {
    if (!this.#isRunning) return
    this.#looking = this.#looking
      .then(() => this.#look())
      .catch((error: unknown) => {
        this.#log.error({ err: error }, 'rulesets that have expired could not be disabled')
        this.#sleep(RETRY_MS)
      })
  }

  async #look(): Promise<void> {
    if (!this.#isRunning) return
    const names = await this.#rulesets.disableExpired()
    if (names.length > 0) this.#log.info({ rulesets: names }, 'rulesets were disabled on their date of expiry')
    const next = await this.#store.rulesets.nextExpiry()
    if (next !== null) this.#sleep(Math.max(10, (next - now()) / 1_000))
  }

  #sleep(ms: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    if (!this.#isRunning) return
    this.#timer = setTimeout(() => this.wake(), Math.min(ms, LONGEST_SLEEP_MS))
    this.#timer.unref()
  }
}
