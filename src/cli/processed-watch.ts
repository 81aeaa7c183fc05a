import { setTimeout as pause } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'
import type { ApiClient } from './api-client.ts'

/** A server that processes nothing for this long, while samples wait, is not waited for any longer. */
const giveUpAfterMs = 10 * 60_000
const hashesAtOnce = 1_000

/** Finds out when a server has processed the samples that it was sent, by asking about all of them together. */
export class ProcessedWatch {
  readonly #api: ApiClient
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>()
  #isAsking = false

  constructor(api: ApiClient) {
    this.#api = api
  }

  /** Resolves when the sample with this SHA-256 is identified and matched. */
  until(sha256: string): Promise<void> {
    const known = this.#waiting.get(sha256)
    if (known) return known.promise
    const wait = Promise.withResolvers<void>()
    this.#waiting.set(sha256, wait)
    if (!this.#isAsking) void this.#ask()
    return wait.promise
  }

  /** Stops asking; what still waits never resolves. */
  close(): void {
    this.#waiting.clear()
  }

  async #ask(): Promise<void> {
    this.#isAsking = true
    try {
      let moved = performance.now()
      for (let wait = 30; this.#waiting.size > 0; wait = Math.min(wait * 1.5, 500)) {
        await pause(wait)
        for (const hash of await this.#processed([...this.#waiting.keys()].slice(0, hashesAtOnce))) {
          this.#waiting.get(hash)?.resolve()
          this.#waiting.delete(hash)
          moved = performance.now()
          wait = 30
        }
        if (performance.now() - moved > giveUpAfterMs)
          throw new Failure(
            'server.refused',
            'The server has stored the samples, but has processed none for ten minutes.',
          )
      }
    } catch (error) {
      for (const { reject } of this.#waiting.values()) reject(error)
      this.#waiting.clear()
    } finally {
      this.#isAsking = false
    }
  }

  async #processed(hashes: readonly string[]): Promise<string[]> {
    if (hashes.length === 0) return []
    const { results } = await this.#api.request<{ results: readonly { hash_value: string }[] }>(
      '/api/samples/status/',
      {
        method: 'POST',
        query: { status: 'processed' },
        json: { hash_values: hashes },
      },
    )
    return results.map(({ hash_value }) => hash_value)
  }
}
