import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Throttle } from './throttle.ts'

test('after the free failures the pause doubles up to a minute', () => {
  const throttle = new Throttle(3, () => 0)
  const pauses = Array.from({ length: 12 }, () => {
    throttle.attempt('admin')
    return throttle.pause('admin')
  })
  assert.deepEqual(pauses, [0, 0, 0, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  assert.equal(throttle.pause('someone else'), 0)
})

test('the pause runs off with time, and the failures are forgotten in the end', () => {
  let time = 0
  const throttle = new Throttle(1, () => time)
  throttle.attempt('admin')
  throttle.attempt('admin')
  assert.equal(throttle.pause('admin'), 1000)
  time = 600
  assert.equal(throttle.pause('admin'), 400)
  time = 1000
  assert.equal(throttle.pause('admin'), 0)
  throttle.attempt('admin')
  assert.equal(throttle.pause('admin'), 2000)
  time += 15 * 60_000
  throttle.attempt('admin')
  assert.equal(throttle.pause('admin'), 0)
})

test('a success forgets the failures', () => {
  const throttle = new Throttle(1, () => 0)
  throttle.attempt('admin')
  throttle.attempt('admin')
  throttle.succeeded('admin')
  throttle.attempt('admin')
  assert.equal(throttle.pause('admin'), 0)
})
