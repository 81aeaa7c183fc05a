import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'

const LOOK_AGAIN_MS = 2_000

/**
 * Reads, again and again for as long as the storage of contents and segments does not answer, or has no room for copies: a
 * hunt waits, and passes nothing over. Rejects with the signal's reason when it is aborted meanwhile.
 */
export async function retryWhenAway<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await read()
    } catch (error) {
      const isAway = error instanceof Failure && ['storage.unavailable', 'storage.full'].includes(error.code)
      if (!isAway) throw error
    }
    await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }
}
