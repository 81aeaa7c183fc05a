import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  agree,
  bitOf,
  type Channel,
  encodeProgram,
  type FieldValue,
  gramHash,
  hasWords,
  longGramHash,
  mergeSegments,
  type ProgramField,
  programFields,
  SegmentReader,
  SignatureView,
  sign,
  signerHash,
  textHash,
  type WindowKind,
  wordHashes,
  writeSegment,
} from '../../src/index/index.ts'
import { type Plan, PlanBatch, planRuleset } from '../../src/planner/index.ts'
import { parse } from '../../src/yara/index.ts'

/**
 * Files that were written by each version of the formats, with what they say as text. They stay as they are: a later
 * version must read them with the same answers, or call them damaged so that they are rebuilt.
 */
const golden = (name: string) => join(import.meta.dirname, 'golden', name)

const newest = 'v5'

/** The lines of a text that start with a word, without it, taken apart as JSON values separated by spaces. */
function linesOf(text: string, word: string): (string | number)[][] {
  const found = text
    .split('\n')
    .filter((line) => line.startsWith(`${word} `))
    .map((line) => line.slice(word.length + 1))
  assert.ok(found.length > 0, `no line starts with ${word}`)
  return found.map((line) =>
    (line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map((part) => (/^["\d]/.test(part) ? JSON.parse(part) : part)),
  )
}

function signed(bytes: Uint8Array, signers: Uint32Array | null, program: Uint32Array | null = null): Uint8Array {
  const digest = (algorithm: string) => createHash(algorithm).update(bytes).digest()
  return sign(bytes, { md5: digest('md5'), sha1: digest('sha1'), sha256: digest('sha256') }, { signers, program })
}

/** What a text says of programs, by the ids of their samples. */
function programsOf(text: string): ReadonlyMap<number, Uint32Array> {
  if (!/^program /m.test(text)) return new Map()
  const programs = linesOf(text, 'program').map(([id, ...listed]): [number, Uint32Array] => {
    if (listed.length === 0) return [id as number, new Uint32Array(0)]
    const pairs = Array.from({ length: listed.length / 2 }, (_, n) => [listed[2 * n], listed[2 * n + 1]] as const)
    const given = new Map(pairs)
    const values = programFields.map((field) => [
      field,
      given.get(field) === '?' ? 'unknown' : (given.get(field) ?? 'undefined'),
    ])
    const fields = Object.fromEntries(values) as Record<ProgramField, FieldValue>
    return [id as number, encodeProgram(fields, Buffer.from(given.get('entry') as string, 'latin1'))]
  })
  return new Map(programs)
}

/** What a text says of its samples: their records as they would be made today. */
function samplesOf(text: string): { readonly id: number; readonly record: Uint8Array }[] {
  const programs = programsOf(text)
  const large = !/^large /m.test(text)
    ? []
    : linesOf(text, 'large').map(([id, size, content]) => {
        const bytes = Buffer.alloc(size as number)
        bytes.write(content as string, 'latin1')
        return { id: id as number, record: signed(bytes, null, programs.get(id as number)) }
      })
  const small = linesOf(text, 'sample').map(([id, content, ...signers]) => ({
    id: id as number,
    record: signed(
      Buffer.from(content as string, 'latin1'),
      signers[0] === undefined ? null : Uint32Array.from(signers, (serial) => signerHash(serial as string)).sort(),
      programs.get(id as number),
    ),
  }))
  return [...small, ...large]
}

for (const version of ['v1', 'v2', 'v3', 'v4', newest]) {
  const text = readFileSync(golden(`${version}.txt`), 'utf8')
  const samples = samplesOf(text)
  const unfiltered = linesOf(text, 'unfiltered').map(([id, size, head]) => ({ id, size, head: head as string }))
  const reader = SegmentReader.open(golden(`${version}.segment`))
  test.after(() => reader.close())

  test(`${version}: the golden signature is what signing gives today`, () => {
    const record = readFileSync(golden(`${version}.signature`))
    const sample = samples.find(({ id }) => id === 13)
    assert.ok(agree(record, sample?.record as Uint8Array))
    assert.equal(SignatureView.of(record).size, 25)
  })

  test(`${version}: the golden segment holds the listed samples, in the listed groups`, () => {
    reader.check()
    assert.deepEqual(
      reader.groups.map(({ layout, bits, kind, ids }) => [
        kind === 'short' ? layout : `${layout}-${kind}`,
        bits,
        ...ids,
      ]),
      linesOf(text, 'group'),
    )
    const records = new Map([...reader.records()].map(({ id, record }) => [id, record]))
    assert.equal(records.size, samples.length + unfiltered.length)
    for (const { id, record } of samples) {
      // Signing takes down other windows than it did in older versions.
      if (version === newest) assert.deepEqual(records.get(id), record, `${id}`)
      else assert.ok(agree(records.get(id) as Uint8Array, record), `${id}`)
    }
    for (const { id, size, head } of unfiltered) {
      const view = SignatureView.of(records.get(id as number) as Uint8Array)
      assert.deepEqual([view.bits, view.size], [0, size])
      assert.equal(Buffer.from(view.head).toString('latin1').slice(0, head.length), head)
    }
  })

  test(`${version}: the golden segment gives the listed candidates for every gram`, () => {
    for (const [channel, gram, ...ids] of linesOf(text, 'gram')) {
      const bytes = Buffer.from(gram as string, 'latin1')
      const isLong = bytes.length > 4
      const hash = isLong
        ? longGramHash(channel as Channel, bytes.readUIntLE(0, bytes.length))
        : gramHash(channel as Channel, bytes.readUInt32LE())
      const found = candidatesFor([hash], (kind) => !isLong || kind === 'long')
      assert.deepEqual(
        found.sort((a, b) => a - b),
        ids,
        `${channel} ${gram}`,
      )
    }
  })

  if (version === newest) {
    test(`${version}: the golden segment gives the listed candidates for every text window and every word`, () => {
      for (const [channel, window, ...ids] of linesOf(text, 'text')) {
        const characters = window as string
        const hash = textHash(channel as Channel, characters, 0, characters.length as 5 | 6 | 8)
        const found = candidatesFor([hash], (kind) => kind === 'text')
        assert.deepEqual(found, ids, `${channel} ${window}`)
      }
      for (const [channel, word, ...ids] of linesOf(text, 'word'))
        assert.deepEqual(
          candidatesFor(wordHashes(channel as Channel, word as string), hasWords),
          ids,
          `${channel} ${word}`,
        )
    })
  }

  /** The samples that have the bits of all these hashes, ascending; and those of which nothing is known. */
  function candidatesFor(hashes: readonly number[], isKnownIn: (kind: WindowKind) => boolean): number[] {
    const found = reader.groups.flatMap((group) => {
      if (!isKnownIn(group.kind)) return [...group.ids]
      const row = new Uint32Array(group.words)
      const rows = hashes.map((hash) => {
        group.readRows(Uint32Array.of(bitOf(hash, group.bits)), row)
        return row.slice()
      })
      return [...group.ids].filter((_, s) => rows.every((row) => ((row[s >> 5] as number) >>> (s & 31)) & 1))
    })
    return found.sort((a, b) => a - b)
  }
}

test('writing the listed samples today gives the newest golden segment byte for byte', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'segment')
  const reader = SegmentReader.open(golden(`${newest}.segment`))
  t.after(() => reader.close())
  writeSegment(
    path,
    [...reader.records()].sort((a, b) => a.id - b.id),
  )
  assert.deepEqual(readFileSync(path), readFileSync(golden(`${newest}.segment`)))
})

test('segments of different versions are merged, and windows are asked only of samples that have them', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [young, merged] = [join(folder, 'young'), join(folder, 'merged')]
  const content = Buffer.alloc(2 ** 20, 'Kernel32.dll ')
  writeSegment(young, [{ id: 1, record: signed(content, null) }])
  mergeSegments([golden('v2.segment'), young], merged, [])
  const reader = SegmentReader.open(merged)
  t.after(() => reader.close())
  const candidates = (text: string) => {
    const plan = planRuleset(parse(`rule r { strings: $a = ${text} condition: $a }`)).plan
    return [...(new PlanBatch([plan]).candidates(reader, null)[0] as Uint32Array)]
  }
  assert.deepEqual(candidates('"Kernel32.dll"'), [1, 13, 100])
  assert.deepEqual(candidates('"Kernel32.dll LoadLibraryA"'), [13, 100])
})

test('segments of different versions are merged, and what the older one does not know stays unknown', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'golden-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const [young, merged] = [join(folder, 'young'), join(folder, 'merged')]
  const none = new Uint32Array(0)
  writeSegment(young, [{ id: 1, record: signed(Buffer.from('something else'), none, none) }])
  mergeSegments([golden('v1.segment'), young], merged, [])
  const reader = SegmentReader.open(merged)
  t.after(() => reader.close())
  const views = [...reader.records()].map(({ id, record }) => ({ id, view: SignatureView.of(record) }))
  assert.equal(views.length, 1 + samplesOf(readFileSync(golden('v1.txt'), 'utf8')).length + 1)
  for (const { id, view } of views) {
    assert.deepEqual(view.signers, id === 1 ? none : null, `${id}`)
    assert.deepEqual(view.program, id === 1 ? none : null, `${id}`)
  }
})

