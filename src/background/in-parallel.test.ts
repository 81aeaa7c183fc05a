import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inParallel } from './index.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Counts what is begun, what has ended, and how many were under way at once. */
function counting(work: (item: number) => Promise<unknown> = turn) {
  const counts = { begun: [] as number[], ended: [] as number[], most: 0 }
  const counted = async (item: number) => {
    counts.begun.push(item)
    counts.most = Math.max(counts.most, counts.begun.length - counts.ended.length)
    try {
      await work(item)
    } finally {
      counts.ended.push(item)
    }
  }
  return { counts, counted }
}

async function* later(items: readonly number[]) {
  for (const item of items) {
    await turn()
    yield item
  }
}

test('each item is worked on once, so many at once, from a list or from what comes bit by bit', async () => {
  const items = Array.from({ length: 20 }, (_, n) => n)
  for (const source of [items, new Set(items), items.values(), later(items)]) {
    const { counts, counted } = counting(async () => {
      for (let turns = 0; turns < 10; turns++) await turn()
    })
    await inParallel(source, 3, counted)
    assert.deepEqual(
      counts.begun.toSorted((a, b) => a - b),
      items,
    )
    assert.equal(counts.ended.length, items.length)
    assert.ok(counts.most <= 3, `${counts.most} at once`)
    if (Array.isArray(source)) assert.equal(counts.most, 3)
  }
  await inParallel([], 3, async () => assert.fail('nothing is worked on'))
})

test('after a failure nothing more is begun, and it rejects with the first one when all that ran has ended', async () => {
  const slow = Promise.withResolvers<void>()
  const { counts, counted } = counting(async (item) => {
    if (item === 1) throw new Error('the first')
    await slow.promise
    throw new Error('a later one')
  })
  let isSettled = false
  const all = inParallel([0, 1, 2, 3, 4, 5], 2, counted)
  all.then(
    () => undefined,
    () => {
      isSettled = true
    },
  )
  for (let turns = 0; turns < 5; turns++) await turn()
  assert.equal(isSettled, false)
  slow.resolve()
  await assert.rejects(all, /the first/)
  assert.deepEqual(counts.begun, [0, 1])
  assert.deepEqual(counts.ended.toSorted(), [0, 1])
})

test('a source that fails ends it likewise', async () => {
  async function* broken() {
    yield 1
    throw new Error('cannot be read')
  }
  const { counts, counted } = counting()
  await assert.rejects(inParallel(broken(), 4, counted), /cannot be read/)
  assert.deepEqual(counts.ended, [1])
})

test('after a signal nothing more is begun, which is no failure', async () => {
  const stopping = new AbortController()
  const { counts, counted } = counting(async (item) => {
    if (item === 3) stopping.abort()
    await turn()
  })
  await inParallel([1, 2, 3, 4, 5, 6], 1, counted, stopping.signal)
  assert.deepEqual(counts.ended, [1, 2, 3])
})
