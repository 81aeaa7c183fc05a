import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { textDigest } from './text-digest.ts'

const SLICE = 64 * 1024

test('the digest of a text is that of a file with it, also where a character lies across two slices', () => {
  for (const text of [
    '',
    'rule a { condition: true }',
    'é'.repeat(3 * SLICE),
    `${'x'.repeat(SLICE - 1)}\u{1f43e}${'y'.repeat(SLICE)}`,
    '\u{1f43e}'.repeat(SLICE + 1),
  ]) {
    const whole = createHash('sha256').update(Buffer.from(text)).digest('hex')
    assert.equal(textDigest(text).toString('hex'), whole, `${text.length} of ${text.slice(0, 10)}`)
  }
})
