import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RequestPace } from './request-pace.ts'

test('a few requests come at once, then they come at the pace, each tenant by itself', () => {
  let time = 0
  const pace = new RequestPace(2, () => time)
  for (let request = 0; request < 5; request++) pace.demand(1)
  assert.throws(() => pace.demand(1), { code: 'tenant.throttled', detail: { seconds: 1 } })
  pace.demand(2)
  time += 500
  pace.demand(1)
  assert.throws(() => pace.demand(1), { code: 'tenant.throttled' })
  let allowed = 0
  for (let tick = 0; tick < 100; tick++) {
    time += 100
    try {
      pace.demand(1)
      allowed++
    } catch {
      // Counted by what passes.
    }
  }
  assert.equal(allowed, 20)
})

test('a pace of 0 is none', () => {
  const pace = new RequestPace(0, () => 0)
  for (let request = 0; request < 1000; request++) pace.demand(1)
})
