import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plan } from '../planner/index.ts'
import { readPlan, writePlan } from './stored-plan.ts'

const plan: Plan = {
  kind: 'and',
  parts: [
    { kind: 'grams', channel: 'wide', grams: new Uint32Array([0, 1, 0xffffffff]), label: '$b' },
    { kind: 'grams', channel: 'plain', grams: new Uint32Array([]), label: '$c' },
    { kind: 'fact', fact: { kind: 'size', min: 0, max: Infinity } },
    {
      kind: 'fact',
      // A view into a larger buffer, and a Buffer, which JSON would write in its own way.
      fact: {
        kind: 'bytes',
        offset: 3,
        value: new Uint8Array([9, 8, 7, 6]).subarray(1, 3),
        mask: Buffer.from([255, 0]),
      },
    },
    { kind: 'fact', fact: { kind: 'signer', serials: ['01', '77:01'] } },
    {
      kind: 'or',
      parts: [
        { kind: 'may', why: '' },
        { kind: 'never', why: 'condition: false' },
      ],
    },
    { kind: 'atLeast', count: 2, parts: [] },
  ],
}

test('a plan is read back as it was written, typed arrays and infinity included', () => {
  const back = readPlan(writePlan(plan, 7), 7)
  const expected = structuredClone(plan) as unknown as { parts: { fact?: { mask?: Uint8Array; value?: Uint8Array } }[] }
  const bytes = expected.parts[3]?.fact
  assert.ok(bytes?.mask && bytes.value)
  bytes.mask = Uint8Array.from(bytes.mask)
  bytes.value = Uint8Array.from(bytes.value)
  assert.deepEqual(back, expected)
})

test('a plan can be posted to another process without carrying other memory along', () => {
  const back = readPlan(writePlan(plan, 7), 7)
  assert.ok(back?.kind === 'and' && back.parts[0]?.kind === 'grams')
  assert.equal(back.parts[0].grams.buffer.byteLength, 12)
})

test('a plan of another planner, or of another form, is not taken', () => {
  const written = writePlan(plan, 7)
  assert.equal(readPlan(written, 8), null)
  assert.equal(readPlan(written, 70), null)
  assert.equal(readPlan(written.replace('3.7', '2.7'), 7), null)
  assert.equal(readPlan('', 7), null)
})

test('a plan that was cut off or changed anywhere is not taken', () => {
  const written = writePlan(plan, 7)
  for (let at = 0; at < written.length; at++) {
    assert.equal(readPlan(written.slice(0, at), 7), null, `cut off at ${at}`)
    const changed = written[at] === 'x' ? 'y' : 'x'
    assert.equal(readPlan(written.slice(0, at) + changed + written.slice(at + 1), 7), null, `changed at ${at}`)
  }
})
