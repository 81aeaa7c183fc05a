/**
 * Samples that a cloud has. One that is in the collection too has one row for both; the others are known by the cloud's
 * feeds a SHA-1, a size and a type, and their rows say `stored` 0: no content, never scanned, indexed or hunted, gone
 * when nothing refers to them any more. A file that arrives later takes over from such a row, and leaves one behind
 * when it is deleted while the cloud's matches stay.
 */
import { moveCloudMatches } from '../matches/index.ts'
import type { CloudSample, UnitOfWork } from '../store/index.ts'

/** SHA-1s looked up by one statement. */
const DIGESTS_AT_ONCE = 1_000

/** The ids of the cloud's samples in this database, by SHA-1 in hexadecimal; those that are new get their rows. */
export async function cloudSampleIds(
  tx: UnitOfWork,
  samples: Iterable<CloudSample>,
): Promise<ReadonlyMap<string, number>> {
  const wanted = new Map([...samples].map((sample) => [sample.sha1.toHex(), sample]))
  const ids = new Map<string, number>()
  const all = [...wanted.values()]
  for (let from = 0; from < all.length; from += DIGESTS_AT_ONCE) {
    const part = all.slice(from, from + DIGESTS_AT_ONCE)
    // The last one that fits stays: a stored one where there is one.
    for (const { id, sha1, size, stored } of await tx.samples.findBySha1(part.map(({ sha1 }) => sha1))) {
      const digest = sha1.toHex()
      // Two different files may have one SHA-1; the size decides which the cloud means.
      if (!stored || size === wanted.get(digest)?.size) ids.set(digest, id)
    }
    const fresh = part.filter(({ sha1 }) => !ids.has(sha1.toHex()))
    if (fresh.length === 0) continue
    for (const { id, sha1 } of await tx.samples.addInCloud(fresh)) ids.set(sha1.toHex(), id)
  }
  return ids
}

/** Lets samples that were just admitted take over what the cloud was known to have of them. */
export async function takeOverFromCloud(tx: UnitOfWork, fresh: readonly number[]): Promise<void> {
  for (const twin of await tx.samples.findCloudTwins(fresh)) {
    // The type stands until the pipeline has looked, so that names of threats have their platform.
    await tx.samples.takeOver(twin)
    await moveCloudMatches(tx, twin)
    await tx.samples.delete(twin.from)
  }
}

/** Before samples are deleted: the cloud's matches of those that it has go over to rows without content. */
export async function leaveToCloud(tx: UnitOfWork, going: readonly number[]): Promise<void> {
  for (const { id, ...sample } of await tx.samples.findMatchedInCloud(going)) {
    await moveCloudMatches(tx, { from: id, to: await tx.samples.leaveInCloud(sample) })
  }
}
