import { basename } from 'node:path'
import { Failure } from '../errors/index.ts'
import type { Log, WorkerPool } from '../scanning/index.ts'
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

/** Who else merges segments; null where nobody would take any now. */
export type MergeElsewhere = () => OtherMerger | null

/**
 * Has segments merged by another process, which stores the result; null where this process is to do it. All by the names of
 * files. Rejects with the signal's reason.
 */
type OtherMerger = (
  merge: { readonly inputs: readonly string[]; readonly output: string; readonly without: readonly Uint32Array[] },
  signal: AbortSignal,
) => Promise<Written | null>

interface Written {
  readonly samples: number
  readonly bytes: number
}

export interface MergingParts {
  readonly store: Store
  readonly pool: WorkerPool
  readonly files: SegmentFiles
  readonly catalogue: SegmentCatalogue
  readonly reading: SegmentThread
  readonly log: Log
  readonly mergeElsewhere?: MergeElsewhere
}

/** Writes and stores a segment of others; null where that is left to somebody else. Throws `segment.damaged`. */
type Write = (
  parts: MergingParts,
  inputs: readonly SegmentFile[],
  output: StagedSegment,
  signal: AbortSignal,
) => Promise<Written | null>

/**
 * Merges segments, and lets the result take their place in one transaction. A segment that cannot be read is named in the
 * result, and nothing is replaced. Rejects with the signal's reason.
 */
export async function merge(
  parts: MergingParts,
  inputs: readonly SegmentFile[],
  signal: AbortSignal,
): Promise<MergeResult> {
  // Asked before anything is staged for it.
  const other = parts.mergeElsewhere?.() ?? null
  const merged = other && (await mergedBy(writtenBy(other), parts, inputs, signal))
  return merged ?? (await mergedBy(writeHere, parts, inputs, signal)) ?? { merged: null, damaged: [] }
}

/** Null where `write` leaves it to somebody else. Each has an output of its own, so whoever comes late writes what nobody reads. */
async function mergedBy(
  write: Write,
  parts: MergingParts,
  inputs: readonly SegmentFile[],
  signal: AbortSignal,
): Promise<MergeResult | null> {
  const { store, files, catalogue, reading } = parts
  const output = await catalogue.stage()
  let row: number | null = null
  let written: Written | null
  try {
    written = await write(parts, inputs, output, signal)
    if (written !== null) row = await replace({ store, catalogue }, inputs, output, written)
  } catch (error) {
    await catalogue.discard(output)
    if (!(error instanceof Failure && error.code === 'segment.damaged')) throw error
    const paths = inputs.map(({ path }) => path)
    const damaged = await files.whileLocal(paths, () => damagedOf(reading, inputs, error.message))
    return { merged: null, damaged }
  }
  if (row === null || written === null || written.samples === 0) await catalogue.discard(output)
  if (written === null) return null
  if (row === null) return { merged: null, damaged: [] }
  const left = await store.segments.countSamplesOf(row)
  return { merged: { id: row, deletedSince: written.samples - left }, damaged: [] }
}

const writeHere: Write = async ({ store, pool, files, reading }, inputs, output, signal) => {
  const paths = inputs.map(({ path }) => path)
  const written = await files.whileLocal(paths, async () => {
    const without = await deletedIn(store, reading, inputs)
    return pool.run('merge', { inputs: paths, output: output.path, without }, { priority: 'background', signal })
  })
  if (written.samples > 0) await files.store(output.path)
  return written
}

/** What comes back is held to what was to be merged. */
function writtenBy(other: OtherMerger): Write {
  return async ({ store, files, reading, log }, inputs, output, signal) => {
    const names = inputs.map(({ path }) => basename(path))
    const without = await deletedIn(store, reading, inputs, (path, work) => files.whileLocal([path], work))
    const written = await other({ inputs: names, output: basename(output.path), without }, signal)
    if (!written) return null
    const left = inputs.reduce((sum, { samples }, n) => sum + samples - (without[n]?.length ?? 0), 0)
    const bytes = left > 0 ? await files.storedElsewhere(output.path) : 0
    if (written.samples === left && (left === 0 || written.bytes === bytes)) return written
    log.warn({ ...written, left, stored: bytes }, 'a node has not merged what it was to merge, and is not believed')
    return null
  }
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

/**
 * For each input, ascending ids whose samples are not there any more, or are in another segment by now: one that is in two inputs
 * stays in the one that its row names.
 */
async function deletedIn(
  { segments }: Store,
  reading: SegmentThread,
  inputs: readonly SegmentFile[],
  whileLocal = <T>(_path: string, work: () => Promise<T>): Promise<T> => work(),
): Promise<Uint32Array[]> {
  const deleted: Uint32Array[] = []
  for (const { id, path, samples } of inputs) {
    const ids = await segments.samplesOf(id)
    const isWhole = ids.length === samples
    const gone = isWhole ? new Uint32Array() : await whileLocal(path, () => reading.deletedIn(path, ids))
    deleted.push(gone.sort())
  }
  return deleted
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
