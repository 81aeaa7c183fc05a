import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { inTurn } from './index.ts'

const long = { length: 2 ** 21 }

test('between two long steps there is time for what is short', async () => {
  const seen: string[] = []
  const steps = ['a', 'b', 'c'].map((name) => inTurn(long, () => seen.push(name)))
  const short = (async () => {
    for (let round = 0; round < 12; round++) {
      await setImmediate()
      seen.push('.')
    }
  })()
  await Promise.all([...steps, short])
  assert.doesNotMatch(seen.join(''), /[abc]{2}/)
  assert.equal(seen.filter((one) => one !== '.').join(''), 'abc')
})

test('a short step is taken at once, whatever waits', async () => {
  const seen: string[] = []
  const waiting = inTurn(long, () => seen.push('long'))
  const short = inTurn({ length: 5 }, () => seen.push('short'))
  await Promise.all([waiting, short])
  assert.deepEqual(seen, ['short', 'long'])
})

test('a step that fails tells its caller alone', async () => {
  const failing = inTurn(long, () => {
    throw new Error('no text')
  })
  const next = inTurn(long, () => 'text')
  await assert.rejects(failing, /no text/)
  assert.equal(await next, 'text')
})
