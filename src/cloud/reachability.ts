import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'
import { now, type Store } from '../store/index.ts'

/** Failures in a row after which operators are notified: one lost connection is nobody's business. */
const REPORTED_AT = 2

/** Whether the cloud answers, as the reading of its feeds finds out; the journal records both changes. */
export class Reachability {
  readonly #store: Store
  readonly #log: Log
  #failures = 0
  #isReachable = false

  constructor(store: Store, log: Log) {
    this.#store = store
    this.#log = log
  }

  get isReachable(): boolean {
    return this.#isReachable
  }

  /** Returns how many failures in a row there are now. */
  async failed(error: unknown): Promise<number> {
    this.#failures += 1
    this.#isReachable = false
    if (!(error instanceof Failure)) {
      this.#log.error({ err: error }, 'reading the feeds of the cloud failed, and is tried again')
      return this.#failures
    }
    this.#log.warn({ failures: this.#failures, reason: error.message }, 'the feeds of the cloud cannot be read')
    if (this.#failures === REPORTED_AT) await this.#record('cloud-away', `Matches cannot be fetched: ${error.message}`)
    return this.#failures
  }

  /** Returns whether it did not work before, or was not tried. */
  async worked(): Promise<boolean> {
    const wasAway = this.#failures >= REPORTED_AT
    const turned = !this.#isReachable
    this.#failures = 0
    this.#isReachable = true
    if (wasAway) await this.#record('cloud-back', 'The cloud answers again; what waited is delivered and fetched.')
    return turned
  }

  async #record(kind: string, message: string): Promise<void> {
    await this.#store.journal
      .add({ kind, message, created: now() })
      // A full disk is reported elsewhere.
      .catch((error: unknown) => this.#log.error({ err: error }, 'the journal cannot be written'))
  }
}
