/** Does one piece of work at a time, in the order in which they were asked for. One that fails does not keep the next back. */
export class Lock {
  #last: Promise<unknown> = Promise.resolve()

  /** Resolves or rejects as the work does. Work must not ask for the lock that it has: it would wait for itself. */
  withLock<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }
}

/** A lock for each key; those that nobody has or waits for take no memory. */
export class KeyedLock<Key> {
  readonly #locks = new Map<Key, { readonly lock: Lock; wanted: number }>()

  /** As `Lock` has it, for what has the same key. */
  async withLock<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const held = this.#locks.get(key) ?? { lock: new Lock(), wanted: 0 }
    this.#locks.set(key, held)
    held.wanted++
    try {
      return await held.lock.withLock(work)
    } finally {
      held.wanted--
      if (held.wanted === 0) this.#locks.delete(key)
    }
  }
}
