import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signerHash } from '../index/index.ts'
import type { Fact, Plan } from './plan.ts'
import { factMayHold, mayMatch, type SampleSignature } from './signature-match.ts'

const head = Uint8Array.of(0x4d, 0x5a, 0x90, 0xff)

function sample(size: number, grams: readonly number[] = []): SampleSignature {
  return {
    size,
    head: head.subarray(0, Math.min(size, head.length)),
    md5: new Uint8Array(16),
    sha1: new Uint8Array(20),
    sha256: new Uint8Array(32).fill(7),
    signers: Uint32Array.of(signerHash('77:01'), signerHash('05')),
    program: null,
    has: (channel, gram) => grams.includes(channel === 'wide' ? -gram : gram),
    hasLongGram: () => true,
    hasText: () => true,
    hasWord: () => true,
  }
}

const integer = { kind: 'integer', offset: 0, width: 2, signed: false, bigEndian: false } as const

test('facts are decided from size, head and digests', () => {
  const table: readonly [Fact, boolean][] = [
    [{ kind: 'size', min: 4, max: 4 }, true],
    [{ kind: 'size', min: 5, max: Number.POSITIVE_INFINITY }, false],
    [{ ...integer, min: 0x5a4d, max: 0x5a4d }, true],
    [{ ...integer, bigEndian: true, min: 0x4d5a, max: 0x4d5a }, true],
    [{ ...integer, min: 0, max: 0x5a4c }, false],
    [{ ...integer, offset: 3, width: 1, signed: true, min: -1, max: -1 }, true],
    [{ ...integer, offset: 3, width: 1, min: 255, max: 255 }, true],
    [{ ...integer, offset: 3, min: 0, max: 0xffff }, false],
    [{ kind: 'bytes', offset: 1, value: Uint8Array.of(0x5a, 0x90), mask: Uint8Array.of(0xff, 0xf0) }, true],
    [{ kind: 'bytes', offset: 1, value: Uint8Array.of(0x5a, 0x80), mask: Uint8Array.of(0xff, 0xf0) }, false],
    [{ kind: 'bytes', offset: 3, value: Uint8Array.of(0xff, 0), mask: Uint8Array.of(0xff, 0) }, false],
    [{ kind: 'hash', algorithm: 'sha256', digest: new Uint8Array(32).fill(7) }, true],
    [{ kind: 'signer', serials: ['01', '05'] }, true],
    [{ kind: 'signer', serials: ['01', '77:02'] }, false],
    [{ kind: 'hash', algorithm: 'sha1', digest: new Uint8Array(20).fill(7) }, false],
  ]
  for (const [fact, holds] of table) assert.equal(factMayHold(fact, sample(4)), holds, JSON.stringify(fact))
})

test('what lies behind the stored head may hold as long as the sample is long enough', () => {
  const behind: Fact = { ...integer, offset: 100, min: 1, max: 1 }
  assert.equal(factMayHold(behind, sample(102)), true)
  assert.equal(factMayHold(behind, sample(101)), false)
  const across: Fact = { kind: 'bytes', offset: 3, value: Uint8Array.of(0xff, 1), mask: Uint8Array.of(0xff, 0xff) }
  assert.equal(factMayHold(across, sample(102)), true)
  assert.equal(factMayHold({ ...across, value: Uint8Array.of(0xfe, 1) }, sample(102)), false)
})

test('a plan is the boolean combination of its parts', () => {
  const one: Plan = {
    kind: 'grams',
    channel: 'plain',
    grams: Uint32Array.of(1),
    longGrams: new Float64Array(0),
    textHashes: new Uint32Array(0),
    wordHashes: new Uint32Array(0),
    label: '',
  }
  const two: Plan = {
    kind: 'grams',
    channel: 'plain',
    grams: Uint32Array.of(1, 2),
    longGrams: new Float64Array(0),
    textHashes: new Uint32Array(0),
    wordHashes: new Uint32Array(0),
    label: '',
  }
  const wide: Plan = {
    kind: 'grams',
    channel: 'wide',
    grams: Uint32Array.of(3),
    longGrams: new Float64Array(0),
    textHashes: new Uint32Array(0),
    wordHashes: new Uint32Array(0),
    label: '',
  }
  const parts = [one, two, wide]
  const found = (plan: Plan, ...grams: number[]) => mayMatch(plan, sample(4, grams))
  assert.equal(found({ kind: 'may', why: '' }), true)
  assert.equal(found({ kind: 'never', why: '' }), false)
  assert.equal(found({ kind: 'and', parts }, 1, 2, -3), true)
  assert.equal(found({ kind: 'and', parts }, 1, -3), false)
  assert.equal(found({ kind: 'or', parts }, -3), true)
  assert.equal(found({ kind: 'or', parts }, 2, 3), false)
  assert.equal(found({ kind: 'atLeast', count: 2, parts }, 1, -3), true)
  assert.equal(found({ kind: 'atLeast', count: 2, parts }, 1), false)
  assert.equal(found({ kind: 'atLeast', count: 3, parts }, 1, 2, -3), true)
})

test('signers that are not known may be anyone', () => {
  assert.equal(factMayHold({ kind: 'signer', serials: ['01'] }, { ...sample(4), signers: null }), true)
  assert.equal(factMayHold({ kind: 'signer', serials: ['01'] }, { ...sample(4), signers: new Uint32Array(0) }), false)
})