test('what the newest golden segment says of programs, plans are told', (t) => {
  const reader = SegmentReader.open(golden(`${newest}.segment`))
  t.after(() => reader.close())
  const known = programsOf(readFileSync(golden(`${newest}.txt`), 'utf8'))
  for (const [condition, ids] of [
    ['pe.number_of_sections == 3', [28]],
    ['pe.number_of_sections > 1', [28, 110]],
    ['pe.timestamp == 0xffffffff', [28]],
    ['pe.checksum == 1', [28]],
    ['$a at pe.entry_point', [28]],
    ['$b at pe.entry_point', []],
    ['not (pe.is_pe and true)', [13]],
  ] as const) {
    const strings = '$a = { 60 E8 00 00 } $b = { 60 E9 }'
    const plan = planRuleset(parse(`rule r { strings: ${strings} condition: ${condition} }`)).plan
    const facts = factsAlone(plan)
    const found = [...(new PlanBatch([facts]).candidates(reader, null)[0] as Uint32Array)]
    assert.deepEqual(
      found.filter((id) => known.has(id)),
      ids,
      condition,
    )
  }
})

/** The facts of the plan about programs. */
function factsAlone(plan: Plan): Plan {
  if (plan.kind !== 'and') return plan
  const parts = plan.parts.filter((part) => part.kind === 'fact' && /^(program|entry)/.test(part.fact.kind))
  return { kind: 'and', parts }
}
