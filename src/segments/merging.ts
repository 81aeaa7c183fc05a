import { Failure } from '../errors/index.ts'
import type { WorkerPool } from '../scanning/index.ts'
import { now, type Store } from '../store/index.ts'
import type { SegmentCatalogue } from './segment-catalogue.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentFile, StagedSegment } from './segment-row.ts'
import type { SegmentThread } from './segment-thread.ts'

export interface MergeResult {
  /** Null when nothing was replaced. `deletedSince`: samples that were deleted while the merge ran. */
  readonly merged: { readonly id: number; readonly deletedSince: number } | null
  readonly damaged: readonly { readonly segment: SegmentFile; readonly message: string }[]
}

export interface MergingParts {
  readonly store: Store
  readonly pool: WorkerPool
  readonly files: SegmentFiles
  readonly catalogue: SegmentCatalogue
  readonly reading: SegmentThread
}

/**
 * Merges segments, and lets the result take their place in one transaction. A segment that cannot be read is named in the
 * result, and nothing is replaced. Rejects with the signal's reason.
 */
export async function merge(
  parts: MergingParts,
  inputs: readonly SegmentFile[],
  signal: AbortSignal,
): Promise<MergeResult> {
  const { store, catalogue } = parts
  const output = await catalogue.stage()
  const { row, samples, damaged } = await storeMerged(parts, inputs, output, signal).catch(async (error) => {
    await catalogue.discard(output)
    throw error
  })
  if (row === null || samples === 0) await catalogue.discard(output)
  if (row === null) return { merged: null, damaged }
  const left = await store.segments.countSamplesOf(row)
  return { merged: { id: row, deletedSince: samples - left }, damaged }
}

/** `row` as `replace` has it; null with what is damaged where an input cannot be read. */
async function storeMerged(
  { store, pool, files, catalogue, reading }: MergingParts,
  inputs: readonly SegmentFile[],
  output: StagedSegment,
  signal: AbortSignal,
): Promise<{ readonly row: number | null; readonly samples: number; readonly damaged: MergeResult['damaged'] }> {
  const paths = inputs.map(({ path }) => path)
  let written: { readonly samples: number; readonly bytes: number }
  try {
    written = await files.whileLocal(paths, async () => {
      const without = await deletedIn(store, reading, inputs)
      return pool.run('merge', { inputs: paths, output: output.path, without }, { priority: 'background', signal })
    })
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'segment.damaged')) throw error
    const damaged = await files.whileLocal(paths, () => damagedOf(reading, inputs, error.message))
    return { row: null, samples: 0, damaged }
  }
  const { samples } = written
  if (samples > 0) await files.store(output.path)
  return { row: await replace({ store, catalogue }, inputs, output, written), samples, damaged: [] }
}

/** The new row's id (0 when nothing was left to write); null when an input is not live any more. */
async function replace(
  { store, catalogue }: Pick<MergingParts, 'store' | 'catalogue'>,
  inputs: readonly SegmentFile[],
  output: StagedSegment,
  written: { readonly samples: number; readonly bytes: number },
): Promise<number | null> {
  const ids = inputs.map(({ id }) => id)
  return store
    .transaction('mergeSegments', async (tx) => {
      if ((await tx.segments.retire(ids, now())) < ids.length) throw new StaleMerge()
      if (written.samples === 0) return 0
      const id = await catalogue.publish(tx, {
        ...output,
        firstId: Math.min(...inputs.map(({ firstId }) => firstId)),
        lastId: Math.max(...inputs.map(({ lastId }) => lastId)),
        samples: written.samples,
        bytes: written.bytes,
      })
      await tx.segments.moveSamples(ids, id)
      return id
    })
    .catch((error) => {
      if (error instanceof StaleMerge) return null
      throw error
    })
}

/** An input was reported damaged, or merged by another process, while it was merged: the merge is taken back. */
class StaleMerge extends Error {}

/** Ascending ids in the inputs whose samples are not there any more. */
async function deletedIn(
  { segments }: Store,
  reading: SegmentThread,
  inputs: readonly SegmentFile[],
): Promise<Uint32Array> {
  const deleted: number[] = []
  for (const { id, path, samples } of inputs) {
    const ids = await segments.samplesOf(id)
    if (ids.length === samples) continue
    for (const gone of await reading.deletedIn(path, ids)) deleted.push(gone)
  }
  return Uint32Array.from(deleted).sort()
}

async function damagedOf(
  reading: SegmentThread,
  inputs: readonly SegmentFile[],
  message: string,
): Promise<MergeResult['damaged']> {
  const damaged: MergeResult['damaged'][number][] = []
  for (const segment of inputs) {
    const found = await reading.damageOf(segment.path)
    if (found !== null) damaged.push({ segment, message: found })
  }
  // The reading that failed is what counts: if none fails now, all are suspect.
  return damaged.length > 0 ? damaged : inputs.map((segment) => ({ segment, message }))
}
