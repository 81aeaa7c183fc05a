import { type EventEmitter, once } from 'node:events'

/**
 * When to look at something: at first, and again after the next event of this name. Events that come before the next look
 * are one, however many they are and however long a look takes: what is looked at is the newest anyhow. Counts the looks.
 * Throws when the signal is aborted.
 */
export async function* looks(news: EventEmitter, name: string, signal: AbortSignal): AsyncGenerator<number> {
  const done = new AbortController()
  const until = AbortSignal.any([signal, done.signal])
  try {
    for (let look = 1; ; look++) {
      // Listening begins before the look, so that nothing falls between the two.
      const next = once(news, name, { signal: until })
      next.catch(() => {})
      yield look
      await next
    }
  } finally {
    done.abort()
  }
}
