import { Failure } from '../errors/index.ts'

/** Requests that may come at once, as a script's do, before the pace is held. */
const BURST = 5

/**
 * Holds each tenant to a number of requests a second: a few may come together, and over time they come at that pace.
 */
export class RequestPace {
  readonly #perSecond: number
  readonly #clock: () => number
  readonly #allowances = new Map<number, { left: number; at: number }>()

  /** 0 for no limit; `clock` is in milliseconds. */
  constructor(perSecond: number, clock: () => number = () => performance.now()) {
    this.#perSecond = perSecond
    this.#clock = clock
  }

  /** Counts a request. `tenant.throttled` when it comes too soon, with the `seconds` to wait; that one does not count. */
  demand(tenantId: number): void {
    if (this.#perSecond === 0) return
    const now = this.#clock()
    const most = Math.max(BURST, this.#perSecond)
    const { left, at } = this.#allowances.get(tenantId) ?? { left: most, at: now }
    const allowance = Math.min(most, left + ((now - at) / 1000) * this.#perSecond)
    if (allowance < 1) {
      const seconds = Math.ceil((1 - allowance) / this.#perSecond)
      throw new Failure('tenant.throttled', `Too many requests; try again in ${seconds} s.`, { seconds })
    }
    this.#allowances.set(tenantId, { left: allowance - 1, at: now })
  }
}
