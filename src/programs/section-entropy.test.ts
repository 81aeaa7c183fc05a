import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntropyMeter } from './section-entropy.ts'

test('parts of every length are measured wherever they begin', () => {
  const bytes = Uint8Array.from({ length: 40 }, (_, n) => n % 7)
  for (let from = 0; from < 12; from++) {
    for (let length = 1; from + length <= bytes.length; length++) {
      const counts = new Map<number, number>()
      for (const byte of bytes.subarray(from, from + length)) counts.set(byte, (counts.get(byte) ?? 0) + 1)
      const shares = [...counts.values()].map((count) => count / length)
      const plain = Math.max(0, -shares.reduce((sum, share) => sum + share * Math.log2(share), 0))
      const measured = new EntropyMeter(bytes).measure(from, length)
      assert.ok(
        Math.abs((measured ?? Number.NaN) - plain) < 0.001,
        `${length} bytes from ${from}: ${measured}, ${plain}`,
      )
    }
  }
})

test('no bytes, and what is beyond the file, have no entropy', () => {
  const meter = new EntropyMeter(new Uint8Array(8))
  for (const [from, length] of [
    [0, 0],
    [8, 4],
    [-1, 4],
    [Number.NaN, 4],
  ] as const)
    assert.equal(meter.measure(from, length), null)
})
