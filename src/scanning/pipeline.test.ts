import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { noProgram, SignatureView, sign, writeSegment } from '../index/index.ts'
import { planText } from '../planner/index.ts'
import { openPool } from './fixtures/open-pool.ts'
import type { Digests, RunnableRuleset, TaskOutput, WorkerPool } from './index.ts'

const live = { priority: 'live' } as const
const variables = { filename: 'x', filepath: '', extension: '', owner: '' }

function planned(key: string, content: string): RunnableRuleset {
  return { key, name: key, content, plan: planText(content).plan }
}

const evil = planned('evil', 'rule evil { strings: $ = "very evil indeed" condition: any of them }')
const large = planned('large', 'rule large { condition: filesize > 1MB }')
const typed = planned('typed', 'rule typed { condition: filetype == "UNIX SCRIPT" }')

async function taken(pool: WorkerPool, path: string): Promise<Digests> {
  return (await pool.run('copyAndHash', { source: path, temporary: `${path}.copy`, size: 0, examine: null }, live))
    .digests
}

function takingExamined(pool: WorkerPool, source: string, upTo: number): Promise<TaskOutput<'copyAndHash'>> {
  const examine = { ruleSet: 'live:1', variables, upTo }
  return pool.run('copyAndHash', { source, temporary: `${source}.copy`, size: 0, examine }, live)
}

for (const size of [0, 1, 100_000, 512 * 1024, 9_000_001, 64 * 1024 * 1024, 70_000_001]) {
  test(`taking a file of ${size} bytes copies it and gives its four digests`, async (t) => {
    const { pool, sample } = openPool(t, { workers: 1 })
    const content = randomBytes(size)
    const path = sample('source', content)
    const digests = await taken(pool, path)
    assert.ok(readFileSync(`${path}.copy`).equals(content))
    assert.equal(digests.size, size)
    for (const algorithm of ['sha256', 'sha1', 'md5', 'sha512'] as const) {
      assert.deepEqual(Buffer.from(digests[algorithm]), createHash(algorithm).update(content).digest(), algorithm)
    }
  })
}

test('taking a file that is not there fails with the system’s code', async (t) => {
  const { pool, folder } = openPool(t, { workers: 1 })
  await assert.rejects(taken(pool, join(folder, 'nothing')), { code: 'ENOENT' })
})

test('an arriving sample is identified, signed, and scanned with what the plans leave', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  pool.setRuleSet({ id: 'live:1', rulesets: [evil, large, typed] })
  const content = Buffer.from('#!/bin/sh\necho this is very evil indeed\n')
  const path = sample('source', content)
  const digests = await taken(pool, path)
  const examine = { path, digests, ruleSet: 'live:1', variables, without: [], scan: true }
  const output = await pool.run('examine', examine, live)
  assert.equal(output.identification.fileType, 'Text/Shell')
  assert.deepEqual(
    output.hits.map(({ rule }) => rule),
    ['evil', 'typed'],
  )
  assert.deepEqual(output.signature, sign(content, digests, noProgram))

  const without = await pool.run('examine', { ...examine, without: ['evil'] }, live)
  assert.deepEqual(
    without.hits.map(({ rule }) => rule),
    ['typed'],
  )
})

for (const size of [3_000, 9_000_001]) {
  test(`a file of ${size} bytes that is examined while it is taken gives what examining it by itself gives`, async (t) => {
    const { pool, sample } = openPool(t, { workers: 1 })
    pool.setRuleSet({ id: 'live:1', rulesets: [evil, large, typed] })
    const source = sample('source', Buffer.concat([Buffer.from('very evil indeed'), randomBytes(size - 16)]))
    const taking = (upTo: number) => takingExamined(pool, source, upTo)
    const { digests, examined } = await taking(size)
    const examine = { path: source, digests, ruleSet: 'live:1', variables, without: [], scan: true }
    const itself = await pool.run('examine', examine, live)
    assert.ok(examined && Buffer.compare(examined.signature, itself.signature) === 0)
    assert.deepEqual({ ...examined, signature: null }, { ...itself, signature: null })
    assert.deepEqual(
      examined.hits.map(({ rule }) => rule),
      size > 1024 * 1024 ? ['evil', 'large'] : ['evil'],
    )
    assert.equal((await taking(size - 1)).examined, null, 'above the scan limit')
  })
}

