/**
 * Works on up to `width` items at once, and takes the next one as soon as one is done. After a failure, or when the signal is
 * given, no more are begun; what runs is waited for, and only then it rejects, with the first failure. A signal alone is
 * no failure.
 */
export async function inParallel<T>(
  items: Iterable<T> | AsyncIterable<T>,
  width: number,
  work: (item: T) => Promise<unknown>,
  signal?: AbortSignal,
): Promise<void> {
  const rest = Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
  const failures: unknown[] = []
  let isOver = false
  const lane = async (): Promise<void> => {
    while (!isOver && !signal?.aborted) {
      try {
        const next = await rest.next()
        if (next.done) return
        // Others may have failed while it was fetched.
        if (!isOver) await work(next.value)
      } catch (error) {
        isOver = true
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: width }, lane))
  if (failures.length > 0) throw failures[0]
}
