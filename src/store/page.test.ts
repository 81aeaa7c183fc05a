import assert from 'node:assert/strict'
import { test } from 'node:test'
import { offsetOf } from './page.ts'

test('a page starts where the one before it ends', () => {
  assert.equal(offsetOf({ number: 1, size: 10 }, 80), 0)
  assert.equal(offsetOf({ number: 8, size: 10 }, 80), 70)
  assert.equal(offsetOf({ number: 2, size: 50 }, 80), 50)
})

test('the first page is there even when it is larger than the list or the list is empty', () => {
  assert.equal(offsetOf({ number: 1, size: 500 }, 3), 0)
  assert.equal(offsetOf({ number: 1, size: 10 }, 0), 0)
})

test('a page past the last one is refused', () => {
  assert.throws(() => offsetOf({ number: 9, size: 10 }, 80), { code: 'page.beyond-end' })
  assert.throws(() => offsetOf({ number: 2, size: 10 }, 0), { code: 'page.beyond-end' })
})
