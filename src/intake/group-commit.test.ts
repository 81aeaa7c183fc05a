import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupCommit } from './group-commit.ts'

const WAITS_FOR_NOTHING = { flushDelayMs: 60_000, areMoreComing: () => false }

test('items that come while a batch is committed make up the next one, and each gets its own result', async () => {
  const batches: number[][] = []
  let release = () => {}
  const commits = new GroupCommit<number, string>({
    ...WAITS_FOR_NOTHING,
    most: 3,
    async commit(batch) {
      batches.push([...batch])
      if (batches.length === 1) await new Promise<void>((resolve) => (release = resolve))
      return batch.map((item) => `done ${item}`)
    },
  })
  const first = commits.add(1)
  while (batches.length === 0) await new Promise(setImmediate)
  const others = [2, 3, 4, 5].map((item) => commits.add(item))
  release()
  assert.deepEqual(await Promise.all([first, ...others]), ['done 1', 'done 2', 'done 3', 'done 4', 'done 5'])
  assert.deepEqual(batches, [[1], [2, 3, 4], [5]])
})

test('a batch that fails fails for its items, and the next one goes on', async () => {
  let fail = true
  const commits = new GroupCommit<number, number>({
    ...WAITS_FOR_NOTHING,
    most: 10,
    async commit(batch) {
      if (fail) throw new Error('no room')
      return batch
    },
  })
  const results = await Promise.allSettled([commits.add(1), commits.add(2)])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  fail = false
  assert.equal(await commits.add(3), 3)
  await commits.drained()
})

test('an item that comes right after the last batch is committed too', { timeout: 10_000 }, async () => {
  const commits = new GroupCommit<number, number>({ ...WAITS_FOR_NOTHING, most: 10, commit: async (batch) => batch })
  for (let turns = 0; turns < 10; turns++) {
    await commits.add(turns)
    for (let turn = 0; turn < turns; turn++) await null
    assert.equal(await commits.add(-turns), -turns)
  }
  await commits.drained()
})

/** Commits with a list of the batches that were committed, and the number of items that are still to come. */
function delayedCommits(flushDelayMs: number) {
  const batches: number[][] = []
  const coming = { count: 0 }
  const commits = new GroupCommit<number, number>({
    most: 4,
    flushDelayMs,
    areMoreComing: () => coming.count > 0,
    async commit(batch) {
      batches.push([...batch])
      return batch
    },
  })
  /** As one arrives that was on its way. */
  const arrive = (item: number, canWait = true) => {
    coming.count--
    return commits.add(item, { canWait })
  }
  const turns = async () => {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  }
  return { batches, coming, commits, arrive, turns }
}

test('patient items wait until the batch is full, or until no more are coming', { timeout: 10_000 }, async () => {
  const { batches, coming, arrive, turns } = delayedCommits(60_000)
  coming.count = 6
  const all = [arrive(1), arrive(2), arrive(3)]
  await turns()
  assert.deepEqual(batches, [])
  all.push(arrive(4), arrive(5))
  await turns()
  assert.deepEqual(batches, [[1, 2, 3, 4]])
  all.push(arrive(6))
  assert.deepEqual(await Promise.all(all), [1, 2, 3, 4, 5, 6])
  assert.deepEqual(batches, [
    [1, 2, 3, 4],
    [5, 6],
  ])
})

test('an item that is not patient takes those that wait along at once', { timeout: 10_000 }, async () => {
  const { batches, coming, arrive } = delayedCommits(60_000)
  coming.count = 10
  await Promise.all([arrive(1), arrive(2), arrive(3, false)])
  assert.deepEqual(batches, [[1, 2, 3]])
})

test('patient items wait no longer when what was coming fails', { timeout: 10_000 }, async () => {
  const { batches, coming, commits, arrive } = delayedCommits(60_000)
  coming.count = 2
  const committed = arrive(1)
  await new Promise(setImmediate)
  coming.count--
  commits.lookAgain()
  await committed
  assert.deepEqual(batches, [[1]])
})

test('patience ends, also when what was coming never comes', { timeout: 10_000 }, async () => {
  const { batches, coming, arrive } = delayedCommits(5)
  coming.count = 10
  await arrive(1)
  assert.deepEqual(batches, [[1]])
})
