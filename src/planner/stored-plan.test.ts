import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plan } from './plan.ts'
import { isCurrentPlan, planHeader, readPlan, writePlan } from './stored-plan.ts'

const plan: Plan = {
  kind: 'and',
  parts: [
    {
      kind: 'grams',
      channel: 'wide',
      grams: new Uint32Array([0, 1, 0xffffffff]),
      longGrams: new Float64Array([0, 2 ** 48 - 1]),
      textHashes: new Uint32Array([7, 0xfffffffe]),
      wordHashes: new Uint32Array([0x80000000]),
      label: '$b',
    },
    {
      kind: 'grams',
      channel: 'plain',
      grams: new Uint32Array([]),
      longGrams: new Float64Array([]),
      textHashes: new Uint32Array([]),
      wordHashes: new Uint32Array([]),
      label: '$c',
    },
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
      kind: 'fact',
      fact: {
        kind: 'variable',
        variable: 'filename',
        relation: 'endswith',
        ignoresCase: true,
        isNegated: false,
        values: ['.exe', '\u00e4"'],
      },
    },
    {
      kind: 'fact',
      fact: { kind: 'program', field: 'timestamp', mask: 2 ** 32 - 1, min: 1, max: 0, orUndefined: true },
    },
    { kind: 'fact', fact: { kind: 'programText', field: 'imphash()', texts: ['a', 'b'] } },
    { kind: 'fact', fact: { kind: 'entry', offset: 3, value: Uint8Array.of(1), mask: Uint8Array.of(255) } },
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

const written = writePlan(plan) ?? ''

test('a plan is read back as it was written, typed arrays and infinity included', () => {
  const back = readPlan(written)
  const expected = structuredClone(plan) as unknown as { parts: { fact?: { mask?: Uint8Array; value?: Uint8Array } }[] }
  const bytes = expected.parts[3]?.fact
  assert.ok(bytes?.mask && bytes.value)
  bytes.mask = Uint8Array.from(bytes.mask)
  bytes.value = Uint8Array.from(bytes.value)
  assert.deepEqual(back, expected)
})

test('a plan can be posted to another process without carrying other memory along', () => {
  const back = readPlan(written)
  assert.ok(back?.kind === 'and' && back.parts[0]?.kind === 'grams')
  assert.equal(back.parts[0].grams.buffer.byteLength, 12)
})

test('a plan of another planner, or of another form, is not taken', () => {
  const [, form = '', planner = ''] = /(\d+)\.(\d+)/.exec(planHeader) ?? []
  for (const other of [`${form}.${Number(planner) - 1}`, `${form}.${planner}0`, `${Number(form) - 1}.${planner}`]) {
    const changed = written.replace(`${form}.${planner}`, other)
    assert.notEqual(changed, written)
    assert.equal(readPlan(changed), null)
    assert.equal(isCurrentPlan(changed), false)
  }
  assert.equal(readPlan(''), null)
})

test('a plan that was cut off or changed anywhere is not taken', () => {
  for (let at = 0; at < written.length; at++) {
    assert.equal(readPlan(written.slice(0, at)), null, `cut off at ${at}`)
    const changed = written[at] === 'x' ? 'y' : 'x'
    assert.equal(readPlan(written.slice(0, at) + changed + written.slice(at + 1)), null, `changed at ${at}`)
  }
})

test('a part that stands in many places is written once, and is one part again', () => {
  let many: Plan = { kind: 'fact', fact: { kind: 'size', min: 1, max: 2 } }
  for (let level = 0; level < 60; level++) many = { kind: level % 2 === 0 ? 'and' : 'or', parts: [many, many] }
  const back = readPlan(writePlan(many) ?? '')
  assert.ok(back?.kind === 'or' && back.parts[0] === back.parts[1])
  assert.ok((writePlan(many) ?? '').length < 5_000)
})

test('a plan too large to be stored is not stored', () => {
  const parts = Array.from({ length: 300 }, (_, n): Plan => {
    return {
      kind: 'grams',
      channel: 'plain',
      grams: new Uint32Array([n]),
      longGrams: new Float64Array(0),
      textHashes: new Uint32Array(0),
      wordHashes: new Uint32Array(0),
      label: 'x'.repeat(64 * 1024),
    }
  })
  assert.equal(writePlan({ kind: 'or', parts }), null)
})
