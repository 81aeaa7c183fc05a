import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WaitingArchives } from './waiting-archives.ts'

test('an archive is ready when it is matched and all members that it awaits are done, in either order', () => {
  const waiting = new WaitingArchives()
  waiting.await(1, 10)
  waiting.await(1, 11)
  assert.equal(waiting.isWaiting(1), true)
  waiting.matched(1, 7)
  waiting.memberDone(1, 10)
  assert.deepEqual(waiting.takeReady(), [])
  waiting.memberDone(1, 11)
  assert.deepEqual(waiting.takeReady(), [{ id: 1, generation: 7 }])
  assert.equal(waiting.size, 0)

  waiting.await(2, 20)
  waiting.memberDone(2, 20)
  assert.deepEqual(waiting.takeReady(), [], 'not matched yet')
  assert.equal(waiting.isWaiting(2), false)
  waiting.matched(2, 7)
  assert.deepEqual(waiting.takeReady(), [{ id: 2, generation: 7 }])
})
