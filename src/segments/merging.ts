import { rm } from 'node:fs/promises'
import { Failure } from '../errors/index.ts'
import { SegmentReader } from '../index/index.ts'
import type { WorkerPool } from '../scanning/index.ts'
import { now, type Store } from '../store/index.ts'
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
  { store, pool }: { readonly store: Store; readonly pool: WorkerPool },
  inputs: readonly SegmentFile[],
  { output, signal }: { readonly output: string; readonly signal: AbortSignal },
): Promise<MergeResult> {
  let without: Uint32Array
  let written: { readonly samples: number; readonly bytes: number }
  try {
    without = await deletedIn(store, inputs)
    const task = { inputs: inputs.map(({ path }) => path), output, without }
    written = await pool.run('merge', task, { priority: 'background', signal })
  } catch (error) {
    await rm(output, { force: true })
    if (!(error instanceof Failure && error.code === 'segment.damaged')) throw error
    return { merged: null, damaged: damagedOf(inputs, error.message) }
  }
  const id = await replace(store, inputs, output, written).catch(async (error) => {
    await rm(output, { force: true })
    throw error
  })
  if (id === null || written.samples === 0) await rm(output, { force: true })
  if (id === null) return { merged: null, damaged: [] }
  const left = await store.segments.countSamplesOf(id)
  return { merged: { id, deletedSince: written.samples - left }, damaged: [] }
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

/** What is wrong with a segment file; null when all its checksums hold. */
export function damageOf(path: string): string | null {
  try {
    const reader = SegmentReader.open(path)
    try {
      reader.check()
    } finally {
      reader.close()
    }
    return null
  } catch (error) {
    if (error instanceof Failure && error.code === 'segment.damaged') return error.message
    throw error
  }
}
