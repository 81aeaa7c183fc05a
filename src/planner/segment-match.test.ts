import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { windowKinds } from '../index/gram.ts'
import {
  encodeProgram,
  type ProgramField,
  programFields,
  type SegmentGroup,
  SegmentReader,
  SignatureView,
  sign,
  signerHash,
  type WindowKind,
  writeSegment,
} from '../index/index.ts'
import { encodeSignature } from '../index/signature.ts'
import { NamedSamples, packNames } from './named-samples.ts'
import type { Plan } from './plan.ts'
import { PlanBatch } from './segment-match.ts'
import { mayMatch } from './signature-match.ts'
import type { SampleVariables } from './variables.ts'

const folder = mkdtempSync(join(tmpdir(), 'backtrail-planner-'))
after(() => rmSync(folder, { recursive: true }))

const seed = process.env.BACKTRAIL_SEED ?? `${Math.floor(Math.random() * 2 ** 31)}`
console.log(`seed: ${seed}`)
let drawn = 0
/** An integer from 0 to `limit - 1`, the same in every run with the same seed. */
function below(limit: number): number {
  return createHash('sha256').update(`${seed} ${drawn++}`).digest().readUInt32LE(0) % limit
}

const alphabet = Buffer.from('abcdMZ\0')
const samples = Array.from({ length: 300 }, (_, i) => {
  const bytes = Uint8Array.from({ length: below(i % 7 === 0 ? 5000 : 60) }, () => alphabet[below(7)] as number)
  const digest = (name: string) => createHash(name).update(bytes).digest()
  const digests = { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }
  const signers = [null, new Uint32Array(0), Uint32Array.of(signerHash('01')), Uint32Array.of(signerHash('02'), 7)]
  const values = Object.fromEntries(
    programFields.map((field) => [field, ['undefined', 'unknown', below(4)][below(4)] ?? 0]),
  )
  const entry = Uint8Array.from({ length: 64 }, () => below(3))
  const program = encodeProgram({ ...values, entry_point: below(30) } as Parameters<typeof encodeProgram>[0], entry)
  const record = sign(bytes, digests, {
    signers: signers[below(4)] as Uint32Array | null,
    program: [null, new Uint32Array(0), program][below(3)] as Uint32Array | null,
  })
  // Which windows they are says which ones are asked for; here any bits will do.
  const kind = windowKinds[i % windowKinds.length] as WindowKind
  return { id: 3 * i + 1, record: encodeSignature({ ...SignatureView.of(record), kind }), digests }
})

const texts = ['', 'a', 'A', 'ab', 'b.exe', 'Ä']
/** Some samples are not known by their names, and some have several. */
const variables = new Map(
  samples.flatMap(({ id }): [number, SampleVariables[]][] => {
    const text = () => texts[below(texts.length)] as string
    const one = () => ({ filename: text(), filepath: text(), extension: text(), filetype: 'EXE', owner: text() })
    return below(5) === 0 ? [] : [[id, Array.from({ length: 1 + below(3) }, one)]]
  }),
)
const named = new NamedSamples(packNames(variables))

let common: readonly Plan[] = []