test('a file that is larger than what is kept in memory is not examined while it is taken', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  pool.setRuleSet({ id: 'live:1', rulesets: [evil] })
  const source = sample('source', Buffer.alloc(68_000_000))
  assert.equal((await takingExamined(pool, source, Number.POSITIVE_INFINITY)).examined, null)
})

test('rulesets with the same text all get what it finds, and strings where they ask for them', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  const twin = planned('twin', evil.content)
  const curious = { ...planned('curious', evil.content), firstStrings: true }
  const other = { ...planned('other', evil.content), firstStrings: true }
  pool.setRuleSet({ id: 'live:1', rulesets: [evil, large, twin, curious, other] })
  const path = sample('source', 'very evil indeed, and very evil indeed')
  const digests = await taken(pool, path)
  const examine = { path, digests, ruleSet: 'live:1', variables, without: [], scan: true }
  const { hits } = await pool.run('examine', examine, live)
  assert.deepEqual(
    hits.map(({ ruleset, rule, strings }) => [ruleset, rule, strings.map(({ offset }) => offset)]),
    [
      ['evil', 'evil', []],
      ['twin', 'evil', []],
      ['curious', 'evil', [0]],
      ['other', 'evil', [0]],
    ],
  )
  const without = await pool.run('examine', { ...examine, without: ['evil', 'curious'] }, live)
  assert.deepEqual(
    without.hits.map(({ ruleset }) => ruleset),
    ['twin', 'other'],
  )
})

test('a sample above the scan limit is identified and signed, not matched', async (t) => {
  const { pool, sample } = openPool(t, { workers: 1 })
  pool.setRuleSet({ id: 'live:1', rulesets: [evil] })
  const path = sample('source', '#!/bin/sh\necho this is very evil indeed\n')
  const digests = await taken(pool, path)
  const output = await pool.run(
    'examine',
    { path, digests, ruleSet: 'live:1', variables, without: [], scan: false },
    live,
  )
  assert.equal(output.identification.fileType, 'Text/Shell')
  assert.deepEqual(output.hits, [])
  assert.equal(SignatureView.of(output.signature).size, digests.size)
})

test('segments are asked, merged and asked again, within the limits of the question', async (t) => {
  const { pool, sample, folder } = openPool(t, { workers: 1 })
  pool.setRuleSet({ id: 'hunt:1', rulesets: [evil, large] })
  const records: { readonly id: number; readonly record: Uint8Array }[] = []
  for (let id = 1; id <= 40; id++) {
    const path = sample(`s${id}`, `sample ${id} is ${id % 4 === 0 ? 'very evil indeed' : 'good'}`)
    const { signature } = await pool.run('sign', { path, digests: await taken(pool, path), sample: id }, live)
    records.push({ id, record: signature })
  }
  const parts = [join(folder, 'a.segment'), join(folder, 'b.segment')] as const
  writeSegment(parts[0], records.slice(0, 20))
  writeSegment(parts[1], records.slice(20))
  const merged = join(folder, 'merged.segment')
  const summary = await pool.run('merge', { inputs: parts, output: merged, without: [Uint32Array.of(8)] }, live)
  assert.equal(summary.samples, 39)

  const ask = (segment: string, after: number, upTo: number, only: readonly number[] | null = null) =>
    pool.run(
      'evaluate',
      {
        ruleSet: 'hunt:1',
        segment,
        after,
        upTo,
        only: only === null ? null : new Uint32Array(only),
        rulesets: null,
        names: null,
      },
      live,
    )
  const all = await ask(merged, 0, 1_000)
  assert.deepEqual(
    all.candidates.map(({ ruleset, samples }) => [ruleset, [...samples]]),
    [['evil', [4, 12, 16, 20, 24, 28, 32, 36, 40]]],
  )
  const some = await ask(merged, 12, 30)
  assert.deepEqual([...(some.candidates[0]?.samples ?? [])], [16, 20, 24, 28])
  const chosen = await ask(parts[0], 0, 1_000, [3, 8, 12])
  assert.deepEqual([...(chosen.candidates[0]?.samples ?? [])], [8, 12])
})

test('a segment that is gone is told as damaged', async (t) => {
  const { pool, folder } = openPool(t, { workers: 1 })
  pool.setRuleSet({ id: 'hunt:1', rulesets: [evil] })
  const question = {
    ruleSet: 'hunt:1',
    segment: join(folder, 'none'),
    after: 0,
    upTo: 9,
    only: null,
    rulesets: null,
    names: null,
  }
  await assert.rejects(pool.run('evaluate', question, live), { code: 'segment.damaged' })
})
