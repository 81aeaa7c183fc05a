import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GroupCommit } from './group-commit.ts'

test('items that come while a batch is committed make up the next one, and each gets its own result', async () => {
  const batches: number[][] = []
  let release = () => {}
  const commits = new GroupCommit<number, string>(3, async (batch) => {
    batches.push([...batch])
    if (batches.length === 1) await new Promise<void>((resolve) => (release = resolve))
    return batch.map((item) => `done ${item}`)
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
  const commits = new GroupCommit<number, number>(10, async (batch) => {
    if (fail) throw new Error('no room')
    return batch
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
  const commits = new GroupCommit<number, number>(10, async (batch) => batch)
  for (let turns = 0; turns < 10; turns++) {
    await commits.add(turns)
    for (let turn = 0; turn < turns; turn++) await null
    assert.equal(await commits.add(-turns), -turns)
  }
  await commits.drained()
})
