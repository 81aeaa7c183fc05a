import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedLock, Lock } from './index.ts'

/** Work that says when it begins and ends, and takes some turns of the event loop. */
function working(steps: string[], name: string, failure?: Error) {
  return async () => {
    steps.push(`${name} begins`)
    for (let turns = 0; turns < 3; turns++) await new Promise((resolve) => setImmediate(resolve))
    steps.push(`${name} ends`)
    if (failure) throw failure
    return name
  }
}

test('one piece of work goes on at a time, in order, and a failure keeps nobody back', async () => {
  const lock = new Lock()
  const steps: string[] = []
  const failed = lock.withLock(working(steps, 'a', new Error('no')))
  const done = [lock.withLock(working(steps, 'b')), lock.withLock(working(steps, 'c'))]
  await assert.rejects(failed, /no/)
  assert.deepEqual(await Promise.all(done), ['b', 'c'])
  assert.deepEqual(steps, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

test('work of other keys goes on meanwhile, work of the same key waits', async () => {
  const lock = new KeyedLock<string>()
  const steps: string[] = []
  const all = await Promise.allSettled([
    lock.withLock('x', working(steps, 'x1', new Error('no'))),
    lock.withLock('y', working(steps, 'y1')),
    lock.withLock('x', working(steps, 'x2')),
  ])
  assert.deepEqual(
    all.map(({ status }) => status),
    ['rejected', 'fulfilled', 'fulfilled'],
  )
  assert.deepEqual(steps.slice(0, 2), ['x1 begins', 'y1 begins'])
  assert.deepEqual(
    steps.filter((step) => step.startsWith('x')),
    ['x1 begins', 'x1 ends', 'x2 begins', 'x2 ends'],
  )
})
