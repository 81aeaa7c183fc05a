import { setTimeout as delay } from 'node:timers/promises'
import { Failure } from '../errors/index.ts'
import type { Log } from '../scanning/index.ts'

const LOOK_AGAIN_MS = 1_000

/**
 * Does a write, again and again for as long as the storage is full: a hunt that meets a full disk waits for room and has
 * lost nothing. Says so in the log, once. Rejects with the signal's reason when it is aborted meanwhile.
 */
export async function retryWhenFull<T>(
  write: () => Promise<T>,
  { hunt, signal, log }: { readonly hunt: number; readonly signal: AbortSignal; readonly log: Log },
): Promise<T> {
  for (let logged = false; ; logged = true) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof Failure && error.code === 'storage.full')) throw error
      if (!logged) log.error({ hunt }, 'the storage is full: the hunt waits until there is room')
    }
    await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {})
    signal.throwIfAborted()
  }
}
