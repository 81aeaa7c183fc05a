/** Waits for work until the signal is given, and fails with its reason then; the work goes on by itself. */
export async function endedBy<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // Nobody else may be listening when it fails later.
  work.catch(() => undefined)
  signal.throwIfAborted()
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const listener = () => reject(signal.reason)
  signal.addEventListener('abort', listener, { once: true })
  try {
    return await Promise.race([work, ended])
  } finally {
    signal.removeEventListener('abort', listener)
  }
}

/** Resolves when the signal is given; at once where it was. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