function randomPlan(depth: number): Plan {
  const parts = () => Array.from({ length: 1 + below(4) }, () => randomPlan(depth - 1))
  // Parts that several plans have in common are evaluated once for all of them.
  if (common.length > 0 && below(5) === 0) return common[below(common.length)] as Plan
  switch (below(depth > 0 ? 18 : 8)) {
    case 15: {
      const field = programFields[below(programFields.length)] as ProgramField
      const [min, max] = [below(4), below(4)]
      return {
        kind: 'fact',
        fact: {
          kind: 'program',
          field,
          mask: [3, 2 ** 32 - 1][below(2)] as number,
          min,
          max,
          orUndefined: below(2) === 0,
        },
      }
    }
    case 16:
      return { kind: 'fact', fact: { kind: 'programText', field: 'imphash()', texts: ['a', 'b'] } }
    case 17:
      return {
        kind: 'fact',
        fact: { kind: 'entry', offset: below(66), value: Uint8Array.of(below(3)), mask: Uint8Array.of(0xff) },
      }
    case 13:
    case 14:
      return {
        kind: 'fact',
        fact: {
          kind: 'variable',
          variable: (['filename', 'filepath', 'filetype', 'owner'] as const)[below(4)] as 'filename',
          relation: (['equals', 'contains', 'startswith', 'endswith'] as const)[below(4)] as 'equals',
          ignoresCase: below(3) === 0,
          isNegated: below(3) === 0,
          values: [texts[below(4)] as string],
        },
      }
    case 0:
      return { kind: 'fact', fact: { kind: 'size', min: below(50), max: 20 + below(100) } }
    case 1: {
      const fact = { kind: 'integer', offset: below(70), width: [1, 2, 4][below(3)] as 1 | 2 | 4 } as const
      return {
        kind: 'fact',
        fact: { ...fact, signed: below(2) === 0, bigEndian: below(2) === 0, min: -5, max: 0x6200 },
      }
    }
    case 2:
      return {
        kind: 'fact',
        fact: { kind: 'bytes', offset: below(66), value: Uint8Array.of(0x40), mask: Uint8Array.of(0xf0) },
      }
    case 3: {
      const digest = samples[below(samples.length)]?.digests.sha1 as Uint8Array
      return { kind: 'fact', fact: { kind: 'hash', algorithm: 'sha1', digest } }
    }
    case 4: {
      const serials = [['01'], ['02', '03'], ['04']][below(3)] as string[]
      return { kind: 'fact', fact: { kind: 'signer', serials } }
    }
    case 8:
    case 9:
      return { kind: 'and', parts: parts() }
    case 10:
    case 11:
      return { kind: 'or', parts: parts() }
    case 12: {
      const choices = parts()
      return { kind: 'atLeast', count: 1 + below(choices.length), parts: choices }
    }
    default:
      return literal()
  }
}

function literal(): Plan {
  const gram = () =>
    [0, 8, 16, 24].reduce((value, shift) => value + (Buffer.from('abcdmz\0')[below(7)] as number) * 2 ** shift, 0)
  const grams = Uint32Array.from({ length: 1 + below(12) }, gram)
  const longGrams = Float64Array.from({ length: below(8) }, () => below(3) * 2 ** 32 + gram())
  const hashes = () => Uint32Array.from({ length: below(5) }, () => below(3) * 2 ** 30 + below(1000))
  const [textHashes, wordHashes] = [hashes(), hashes()]
  const channel = below(4) === 0 ? 'wide' : 'plain'
  return { kind: 'grams', channel, grams, longGrams, textHashes, wordHashes, label: '$a' }
}

/** The candidates of each plan, one signature at a time. */
function plainly(plans: readonly Plan[], admits: (id: number) => boolean, isNamed = false): number[][] {
  return plans.map((plan) =>
    samples
      .filter(({ id, record }) => {
        const names = isNamed ? variables.get(id) : undefined
        return admits(id) && mayMatch(plan, SignatureView.of(record), names ?? null)
      })
      .map(({ id }) => id),
  )
}

const path = join(folder, 'random.segment')
writeSegment(path, samples)

test('many plans over a segment find the candidates that each finds one signature at a time', () => {
  const reader = SegmentReader.open(path)
  try {
    common = Array.from({ length: 20 }, () => randomPlan(3))
    const plans = Array.from({ length: 200 }, () => randomPlan(4))
    const batch = new PlanBatch(plans)
    const all = plainly(plans, () => true)
    assert.ok(all.some((ids) => ids.length > 0 && ids.length < samples.length))
    assert.deepEqual(
      batch.candidates(reader, null).map((ids) => [...ids]),
      all,
    )
    const odd = (id: number) => id % 2 === 1
    assert.deepEqual(
      batch.candidates(reader, odd).map((ids) => [...ids]),
      plainly(plans, odd),
    )
    const byName = plainly(plans, odd, true)
    assert.deepEqual(
      batch.candidates(reader, odd, named).map((ids) => [...ids]),
      byName,
    )
    assert.notDeepEqual(byName, plainly(plans, odd))
  } finally {
    reader.close()
  }
})

test('a sample whose name has a zero character may be called anything', () => {
  const names = (filename: string) => [{ filename, filepath: '', extension: '', filetype: '', owner: '' }]
  const some = new NamedSamples(packNames([1, 4, 7].map((id) => [id, names(id === 4 ? 'a\0b' : 'c')])))
  const reader = SegmentReader.open(path)
  try {
    const fact = { kind: 'variable', variable: 'filename', relation: 'equals', values: ['b'] } as const
    const plan: Plan = { kind: 'fact', fact: { ...fact, ignoresCase: false, isNegated: false } }
    const admits = (id: number) => id <= 10
    assert.deepEqual([...(new PlanBatch([plan]).candidates(reader, admits, some)[0] ?? [])], [4, 10])
  } finally {
    reader.close()
  }
})

