/**
 * Decides whose hunt runs next, so that nobody's long hunts keep another's short one waiting.
 *
 * There are a few turns. A hunt runs while it holds one; when its slice is over and somebody else waits, it gives the
 * turn back at its next safe point and waits again. A free turn goes to the waiting user who holds the fewest turns;
 * among equals to the one who has waited longest. So a user who queues a hundred hunts gets one turn while others
 * wait, and all of them when nobody does.
 *
 * A safe point may be far away: rules that do not come to an end hold their turn for many times its slice. Who holds none
 * and waits for turns that are overdue like that gets one beside them, so one user's hunts never hold up everybody's.
 * There are never more than twice as many as usual.
 */
export class FairScheduler {
  readonly #turns: number
  readonly #sliceMs: number
  readonly #overdueMs: number
  readonly #held = new Map<number, number>()
  /** When the slices of those in use are used up. */
  readonly #ends = new Set<{ readonly until: number }>()
  #waiting: Waiter[] = []
  #later: NodeJS.Timeout | null = null

  /** A turn is overdue when it is held `overdueMs` past its slice. */
  constructor({ turns, sliceMs, overdueMs = 5_000 }: { turns: number; sliceMs: number; overdueMs?: number }) {
    this.#turns = turns
    this.#sliceMs = sliceMs
    this.#overdueMs = overdueMs
  }

  /** Resolves with a turn when it is this user's; rejects with the signal's reason when it is aborted first. */
  take(user: number, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { user, resolve, abandon: () => {} }
      waiter.abandon = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter)
        this.#grant()
        reject(signal.reason)
      }
      signal.addEventListener('abort', waiter.abandon, { once: true })
      const granted = waiter.resolve
      waiter.resolve = (turn) => {
        signal.removeEventListener('abort', waiter.abandon)
        granted(turn)
      }
      this.#waiting.push(waiter)
      this.#grant()
    })
  }

  #grant(): void {
    if (this.#later !== null) clearTimeout(this.#later)
    this.#later = null
    while (this.#waiting.length > 0) {
      let next = 0
      for (const [position, waiter] of this.#waiting.entries()) {
        if (this.#holds(waiter.user) < this.#holds(this.#waiting[next]?.user ?? -1)) next = position
      }
      const user = this.#waiting[next]?.user ?? -1
      if (this.#ends.size >= this.#turns && !this.#mayExceed(user)) return
      const [waiter] = this.#waiting.splice(next, 1)
      this.#held.set(user, this.#holds(user) + 1)
      waiter?.resolve(this.#turnOf(user))
    }
  }

  /** Whether an overdue turn is made up for with one for this user; looks again when that may be so later. */
  #mayExceed(user: number): boolean {
    if (this.#holds(user) > 0 || this.#ends.size >= 2 * this.#turns) return false
    const now = performance.now()
    const overdue = [...this.#ends].map(({ until }) => until + this.#overdueMs).sort((a, b) => a - b)
    // Each is made up for once.
    const first = overdue[this.#ends.size - this.#turns] ?? Number.POSITIVE_INFINITY
    if (first <= now) return true
    this.#later = setTimeout(() => this.#grant(), Math.ceil(first - now)).unref()
    return false
  }

  #turnOf(user: number): Turn {
    const slice = { until: performance.now() + this.#sliceMs }
    this.#ends.add(slice)
    return {
      isOver: () => this.#waiting.length > 0 && performance.now() >= slice.until,
      giveBack: () => {
        if (!this.#ends.delete(slice)) return
        const left = this.#holds(user) - 1
        if (left > 0) this.#held.set(user, left)
        else this.#held.delete(user)
        this.#grant()
      },
    }
  }

  #holds(user: number): number {
    return this.#held.get(user) ?? 0
  }
}

export interface Turn {
  /** True when the slice is used up and somebody waits: time to give the turn back. */
  isOver(): boolean
  /** Frees the turn; calling it again does nothing. */
  giveBack(): void
}

interface Waiter {
  user: number
  resolve: (turn: Turn) => void
  abandon: () => void
}
