import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SegmentFiles, Segments, type SegmentsParts } from './index.ts'

/** Files whose readers are counted. */
function countedFiles() {
  const readers = new Map<string, number>()
  const count = (path: string, change: number) => readers.set(path, (readers.get(path) ?? 0) + change)
  const files: Pick<SegmentFiles, 'pathOf' | 'pin' | 'unpin'> = {
    pathOf: (file) => `/${file}`,
    pin: (path) => count(path, 1),
    unpin: (path) => count(path, -1),
  }
  return { files: files as SegmentFiles, readers }
}

/** A database whose units are run `tries` times; the first ones see a segment that is gone later. */
function retryingStore(tries: number, last: Error | null = null): SegmentsParts['store'] {
  const row = { firstId: 1, lastId: 2, samples: 2, bytes: 10 }
  const unitOf = (run: number) => ({
    segments: {
      listLive: async () => [
        { ...row, id: 1, file: 'stays' },
        ...(run < tries ? [{ ...row, id: 2, file: 'goes' }] : []),
      ],
      unindexedIds: async () => Uint32Array.of(3),
    },
  })
  const transaction = async (_unit: string, work: (tx: unknown) => Promise<unknown>) => {
    for (let run = 1; run < tries; run++) await work(unitOf(run))
    const result = await work(unitOf(tries))
    if (last) throw last
    return result
  }
  return { transaction } as unknown as SegmentsParts['store']
}

function segmentsOver(store: SegmentsParts['store'], files: SegmentFiles): Segments {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  return new Segments({ store, files, log } as unknown as SegmentsParts)
}

test('a snapshot whose unit ran several times holds what the last one saw, once', async () => {
  const { files, readers } = countedFiles()
  const snapshot = await segmentsOver(retryingStore(3), files).snapshot()
  assert.deepEqual(
    snapshot.segments.map(({ path }) => path),
    ['/stays'],
  )
  assert.deepEqual(Object.fromEntries(readers), { '/stays': 1, '/goes': 0 })
  snapshot.release()
  snapshot.release()
  assert.deepEqual(Object.fromEntries(readers), { '/stays': 0, '/goes': 0 })
})

test('a snapshot that cannot be taken holds nothing', async () => {
  const { files, readers } = countedFiles()
  await assert.rejects(segmentsOver(retryingStore(1, new Error('lost')), files).snapshot(), /lost/)
  assert.deepEqual(Object.fromEntries(readers), { '/stays': 0 })
})
