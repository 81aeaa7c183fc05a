import { inParallel } from '../background/index.ts'
import { WorkerLost, type WorkerPool } from '../scanning/index.ts'
import { type ContentStore, type Store, whileLeased } from '../store/index.ts'
import type { SegmentCatalogue } from './segment-catalogue.ts'

export interface BuildProgress {
  readonly done: number
  readonly total: number
  /** Bytes of the samples that were read. */
  readonly bytes: number
}

export interface BuildOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: BuildProgress) => void
}

/** Samples of one new segment, and signatures that are made at once. */
const BATCH = 512
const AT_ONCE = 8

export interface BuildingParts {
  readonly store: Store
  readonly contents: ContentStore
  readonly pool: WorkerPool
}

/**
 * Signs processed samples without a segment in ascending order, and makes a segment of each batch. Samples that cannot
 * be read stay unindexed and are counted.
 */
export async function buildIndex(
  { store, contents, pool }: BuildingParts,
  catalogue: SegmentCatalogue,
  { signal, onProgress }: BuildOptions,
): Promise<{ readonly indexed: number; readonly failed: number }> {
  const total = await store.segments.countUnindexed()
  let indexed = 0
  let failed = 0
  let bytes = 0
  let after = 0
  for (;;) {
    if (signal?.aborted) break
    const batch = await store.segments.findUnindexed(after, BATCH)
    const last = batch.at(-1)
    if (!last) break
    after = last.id
    const signed: { id: number; record: Uint8Array }[] = []
    const signOne = async ({ id, size, sha1, sha256, md5, sha512 }: (typeof batch)[number]): Promise<void> => {
      try {
        const input = { digests: { size, sha256, sha1, md5, sha512 }, sample: id }
        const how = { priority: 'background', waitForRoom: true, ...(signal && { signal }) } as const
        const { signature } = await whileLeased(contents, sha256, (path) => pool.run('sign', { ...input, path }, how))
        signed.push({ id, record: signature })
        bytes += size
      } catch (error) {
        if (signal?.aborted) return
        if (!isUnreadable(error)) throw error
        failed++
      }
      onProgress?.({ done: indexed + failed + signed.length, total, bytes })
    }
    await inParallel(batch, AT_ONCE, signOne, signal)
    indexed += await publishSigned(
      store,
      catalogue,
      signed.sort((a, b) => a.id - b.id),
    )
  }
  return { indexed, failed }
}

/** A system error of its file, a damaged content, or one that ends every worker: never a reason to stop with the others. */
export function isUnreadable(error: unknown): boolean {
  if (error instanceof WorkerLost) return true
  const { code } = error as NodeJS.ErrnoException
  return code === 'sample.gone' || (typeof code === 'string' && /^E[A-Z]+$/.test(code))
}

async function publishSigned(
  store: Store,
  catalogue: SegmentCatalogue,
  signed: readonly { readonly id: number; readonly record: Uint8Array }[],
): Promise<number> {
  if (signed.length === 0) return 0
  const prepared = await catalogue.write(signed)
  try {
    await store.transaction('publishSegment', async (tx) => {
      const id = await catalogue.publish(tx, prepared)
      await tx.segments.assign(
        id,
        signed.map((sample) => sample.id),
      )
    })
  } catch (error) {
    await catalogue.discard(prepared)
    throw error
  }
  catalogue.published()
  return signed.length
}
