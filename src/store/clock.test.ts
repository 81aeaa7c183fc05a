import assert from 'node:assert/strict'
import { test } from 'node:test'
import { now, toIso, toIsoOffset } from './clock.ts'

test('times are printed with six digits, in both forms that the API shows', () => {
  assert.equal(toIso(1489490371978544), '2017-03-14T11:19:31.978544Z')
  assert.equal(toIsoOffset(1489490371978544), '2017-03-14T11:19:31.978544+00:00')
  assert.equal(toIso(1489490371000007), '2017-03-14T11:19:31.000007Z')
  assert.equal(toIso(-1), '1969-12-31T23:59:59.999999Z')
})

test('the time is the present in microseconds and never goes back', (t) => {
  const before = Date.now() * 1000
  let last = now()
  assert.ok(Math.abs(last - before) < 2_000_000)
  for (let round = 0; round < 10_000; round += 1) {
    const next = now()
    assert.ok(next >= last)
    last = next
  }
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  assert.ok(now() >= last, 'the clock was set back to 1970')
})
