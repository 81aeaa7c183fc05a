import type { UnitOfWork } from '../store/index.ts'

const KEY = 'feed-second'
/** While the machine's clock is behind, a second of feed time takes this long: the lead melts, and nothing stands still. */
const SLOW_SECOND_MS = 2_000

export interface Clocks {
  /** Milliseconds since 1970, as the machine tells: it may be set back. */
  readonly wall: () => number
  /** Milliseconds that only grow. */
  readonly steady: () => number
}

/**
 * The time of the feeds, in whole seconds. Whoever read a feed up to a second goes on behind it, so no entry may come
 * later with that second or an earlier one. Entries get their second in the transaction that stores them, and the last
 * second that was given out is stored with it: it never goes back, not even over a restart with a clock that was set
 * back meanwhile. Then feed time runs slowly ahead of the clock until the two meet.
 */
export class FeedClock {
  readonly #clocks: Clocks
  #movedAt: number

  constructor(clocks: Clocks = { wall: Date.now, steady: () => performance.now() }) {
    this.#clocks = clocks
    this.#movedAt = clocks.steady()
  }

  /**
   * The present second. Transactions come one after the other, so what is committed after this one has this second or a
   * later one, and all before it is complete: a reader of the feeds asks here too.
   */
  async second({ settings }: UnitOfWork): Promise<number> {
    const given = Number((await settings.find(KEY)) ?? 0)
    const wall = Math.floor(this.#clocks.wall() / 1000)
    const isDue = wall < given && this.#clocks.steady() - this.#movedAt >= SLOW_SECOND_MS
    const second = isDue ? given + 1 : Math.max(given, wall)
    if (second === given) return given
    this.#movedAt = this.#clocks.steady()
    await settings.set(KEY, String(second))
    return second
  }
}
