/**
 * Decides whose hunt runs next, so that nobody's long hunts keep another's short one waiting.
 *
 * There are a few turns. A hunt runs while it holds one; when its slice is over and somebody else waits, it gives the
 * turn back at its next safe point and waits again. A free turn goes to the waiting user who holds the fewest turns;
 * among equals to the one who has waited longest. So a user who queues a hundred hunts gets one turn while others
 * wait, and all of them when nobody does.
 */
export class FairTurns {
  readonly #turns: number
  readonly #sliceMs: number
  readonly #held = new Map<number, number>()
  #inUse = 0
  #waiting: Waiter[] = []

  constructor({ turns, sliceMs }: { turns: number; sliceMs: number }) {
    this.#turns = turns
    this.#sliceMs = sliceMs
  }

  /** Resolves with a turn when it is this user's; rejects with the signal's reason when it is aborted first. */
  take(user: number, signal: AbortSignal): Promise<Turn> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { user, resolve, abandon: () => {} }
      waiter.abandon = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiter)
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
    while (this.#inUse < this.#turns && this.#waiting.length > 0) {
      let next = 0
      for (const [position, waiter] of this.#waiting.entries()) {
        if (this.#holds(waiter.user) < this.#holds(this.#waiting[next]?.user ?? -1)) next = position
      }
      const [waiter] = this.#waiting.splice(next, 1)
      if (!waiter) return
      this.#inUse++
      this.#held.set(waiter.user, this.#holds(waiter.user) + 1)
      waiter.resolve(this.#turnOf(waiter.user))
    }
  }

  #turnOf(user: number): Turn {
    const until = performance.now() + this.#sliceMs
    let isHeld = true
    return {
      isOver: () => this.#waiting.length > 0 && performance.now() >= until,
      giveBack: () => {
        if (!isHeld) return
        isHeld = false
        this.#inUse--
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
