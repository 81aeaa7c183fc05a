import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MatchRow } from '../matches/index.ts'
import { mispLines } from './match-misp.ts'

function* matches(count: number): Generator<MatchRow> {
  for (let n = 0; n < count; n++) {
    yield {
      id: n + 1,
      sampleId: 1,
      ruleset: 'many',
      rule: `rule_${n % 3}`,
      cloud: true,
      created: 1_700_000_000_000_000,
      classification: 1,
      riskScore: null,
      threatName: null,
      sha1: '0'.repeat(40),
      md5: null,
      sha256: null,
      extractedFileCount: null,
      fileType: '',
      fileSize: 7,
      filename: '',
      downloadable: false,
    }
  }
}

async function eventOf(count: number) {
  let text = ''
  for await (const line of mispLines(matches(count))) text += line
  return JSON.parse(text).Event
}

test('a sample that many rules hold for is one object, with each rule once and what is known of it', async () => {
  const event = await eventOf(10_000)
  assert.equal(event.date, '2023-11-14')
  assert.equal(event.Object.length, 1)
  const [{ comment, Attribute }] = event.Object
  assert.equal(comment, 'matched many/rule_0, many/rule_1, many/rule_2')
  assert.deepEqual(
    Attribute.map(({ type, to_ids }: { type: string; to_ids: boolean }) => [type, to_ids]),
    // Goodware indicates nothing.
    [
      ['size-in-bytes', false],
      ['sha1', false],
    ],
  )
})

test('more matches than an event takes are refused, with what to do', async () => {
  await assert.rejects(eventOf(10_001), { code: 'parameter.out-of-range', message: /10000 matches; filter for fewer/ })
})

test('no matches are an event without objects', async () => {
  assert.deepEqual((await eventOf(0)).Object, [])
})
