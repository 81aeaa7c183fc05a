import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readRuleset } from './ruleset-reading.ts'
import { stringHits } from './string-hits.ts'

const limits = { hitsPerString: 3, hitsPerRule: 5 }

function match(identifier: string, offset: number, length = 2) {
  return { identifier, offset, length }
}

test('string hits come by offset, a bounded number for each string and for the rule', () => {
  const matches = [...Array(10).keys()].flatMap((n) => [match('$b', 100 - n), match('$a', n)])
  const hits = stringHits(matches, new Uint8Array(200), new Set(), limits)
  assert.deepEqual(
    hits.map(({ identifier, offset }) => `${identifier}@${offset}`),
    ['$a@0', '$a@1', '$a@2', '$b@91', '$b@92'],
  )
})

test('a hit carries up to 16 bytes of either side, and at most 32 of itself', () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, n) => n)
  const [start, middle, end] = stringHits(
    [match('$a', 3), match('$a', 50, 100), match('$a', 198)],
    bytes,
    new Set(),
    limits,
  )
  assert.deepEqual([start?.contextStart, start?.context.length], [3, 3 + 2 + 16])
  assert.deepEqual([middle?.contextStart, middle?.context.length, middle?.length], [16, 16 + 32 + 16, 100])
  assert.deepEqual([end?.contextStart, end?.context.at(-1)], [16, 199])
})

const readings: readonly (readonly [condition: string, counts: boolean])[] = [
  ['any of them', false],
  ['$a and filesize < 10', false],
  ['$a at 0', true],
  ['#a > 3', true],
  ['@a[2] < 10', true],
  ['!a == 4', true],
  ['any of them in (0..100)', true],
  ['for any of them : ( $ at 10 )', true],
  ['for any i in (1..2) : ( $a and uint8(i) == #a )', true],
]

test('only conditions that look at numbers or places of matches need all of them', () => {
  for (const [condition, counts] of readings) {
    const reading = readRuleset(`rule r { strings: $a = "abc" condition: ${condition} }`)
    assert.equal(reading.complete, true, condition)
    assert.equal(reading.countsMatches, counts, condition)
  }
})

test('a text that was not understood as a whole is taken to need all, and shares with none', () => {
  const reading = readRuleset('rule r { strings: $a = "abc" condition: $a } rule ?')
  assert.deepEqual([reading.complete, reading.countsMatches, reading.canShare], [false, true, false])
})