test('what a sample is called may change between two questions', () => {
  const named = (filename: string) =>
    new NamedSamples(
      packNames(samples.map(({ id }) => [id, [{ filename, filepath: '', extension: '', filetype: '', owner: '' }]])),
    )
  const reader = SegmentReader.open(path)
  try {
    const fact = { kind: 'variable', variable: 'filename', relation: 'equals', values: ['b'] } as const
    const batch = new PlanBatch([{ kind: 'fact', fact: { ...fact, ignoresCase: false, isNegated: false } }])
    const found = (filename: string) => batch.candidates(reader, null, named(filename))[0]?.length
    assert.deepEqual([found('a'), found('b'), found('a')], [0, samples.length, 0])
  } finally {
    reader.close()
  }
})

test('a part that stands in very many places is not looked at once for each', () => {
  const reader = SegmentReader.open(path)
  try {
    const literals = Array.from({ length: 3 }, literal)
    // Seen as a tree, 2^60 times the first literal.
    let shared: Plan = literals[0] as Plan
    for (let depth = 0; depth < 60; depth++) {
      const choices = literals.slice(1).map((other): Plan => ({ kind: 'or', parts: [shared, other] }))
      shared = { kind: 'and', parts: choices }
    }
    const [first, one, other] = literals as [Plan, Plan, Plan]
    const same: Plan = { kind: 'or', parts: [first, { kind: 'and', parts: [one, other] }] }
    const [found, expected] = new PlanBatch([shared, same]).candidates(reader, null)
    assert.deepEqual(found, expected)
  } finally {
    reader.close()
  }
})

test('serial numbers are told apart, whatever stands in them', () => {
  const reader = SegmentReader.open(path)
  try {
    const signedBy = (...serials: string[]): Plan => ({ kind: 'fact', fact: { kind: 'signer', serials } })
    const plans = [signedBy('01,02'), signedBy('01', '02'), signedBy('01 02'), signedBy('02', '01,02')]
    const found = new PlanBatch(plans).candidates(reader, null).map((ids) => [...ids])
    assert.deepEqual(
      found,
      plainly(plans, () => true),
    )
    assert.ok(found[1] && found[0] && found[1].length > found[0].length)
  } finally {
    reader.close()
  }
})

test('a sample whose signature cannot filter is a candidate for every gram, but not against its facts', () => {
  const group: SegmentGroup = {
    bits: 0,
    kind: 'short',
    count: 2,
    words: 1,
    ids: Uint32Array.of(5, 9),
    sizes: Float64Array.of(10, 2000),
    head: () => new Uint8Array(2),
    digests: () => new Uint8Array(64),
    readRows: () => assert.fail('there are no rows to read'),
  } as unknown as SegmentGroup
  const grams: Plan = {
    kind: 'grams',
    channel: 'plain',
    grams: Uint32Array.of(1, 2, 3),
    longGrams: new Float64Array(0),
    textHashes: new Uint32Array(0),
    wordHashes: new Uint32Array(0),
    label: '$a',
  }
  const small: Plan = { kind: 'fact', fact: { kind: 'size', min: 0, max: 100 } }
  const found = new PlanBatch([grams, { kind: 'and', parts: [small, grams] }]).candidates({ groups: [group] }, null)
  assert.deepEqual(found, [Uint32Array.of(5, 9), Uint32Array.of(5)])
})

test('rows are not read for samples that the facts rule out', () => {
  const group = {
    bits: 64,
    kind: 'text',
    count: 1,
    words: 1,
    ids: Uint32Array.of(1),
    sizes: Float64Array.of(10),
    readRows: () => assert.fail('nothing needs these rows'),
  } as unknown as SegmentGroup
  const grams: Plan = {
    kind: 'grams',
    channel: 'plain',
    grams: Uint32Array.of(1, 2, 3),
    longGrams: new Float64Array(0),
    textHashes: new Uint32Array(0),
    wordHashes: new Uint32Array(0),
    label: '$a',
  }
  const large: Plan = { kind: 'fact', fact: { kind: 'size', min: 100, max: 200 } }
  assert.deepEqual(new PlanBatch([{ kind: 'and', parts: [large, grams] }]).candidates({ groups: [group] }, null), [
    new Uint32Array(0),
  ])
})
