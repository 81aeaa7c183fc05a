import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Checkpoint, nothing } from './checkpoint.ts'
import { joined } from './joined-checkpoints.ts'

function decided(upTo: number, hits: readonly number[] = []): Checkpoint {
  return { ...nothing, upTo, candidates: 1, scannedBytes: 10, hits: hits.map((sample) => ({ sample, hits: [] })) }
}

test('checkpoints that come soon after each other are one, with everything of all of them', async () => {
  async function* soon() {
    yield decided(3, [2])
    yield { ...decided(7), skipped: 2, unreadable: [{ sample: 5, message: 'gone' }] }
    yield { ...decided(9, [8]), errors: [{ sample: 9, errors: [] }] }
  }
  assert.deepEqual(await Array.fromAsync(joined(soon())), [
    {
      ...decided(9, [2, 8]),
      candidates: 3,
      scannedBytes: 30,
      skipped: 2,
      unreadable: [{ sample: 5, message: 'gone' }],
      errors: [{ sample: 9, errors: [] }],
    },
  ])
  assert.deepEqual(await Array.fromAsync(joined((async function* () {})())), [])
})

test('of very many samples with hits some are stored at once', async () => {
  async function* many() {
    for (let upTo = 1; upTo <= 600; upTo++) yield decided(upTo, [upTo])
  }
  const stored = await Array.fromAsync(joined(many()))
  assert.deepEqual(
    stored.map(({ upTo, hits }) => [upTo, hits.length]),
    [
      [256, 256],
      [512, 256],
      [600, 88],
    ],
  )
})

test('what was found does not wait for a sample that takes long', async () => {
  const { promise: scanned, resolve: end } = Promise.withResolvers<void>()
  async function* slow() {
    yield decided(1, [1])
    yield decided(2, [2])
    await scanned
    yield decided(3)
  }
  const checkpoints = joined(slow())
  assert.deepEqual((await checkpoints.next()).value, { ...decided(2, [1, 2]), candidates: 2, scannedBytes: 20 })
  end()
  assert.deepEqual((await checkpoints.next()).value, decided(3))
  assert.equal((await checkpoints.next()).done, true)
})

test('a source that fails has told what came before, and one that is left ends first', async () => {
  async function* failing() {
    yield decided(1)
    throw new Error('lost')
  }
  const checkpoints = joined(failing())
  assert.deepEqual((await checkpoints.next()).value, decided(1))
  await assert.rejects(checkpoints.next(), /lost/)

  // While what came before is stored nobody waits for the source: that it fails does not end the process.
  const many = Array.from({ length: 256 }, (_, n) => n)
  async function* failingLater() {
    yield decided(256, many)
    throw new Error('lost later')
  }
  const later = joined(failingLater())
  await later.next()
  await new Promise((resolve) => setTimeout(resolve, 20))
  await assert.rejects(later.next(), /lost later/)

  let hasEnded = false
  async function* endless() {
    try {
      for (let upTo = 1; ; upTo++) {
        yield decided(upTo)
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    } finally {
      hasEnded = true
    }
  }
  for await (const _ of joined(endless())) break
  assert.equal(hasEnded, true)
})
