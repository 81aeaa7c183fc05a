/**
 * Who waits for samples to be processed. They wait by content, from before the sample is admitted: so the pipeline cannot
 * bring it to its end before they are known.
 */
import { keyOf } from './staged-file.ts'

export interface Waiter {
  /** Resolves when the sample is processed; rejects when intake stops before. */
  readonly processed: Promise<void>
  /** Nothing has to be waited for. */
  resolve(): void
}

interface Waiting extends Waiter {
  reject(error: unknown): void
}

export class Waiters {
  readonly #waiting = new Map<string, Set<Waiting>>()

  wait(sha256: Uint8Array): Waiter {
    const key = keyOf(sha256)
    const { promise: processed, resolve: end, reject } = Promise.withResolvers<void>()
    // Nobody has to wait for it.
    processed.catch(() => {})
    const waiter: Waiting = {
      processed,
      resolve: () => {
        const others = this.#waiting.get(key)
        others?.delete(waiter)
        if (others?.size === 0) this.#waiting.delete(key)
        end()
      },
      reject,
    }
    const others = this.#waiting.get(key)
    if (others) others.add(waiter)
    else this.#waiting.set(key, new Set([waiter]))
    return waiter
  }

  /** The sample is processed. */
  release(sha256: Uint8Array): void {
    for (const waiter of [...(this.#waiting.get(keyOf(sha256)) ?? [])]) waiter.resolve()
  }

  rejectAll(error: unknown): void {
    for (const waiters of this.#waiting.values()) for (const { reject } of waiters) reject(error)
    this.#waiting.clear()
  }
}
