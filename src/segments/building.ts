import type { WorkerPool } from '../scanning/index.ts'
import type { BlobStore, Database } from '../store/index.ts'
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

/**
 * Signs processed samples without a segment in ascending order, and makes a segment of each batch. Samples that cannot
 * be read stay unindexed and are counted.
 */
export async function buildIndex(
  { database, blobs, pool }: { readonly database: Database; readonly blobs: BlobStore; readonly pool: WorkerPool },
  catalogue: SegmentCatalogue,
  { signal, onProgress }: BuildOptions,
): Promise<{ readonly indexed: number; readonly failed: number }> {
  const unindexed = () =>
    database
      .selectFrom('samples')
      .where('segment_id', 'is', null)
      .where('stored', '=', 1)
      .where('state', '=', 'processed')
  const { total } = await unindexed()
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .executeTakeFirstOrThrow()
  let indexed = 0
  let failed = 0
  let bytes = 0
  let after = 0
  for (;;) {
    if (signal?.aborted) break
    const batch = await unindexed()
      .select(['id', 'size', 'sha256', 'sha1', 'md5', 'sha512'])
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
      .execute()
    const last = batch.at(-1)
    if (!last) break
    after = last.id
    const signed: { id: number; record: Uint8Array }[] = []
    let next = 0
    const signNext = async (): Promise<void> => {
      for (let row = batch[next++]; row !== undefined && !signal?.aborted; row = batch[next++]) {
        const { id, size, sha1, sha256, md5, sha512 } = row
        if (sha256 === null || md5 === null || sha512 === null)
          throw new Error(`Sample ${id} is stored without digests.`)
        try {
          const input = { path: blobs.path(sha256), digests: { size, sha256, sha1, md5, sha512 }, sample: id }
          const { signature } = await pool.run('sign', input, {
            priority: 'background',
            waitForRoom: true,
            ...(signal && { signal }),
          })
          signed.push({ id, record: signature })
          bytes += size
        } catch (error) {
          if (signal?.aborted) break
          if (!isUnreadable(error)) throw error
          failed++
        }
        onProgress?.({ done: indexed + failed + signed.length, total, bytes })
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, signNext))
    indexed += await publishSigned(
      database,
      catalogue,
      signed.sort((a, b) => a.id - b.id),
    )
  }
  return { indexed, failed }
}

/** A content that cannot be read is a system error of its file, or damaged: never a reason to stop with the others. */
export function isUnreadable(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'sample.gone' || (typeof code === 'string' && /^E[A-Z]+$/.test(code))
}

async function publishSigned(
  database: Database,
  catalogue: SegmentCatalogue,
  signed: readonly { readonly id: number; readonly record: Uint8Array }[],
): Promise<number> {
  if (signed.length === 0) return 0
  const prepared = catalogue.write(signed)
  try {
    await database.transaction().execute(async (trx) => {
      const id = await catalogue.publish(trx, prepared)
      await trx
        .updateTable('samples')
        .set({ segment_id: id })
        .where(
          'id',
          'in',
          signed.map((sample) => sample.id),
        )
        .where('segment_id', 'is', null)
        .execute()
    })
  } catch (error) {
    await catalogue.discard(prepared)
    throw error
  }
  return signed.length
}
