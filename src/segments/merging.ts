import { Failure } from '../errors/index.ts'
import { SegmentReader } from '../index/index.ts'
import type { WorkerPool } from '../scanning/index.ts'
import { now, type Store } from '../store/index.ts'
import { damageOf } from './damage.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { SegmentFile } from './segment-row.ts'

export interface MergeResult {
  /** Null when nothing was replaced. `deletedSince`: samples that were deleted while the merge ran. */
  readonly merged: { readonly id: number; readonly deletedSince: number } | null
  readonly damaged: readonly { readonly segment: SegmentFile; readonly message: string }[]
}

/**
 * Merges segments into the file `output`, and lets its row take the place of theirs in one transaction. A segment that
 * cannot be read is named in the result, and nothing is replaced. Rejects with the signal's reason.
 */
export async function mergeInto(
  parts: { readonly store: Store; readonly pool: WorkerPool; readonly files: SegmentFiles },
  inputs: readonly SegmentFile[],
  { output, signal }: { readonly output: string; readonly signal: AbortSignal },
): Promise<MergeResult> {
  const { store, files } = parts
  const { row, samples, damaged } = await storeMerged(parts, inputs, { output, signal }).catch(async (error) => {
    await files.discard(output)
    throw error
  })
  if (row === null || samples === 0) await files.discard(output)
  if (row === null) return { merged: null, damaged }
  const left = await store.segments.countSamplesOf(row)
  return { merged: { id: row, deletedSince: samples - left }, damaged }
}

/** `row` as `replace` has it; null with what is damaged where an input cannot be read. */
async function storeMerged(
  { store, pool, files }: Parameters<typeof mergeInto>[0],
  inputs: readonly SegmentFile[],
  { output, signal }: Parameters<typeof mergeInto>[2],
): Promise<{ readonly row: number | null; readonly samples: number; readonly damaged: MergeResult['damaged'] }> {
  const paths = inputs.map(({ path }) => path)
  let written: { readonly samples: number; readonly bytes: number }
  try {
    written = await files.whileLocal(paths, async () => {
      const without = await deletedIn(store, inputs)
      return pool.run('merge', { inputs: paths, output, without }, { priority: 'background', signal })
    })
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'segment.damaged')) throw error
    const damaged = await files.whileLocal(paths, async () => damagedOf(inputs, error.message))
    return { row: null, samples: 0, damaged }
  }
  const { samples } = written
  if (samples > 0) await files.store(output)
  return { row: await replace(store, inputs, output, written), samples, damaged: [] }
}

/** The new row's id (0 when nothing was left to write); null when an input is not live any more. */
async function replace(
  store: Store,
  inputs: readonly SegmentFile[],
  output: string,
  written: { readonly samples: number; readonly bytes: number },
): Promise<number | null> {
  const ids = inputs.map(({ id }) => id)
  return store
    .transaction('mergeSegments', async ({ segments }) => {
      if ((await segments.deleteLive(ids)) < ids.length) throw new StaleMerge()
      if (written.samples === 0) return 0
      const id = await segments.add({
        file: output.replace(/^.*\//, ''),
        firstId: Math.min(...inputs.map(({ firstId }) => firstId)),
        lastId: Math.max(...inputs.map(({ lastId }) => lastId)),
        samples: written.samples,
        bytes: written.bytes,
        created: now(),
      })
      await segments.moveSamples(ids, id)
      return id
    })
    .catch((error) => {
      if (error instanceof StaleMerge) return null
      throw error
    })
}

/** An input was reported damaged while it was merged: the merge is taken back. */
class StaleMerge extends Error {}

/** Ascending ids in the inputs whose samples are not there any more. */
async function deletedIn({ segments }: Store, inputs: readonly SegmentFile[]): Promise<Uint32Array> {
  const deleted: number[] = []
  for (const { id, path, samples } of inputs) {
    const ids = await segments.samplesOf(id)
    if (ids.length === samples) continue
    const present = new Set(ids)
    const reader = SegmentReader.open(path)
    try {
      for (const group of reader.groups) for (const id of group.ids) if (!present.has(id)) deleted.push(id)
    } finally {
      reader.close()
    }
  }
  return Uint32Array.from(deleted).sort()
}

function damagedOf(inputs: readonly SegmentFile[], message: string): MergeResult['damaged'] {
  const damaged = inputs.flatMap((segment) => {
    const found = damageOf(segment.path)
    return found === null ? [] : [{ segment, message: found }]
  })
  // The reading that failed is what counts: if none fails now, all are suspect.
  return damaged.length > 0 ? damaged : inputs.map((segment) => ({ segment, message }))
}
