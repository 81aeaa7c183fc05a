/** Fetches sources into folders that are there for the time of some work. */
import type { NetworkRules } from '../network/index.ts'
import type { Scratch, StoredRuleSource } from '../store/index.ts'
import { type Fetched, runFetch } from './fetching/fetching-process.ts'
import type { FetchLimits, FetchOrder } from './fetching/order.ts'

type Address = Pick<StoredRuleSource, 'kind' | 'url' | 'branch' | 'token'>

/** How long a look waits for a server. */
const LOOK_MS = 30_000

export class Fetcher {
  readonly #scratch: Scratch
  readonly #rules: NetworkRules
  readonly #limits: FetchLimits

  constructor(scratch: Scratch, rules: NetworkRules, limits: FetchLimits) {
    this.#scratch = scratch
    this.#rules = rules
    this.#limits = limits
  }

  get rules(): NetworkRules {
    return this.#rules
  }

  /** `known`: the version that is not fetched again. What was fetched is there until the work has ended. */
  async fetch<T>(
    source: StoredRuleSource,
    known: string | null,
    signal: AbortSignal,
    work: (fetched: Fetched) => Promise<T>,
  ): Promise<T> {
    return this.#run(source, { task: 'fetch', known, timeMs: this.#limits.timeMs }, signal, work)
  }

  /** Fails as a fetch does where the source cannot be reached. */
  async look(address: Address, signal: AbortSignal): Promise<void> {
    const timeMs = Math.min(LOOK_MS, this.#limits.timeMs)
    await this.#run(address, { task: 'look', known: null, timeMs }, signal, async () => undefined)
  }

  async #run<T>(
    { kind, url, branch, token }: Address,
    { timeMs, ...how }: Pick<FetchOrder, 'task' | 'known'> & { readonly timeMs: number },
    signal: AbortSignal,
    work: (fetched: Fetched) => Promise<T>,
  ): Promise<T> {
    const folder = this.#scratch.fresh()
    const limits = { ...this.#limits, timeMs }
    try {
      return await work(
        await runFetch({ kind, url, branch, token, folder, rules: this.#rules, limits, ...how }, signal),
      )
    } finally {
      await this.#scratch.discard(folder)
    }
  }
}
