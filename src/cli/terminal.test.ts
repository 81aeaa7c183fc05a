import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatBytes, formatCount, formatDuration, formatShare, formatTable, formatTimeLeft } from './terminal.ts'

test('bytes are told in units of 1,024', () => {
  assert.deepEqual([0, 1023, 1024, 1_500_000, 734_003_200, 2 ** 41].map(formatBytes), [
    '0 bytes',
    '1023 bytes',
    '1.0 KB',
    '1.4 MB',
    '700 MB',
    '2.0 TB',
  ])
})

test('times are told in their two largest units', () => {
  assert.deepEqual([400, 9_949, 12_000, 59_600, 200_000, 7_500_000].map(formatDuration), [
    '0.4 s',
    '9.9 s',
    '12 s',
    '1 min 0 s',
    '3 min 20 s',
    '2 h 5 min',
  ])
})

test('counts carry their noun in the right number', () => {
  assert.deepEqual(
    [formatCount(1, 'sample'), formatCount(12_345, 'sample'), formatCount(0, 'match', 'matches')],
    ['1 sample', '12,345 samples', '0 matches'],
  )
})

test('a share that is not zero is never told as zero', () => {
  assert.deepEqual(
    [formatShare(1, 3), formatShare(1, 1_000_000), formatShare(0, 7), formatShare(1, 0), formatShare(7, 7)],
    ['33 %', '< 0.01 %', '0.00 %', '–', '100 %'],
  )
})

test('the time left follows from the pace, and is not guessed from nothing', () => {
  assert.equal(formatTimeLeft(10_000, 25, 100), ', 30 s left')
  assert.equal(formatTimeLeft(10_000, 0, 100), '')
  assert.equal(formatTimeLeft(500, 25, 100), '')
  assert.equal(formatTimeLeft(10_000, 25, null), '')
})

test('columns are as wide as their widest cell', () => {
  assert.equal(formatTable(['name', 'role'], [['ada-lovelace', 'user']]), 'name          role\nada-lovelace  user')
})
