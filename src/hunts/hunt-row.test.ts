import assert from 'node:assert/strict'
import { test } from 'node:test'
import { now } from '../store/index.ts'
import { progressOf } from './hunt-row.ts'

const left = (seconds: number, processed: number, state: 'running' | 'stopped' = 'running') =>
  progressOf({
    state,
    started: now() - seconds * 1_000_000,
    samples: 10_000,
    processed,
    candidates: 0,
    scannedBytes: 0,
    skipped: 0,
    matches: 0,
  }).timeLeft

test('the time that is left follows from the pace, once enough samples or enough time tell it', () => {
  assert.equal(left(3, 5), null)
  assert.equal(left(3, 199), null)
  assert.equal(left(40, 0), null)
  assert.equal(left(3, 5_000, 'stopped'), null)
  for (const [seconds, processed, expected] of [
    [3, 200, 147_000],
    [31, 100, 3_069_000],
    [10, 5_000, 10_000],
  ] as const) {
    const told = left(seconds, processed)
    // The clock goes on between the start and the question.
    assert.ok(told !== null && told >= expected && told < expected + 5_000 * (10_000 / processed), `${told}`)
  }
})
