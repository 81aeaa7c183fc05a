/** Uploads within the quota of whoever sends them. */
import type { Quotas, Sending } from '../quotas/index.ts'

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

interface Sized {
  readonly bytes: { readonly length: number }
}

/**
 * The same for contents that are here already and are stored together: `receive` gets those that fit, in order, and gives
 * an outcome for each. One that does not fit has the failure of `withinQuota` as its outcome.
 */
export async function eachWithinQuota<F extends Sized, R extends { readonly known: boolean }>(
  quotas: Quotas,
  userId: number,
  files: readonly F[],
  receive: (fitting: readonly F[]) => Promise<readonly PromiseSettledResult<R>[]>,
): Promise<PromiseSettledResult<R>[]> {
  const begun: PromiseSettledResult<Sending | null>[] = []
  try {
    // One after the other: of too many, the first are those that fit.
    for (const { bytes } of files) begun.push(await settled(beginWhole(quotas, userId, bytes.length)))
    const received = [...(await receive(files.filter((_, n) => begun[n]?.status === 'fulfilled')))]
    return begun.map((one) => {
      if (one.status === 'rejected') return one
      const outcome = received.shift() as PromiseSettledResult<R>
      if (outcome.status === 'fulfilled') one.value?.store(outcome.value.known)
      return outcome
    })
  } finally {
    for (const one of begun) if (one.status === 'fulfilled') one.value?.end()
  }
}

async function beginWhole(quotas: Quotas, userId: number, size: number): Promise<Sending | null> {
  const sending = await quotas.begin(userId, size)
  try {
    sending?.add(size)
  } catch (error) {
    sending?.end()
    throw error
  }
  return sending
}

async function settled<T>(promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const [outcome] = await Promise.allSettled([promise])
  return outcome
}
