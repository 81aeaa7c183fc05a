/**
 * Commits items together: whatever is added while one batch is being committed makes up the next, so one transaction
 * and one sync serve many items under load, and a single item waits for nothing.
 */
export class GroupCommit<T, R> {
  readonly #commit: (batch: readonly T[]) => Promise<readonly R[]>
  readonly #most: number
  #waiting: { readonly item: T; readonly resolve: (result: R) => void; readonly reject: (error: unknown) => void }[] =
    []
  #running: Promise<void> | null = null

  /** `commit` gives a result for each item, in order; when it fails, all items of the batch fail. */
  constructor(most: number, commit: (batch: readonly T[]) => Promise<readonly R[]>) {
    this.#most = most
    this.#commit = commit
  }

  add(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** Resolves when everything that was added is committed or has failed. */
  async drained(): Promise<void> {
    while (this.#running) await this.#running
  }

  async #run(): Promise<void> {
    // Items that are added in the same turn of the event loop travel together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#most)
      try {
        const results = await this.#commit(batch.map(({ item }) => item))
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
}
