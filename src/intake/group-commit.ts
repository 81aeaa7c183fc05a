/**
 * Commits items together: whatever is added while one batch is being committed makes up the next, so one transaction
 * and one sync serve many items under load, and a single item waits for nothing.
 *
 * Where nobody waits for the single item, it may be added with `canWait`: a batch of nothing else waits until it is
 * full, no more are coming, or its time is over.
 */
export interface GroupCommitOptions<T, R> {
  /** Gives a result for each item, in order; when it fails, all items of the batch fail. */
  readonly commit: (batch: readonly T[]) => Promise<readonly R[]>
  /** Items of a full batch. */
  readonly most: number
  /** Flush delay: how long items with `canWait` wait, in milliseconds. */
  readonly flushDelayMs: number
  /** Whether more items with `canWait` are coming. */
  readonly areMoreComing: () => boolean
}

export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>
  #waiting: {
    readonly item: T
    readonly canWait: boolean
    readonly resolve: (result: R) => void
    readonly reject: (error: unknown) => void
  }[] = []
  /** Of the waiting items. */
  #urgent = 0
  #running: Promise<void> | null = null
  /** Ends the wait for more items. */
  #gathered: (() => void) | null = null

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options
  }

  add(item: T, { canWait = false } = {}): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, canWait, resolve, reject })
      if (!canWait) this.#urgent++
      this.#running ??= this.#run()
      this.lookAgain()
    })
  }

  /** Nothing more may be coming. */
  lookAgain(): void {
    if (this.#isDue()) this.#gathered?.()
  }

  /** Resolves when everything that was added is committed or has failed. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // Items that are added in the same turn of the event loop travel together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      if (!this.#isDue()) await this.#gather()
      const batch = this.#waiting.splice(0, this.#options.most)
      for (const { canWait } of batch) if (!canWait) this.#urgent--
      try {
        const results = await this.#options.commit(batch.map(({ item }) => item))
        batch.forEach(({ resolve }, i) => {
          resolve(results[i] as R)
        })
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    // In the same step as the look that found nothing: whoever adds right after a batch must start the next run.
    this.#running = null
  }

  #isDue(): boolean {
    const { most, areMoreComing } = this.#options
    return this.#waiting.length >= most || !areMoreComing() || this.#urgent > 0
  }

  async #gather(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#options.flushDelayMs)
      this.#gathered = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#gathered = null
  }
}
