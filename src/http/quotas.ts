/** Uploads within the quota of whoever sends them. */
import type { Quotas } from '../quotas/index.ts'

type Count = <T extends { readonly length: number }>(chunks: AsyncIterable<T>) => AsyncIterable<T>

/**
 * Stores an upload whose bytes pass through the function that `receive` is given. `least`: what it has at least, as far as
 * that is known. Fails with `quota.day` and `quota.total`, before the first byte where that is known then.
 */
export async function withinQuota<R extends { readonly known: boolean }>(
  quotas: Quotas,
  userId: number,
  least: number,
  receive: (count: Count) => Promise<R>,
): Promise<R> {
  const sending = await quotas.begin(userId, least)
  if (sending === null) return receive((chunks) => chunks)
  try {
    const received = await receive(async function* (chunks) {
      for await (const chunk of chunks) {
        sending.add(chunk.length)
        yield chunk
      }
    })
    sending.store(received.known)
    return received
  } finally {
    sending.end()
  }
}
