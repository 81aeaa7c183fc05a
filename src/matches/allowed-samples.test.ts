import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitsWildcards } from './allowed-samples.ts'

const SEED = 20_261_129

test('wildcards fit exactly what a regular expression of the same meaning fits', () => {
  console.log(`seed ${SEED}`)
  let state = SEED
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  const text = (letters: string) => Array.from({ length: random(8) }, () => letters[random(letters.length)]).join('')
  let fits = 0
  for (let round = 0; round < 20_000; round++) {
    const [pattern, name] = [text('aB.*?'), text('Ab.')]
    const expected = new RegExp(
      `^${pattern.replace(/[.*?]/g, (sign) => ({ '.': '\\.', '*': '.*', '?': '.' })[sign] ?? '')}$`,
      'is',
    ).test(name)
    assert.equal(fitsWildcards(pattern, name), expected, `${pattern} on ${name}`)
    if (expected) fits++
  }
  assert.ok(fits > 500, `${fits} fit`)
})

test('a pattern of many wildcards takes no time that grows with their number of ways', () => {
  assert.equal(fitsWildcards('*a'.repeat(100), `${'a'.repeat(4_000)}b`), false)
})
