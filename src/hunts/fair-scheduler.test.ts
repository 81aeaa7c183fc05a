import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FairScheduler } from './fair-scheduler.ts'

const forever = new AbortController().signal

test('a free turn goes to the waiting user who holds the fewest, not to the one who asked first', async () => {
  const turns = new FairScheduler({ turns: 2, sliceMs: 0 })
  await turns.take(1, forever)
  const second = await turns.take(1, forever)
  const served: number[] = []
  void turns.take(1, forever).then(() => served.push(1))
  const other = turns.take(2, forever).then(() => served.push(2))
  second.giveBack()
  await other
  assert.deepEqual(served, [2])
})

test('among users who hold equally many turns the longest waiting is served first', async () => {
  const turns = new FairScheduler({ turns: 1, sliceMs: 0 })
  const turn = await turns.take(1, forever)
  const served: number[] = []
  const waits = [3, 2].map((user) =>
    turns.take(user, forever).then((next) => {
      served.push(user)
      next.giveBack()
    }),
  )
  turn.giveBack()
  await Promise.all(waits)
  assert.deepEqual(served, [3, 2])
})

test('a turn is over only when its slice is used up and somebody waits', async () => {
  const turns = new FairScheduler({ turns: 1, sliceMs: 0 })
  const turn = await turns.take(1, forever)
  assert.equal(turn.isOver(), false)
  const next = turns.take(2, forever)
  assert.equal(turn.isOver(), true)
  turn.giveBack()
  assert.equal((await next).isOver(), false)

  const patient = new FairScheduler({ turns: 1, sliceMs: 60_000 })
  const long = await patient.take(1, forever)
  void patient.take(2, forever)
  assert.equal(long.isOver(), false)
})

test('giving a turn back twice frees it once', async () => {
  const turns = new FairScheduler({ turns: 1, sliceMs: 0 })
  const turn = await turns.take(1, forever)
  turn.giveBack()
  turn.giveBack()
  await turns.take(1, forever)
  let isServed = false
  void turns.take(1, forever).then(() => {
    isServed = true
  })
  await new Promise(setImmediate)
  assert.equal(isServed, false)
})

test('a hunt that is cancelled while it waits leaves the queue', async () => {
  const turns = new FairScheduler({ turns: 1, sliceMs: 0 })
  const turn = await turns.take(1, forever)
  const abort = new AbortController()
  const cancelled = turns.take(2, abort.signal)
  const patient = turns.take(3, forever)
  abort.abort(new Error('cancelled'))
  await assert.rejects(cancelled, /cancelled/)
  turn.giveBack()
  await patient
})

test('who holds no turn gets one beside turns that are long overdue, and who holds one does not', async () => {
  const turns = new FairScheduler({ turns: 2, sliceMs: 0, overdueMs: 20 })
  const held = [await turns.take(1, forever), await turns.take(1, forever)]
  const served: number[] = []
  const wait = (user: number) =>
    turns.take(user, forever).then((turn) => {
      served.push(user)
      return turn
    })
  void wait(1)
  const other = await wait(2)
  const third = await wait(3)
  // Twice as many as usual are the most.
  const fourth = wait(4)
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.deepEqual(served, [2, 3])
  for (const turn of [...held, other]) turn.giveBack()
  await fourth
  assert.deepEqual(served.slice(0, 3), [2, 3, 4])
  third.giveBack()
})
