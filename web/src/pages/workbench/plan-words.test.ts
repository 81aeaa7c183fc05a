import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Demand, demandsOf } from './plan-words.ts'

const lines = (demands: readonly Demand[], indent = ''): string[] =>
  demands.flatMap(({ words, alike, parts }) => [
    `${indent}${words}${alike > 0 ? ` and ${alike} more` : ''}`,
    ...lines(parts, `${indent}  `),
  ])

test('a plan reads in plain words, nested as it was printed', () => {
  const plan =
    'all of\n  64 <= filesize <= 5242880\n  uint16(0) == 0x5a4d\n  at least 2 of\n    $a: 1 gram\n    $b (wide): 12 wide grams, 10 long'
  assert.deepEqual(lines(demandsOf(plan)), [
    'its size is from 64 bytes to 5 MB',
    'it begins with `MZ`, as Windows programs do',
    'at least 2 of these hold',
    '  `$a` may be in it (1 look-up)',
    '  `$b (wide)` may be in it (12 look-ups)',
  ])
})

test('ways that read the same are told once, with how many there are', () => {
  const plan =
    'one of\n  all of\n    $c: 3 grams\n    $d: 8 grams\n  all of\n    $c: 3 grams\n    $d: 8 grams\n  $d: 2 grams'
  assert.deepEqual(lines(demandsOf(plan)), [
    'at least one of these holds',
    '  all of these hold and 1 more',
    '    `$c` may be in it (3 look-ups)',
    '    `$d` may be in it (8 look-ups)',
    '  `$d` may be in it (2 look-ups)',
  ])
})

test('look-ups of one string that all must succeed are told as one', () => {
  const plan = 'all of\n  $c: 3 grams\n  $d: 1 gram\n  $c: 8 grams\n  one of\n    $c: 1 gram\n    $c: 2 grams'
  assert.deepEqual(lines(demandsOf(plan)), [
    '`$c` may be in it (11 look-ups)',
    '`$d` may be in it (1 look-up)',
    'at least one of these holds',
    '  `$c` may be in it (1 look-up)',
    '  `$c` may be in it (2 look-ups)',
  ])
})

test('what has no words of its own is shown as it was printed', () => {
  assert.deepEqual(lines(demandsOf('uint32(4) >= 0x10')), ['`uint32(4) >= 0x10`'])
})

test('who must have signed a program is told', () => {
  assert.deepEqual(lines(demandsOf('all of\n  signed by 77:01:9a\n  signed by one of 931: 00:f8, …')), [
    'it is signed with the certificate `77:01:9a`',
    'it is signed with one of 931 certificates, the first being `00:f8`',
  ])
})
