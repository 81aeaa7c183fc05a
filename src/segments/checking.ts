import { basename } from 'node:path'
import { agree } from '../index/index.ts'
import { whileLeased } from '../store/index.ts'
import { type BuildingParts, isUnreadable } from './building.ts'
import type { SegmentCatalogue } from './segment-catalogue.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentFile } from './segment-row.ts'
import type { SegmentThread } from './segment-thread.ts'

export interface CheckOptions {
  /** Re-signs every nth sample and compares; 1 (the default) for all, 0 for none. */
  readonly each?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void
}

export interface CheckReport {
  readonly segments: number
  readonly samples: number
  /**
   * What was wrong, in words: a segment that has been reported as damaged, or a sample of it whose content cannot be
   * read.
   */
  readonly problems: readonly { readonly segment: number; readonly message: string }[]
}

/** Samples that are signed at once. */
const AT_ONCE = 64

interface CheckingParts extends BuildingParts {
  readonly files: SegmentFiles
  readonly reading: SegmentThread
}

export async function checkIndex(
  parts: CheckingParts,
  catalogue: SegmentCatalogue,
  files: readonly SegmentFile[],
  { each = 1, signal, onProgress }: CheckOptions,
): Promise<CheckReport> {
  const problems: { segment: number; message: string }[] = []
  const total = files.reduce((sum, { samples }) => sum + samples, 0)
  let done = 0
  for (const file of files) {
    signal?.throwIfAborted()
    const noteLost = (message: string) => problems.push({ segment: file.id, message })
    const message = await parts.files.whileLocal(
      [file.path],
      async () =>
        (await parts.reading.damageOf(file.path)) ??
        (each > 0 ? await unlikeSamples(parts, file, each, noteLost, signal) : null),
    )
    if (message !== null) {
      problems.push({ segment: file.id, message })
      await catalogue.reportDamage(file.id, message)
    }
    done += file.samples
    onProgress?.({ done, total })
  }
  return { segments: files.length, samples: total, problems }
}

/** Only whether each file is kept and as long as it was written. */
export async function lookAtFiles(
  place: Pick<SegmentFiles, 'sizes'>,
  catalogue: SegmentCatalogue,
  files: readonly SegmentFile[],
): Promise<CheckReport> {
  const problems: { segment: number; message: string }[] = []
  const sizes = await place.sizes(files.map(({ path }) => basename(path)))
  for (const { id, path, bytes } of files) {
    const size = sizes.get(basename(path))
    if (size === bytes) continue
    const message = size === undefined ? `${path} is missing` : `${path} has ${size} bytes of ${bytes}`
    problems.push({ segment: id, message })
    await catalogue.reportDamage(id, message)
  }
  return { segments: files.length, samples: files.reduce((sum, { samples }) => sum + samples, 0), problems }
}

/**
 * The first signature that is not its sample's, in words; null when all agree. Deleted samples are passed over, and
 * those whose content cannot be read are reported.
 */
async function unlikeSamples(
  { store, contents, pool, reading }: CheckingParts,
  file: SegmentFile,
  each: number,
  noteLost: (message: string) => void,
  signal?: AbortSignal,
): Promise<string | null> {
  const compare = async (batch: readonly { readonly id: number; readonly record: Uint8Array }[]) => {
    const rows = await store.segments.findInSegment(
      file.id,
      batch.map(({ id }) => id),
    )
    const stored = new Map(rows.map((row) => [row.id, row]))
    const verdicts = batch.map(async ({ id, record }) => {
      const row = stored.get(id)
      if (!row) return null
      const { size, sha256, sha1, md5, sha512 } = row
      const input = { digests: { size, sha256, sha1, md5, sha512 }, sample: id }
      const how = { priority: 'background', ...(signal && { signal }) } as const
      try {
        const { signature } = await whileLeased(contents, sha256, (path) => pool.run('sign', { ...input, path }, how))
        return agree(signature, record) ? null : `The signature of sample ${id} is not that of its content.`
      } catch (error) {
        if (!isUnreadable(error)) throw error
        const name = Buffer.from(sha256).toString('hex')
        noteLost(
          `The content of sample ${name} cannot be read: ${(error as Error).message} Send it again to mend that.`,
        )
        return null
      }
    })
    return (await Promise.all(verdicts)).find((verdict) => verdict !== null) ?? null
  }
  for await (const batch of reading.recordsOf(file.path, each, AT_ONCE)) {
    const found = await compare(batch)
    if (found !== null) return found
  }
  return null
}
