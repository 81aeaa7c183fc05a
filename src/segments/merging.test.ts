/** Who merges; how segments are merged and replaced is shown with real ones in segments.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MergeElsewhere, type MergingParts, merge } from './merging.ts'
import type { SegmentFile } from './segment-row.ts'

test('a merge stages an output for others only where they would take it, and one for itself where they do not', async () => {
  const staged: number[] = []
  const discarded: number[] = []
  const written = { samples: 0, bytes: 0 }
  const parts = (mergeElsewhere: MergeElsewhere) =>
    ({
      store: { segments: { samplesOf: async () => [], countSamplesOf: async () => 0 }, transaction: async () => 0 },
      pool: { run: async () => written },
      files: { whileLocal: (_paths: unknown, work: () => unknown) => work() },
      catalogue: {
        stage: async () => ({ id: staged.push(0), path: '/staged' }),
        discard: async ({ id }: { id: number }) => discarded.push(id),
      },
      mergeElsewhere,
    }) as unknown as MergingParts
  const input: SegmentFile = { id: 1, path: '/1', firstId: 1, lastId: 1, samples: 0, bytes: 1 }
  const { signal } = new AbortController()
  await merge(
    parts(() => null),
    [input],
    signal,
  )
  assert.deepEqual(staged.length, 1)
  await merge(
    parts(() => async () => written),
    [input],
    signal,
  )
  assert.deepEqual(staged.length, 2)
  await merge(
    parts(() => async () => null),
    [input],
    signal,
  )
  assert.deepEqual([staged.length, discarded], [4, [1, 2, 3, 4]])
})
