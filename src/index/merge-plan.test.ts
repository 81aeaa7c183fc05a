import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomFrom } from './fixtures.ts'
import { planMerge, type SegmentExtent } from './merge-plan.ts'

const segments = (...samples: number[]): SegmentExtent[] => samples.map((count) => ({ samples: count, deleted: 0 }))

test('small neighbours are merged as soon as they reach the next tier', () => {
  assert.equal(planMerge([]), null)
  assert.equal(planMerge(segments(30, 30)), null)
  assert.deepEqual(planMerge(segments(30, 30, 4, 1)), { from: 0, to: 3 })
  assert.deepEqual(planMerge(segments(100, 30, 30, 30)), { from: 1, to: 4 })
})

test('only neighbours are merged: a larger segment between small ones keeps them apart until it is small itself', () => {
  assert.equal(planMerge(segments(40, 100, 40)), null)
  assert.deepEqual(planMerge(segments(40, 300, 40, 200)), { from: 0, to: 4 })
})

test('segments of the largest tier are left alone', () => {
  assert.equal(planMerge(segments(32768, 40000, 32768)), null)
})

test('a segment that lost a quarter of its samples is rewritten, even alone', () => {
  assert.equal(planMerge([{ samples: 40000, deleted: 9999 }]), null)
  assert.deepEqual(planMerge([...segments(40000), { samples: 40000, deleted: 10000 }]), { from: 1, to: 2 })
  assert.deepEqual(planMerge([{ samples: 1, deleted: 1 }]), { from: 0, to: 1 })
})

test('merging as intake goes on rewrites a sample a few times, and leaves few segments', () => {
  const random = randomFrom('intake')
  let live: SegmentExtent[] = []
  let arrived = 0
  let rewritten = 0
  while (arrived < 200_000) {
    const samples = 1 + random.below(256)
    arrived += samples
    live.push({ samples, deleted: 0 })
    for (let merge = planMerge(live); merge !== null; merge = planMerge(live)) {
      const inputs = live.slice(merge.from, merge.to)
      const sum = inputs.reduce((total, segment) => total + segment.samples, 0)
      rewritten += sum
      live = [...live.slice(0, merge.from), { samples: sum, deleted: 0 }, ...live.slice(merge.to)]
    }
  }
  assert.equal(
    live.reduce((total, { samples }) => total + samples, 0),
    arrived,
  )
  assert.ok(live.length < arrived / 32768 + 30, `${live.length} segments`)
  assert.ok(live.every(({ samples }) => samples < 2 * 32768))
  assert.ok(rewritten < 4 * arrived, `${rewritten / arrived} times`)
})
