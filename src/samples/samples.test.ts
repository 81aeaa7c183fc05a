import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { Archives } from '../archives/index.ts'
import { archiveLimits } from '../archives/limits.fixture.ts'
import { storedZip } from '../archives/stored-zip.fixture.ts'
import { type Collection, freshCollection } from '../intake/collection.fixture.ts'
import { contentFile } from '../store/index.ts'

async function store(c: Collection, bytes: Buffer, filename: string) {
  const arrival = await c.intake.receive(Readable.from([bytes]), { filename, userId: c.operator.id })
  await arrival.processed
  return arrival
}
const zipOf = (files: Record<string, Buffer>) =>
  storedZip(Object.entries(files).map(([name, bytes]) => ({ name: Buffer.from(name), bytes })))

test('status and list answer in the order of the request, for any spelling of one kind of hash', async (t) => {
  const c = await freshCollection(t)
  const one = await store(c, Buffer.from('one'), 'one.txt')
  const two = await store(c, Buffer.from('two'), 'two.txt')
  const unknown = '0'.repeat(40)
  const spelled = two.sha1.toUpperCase()
  const { hashType, results } = await c.samples.status([unknown, spelled, one.sha1])
  assert.equal(hashType, 'sha1')
  assert.deepEqual(results, [
    { hashValue: unknown, status: 'not_found' },
    { hashValue: spelled, status: 'processed' },
    { hashValue: one.sha1, status: 'processed' },
  ])
  assert.equal((await c.samples.status([unknown, one.sha1], 'not_found')).results.length, 1)
  await assert.rejects(c.samples.status([one.sha1, two.sha256]), { code: 'hash.malformed' })
  await assert.rejects(c.samples.status([]), { code: 'hash.malformed' })
  await assert.rejects(c.samples.find('xyz'), { code: 'hash.malformed' })

  await store(c, Buffer.from('two'), 'copy of two.txt')
  await c.samples.addTags(two.sha1, ['b', 'a'])
  const listed = await c.samples.list([two.sha256, unknown, one.sha1, two.sha1])
  assert.deepEqual(
    listed.map(({ sha1 }) => sha1),
    [two.sha1, one.sha1],
  )
  assert.deepEqual(listed[0]?.aliases, ['two.txt', 'copy of two.txt'])
  assert.deepEqual(listed[0]?.tags, { user: ['a', 'b'] })
  assert.equal(listed[0]?.classification, 'unknown')
  assert.equal(listed[0]?.file_size, 3)
  assert.match(listed[0]?.local_first_seen ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
})

test('deleting takes content, matches and lonely members along, at once, and keeps what others hold', async (t) => {
  const c = await freshCollection(t)
  await c.rulesets.save(c.operator, { name: 'all', content: 'rule Any { condition: filesize > 0 }' })
  const [alone, shared, sent] = ['alone', 'shared', 'sent'].map((text) => Buffer.from(text))
  assert.ok(alone && shared && sent)
  const nested = zipOf({ alone, shared })
  const first = await store(c, zipOf({ nested, sent }), 'first.zip')
  const second = await store(c, zipOf({ shared }), 'second.zip')
  await store(c, sent, 'sent.txt')
  assert.equal((await c.samples.totals()).samples, 6)

  const { deleted, members, unknown } = await c.samples.delete([first.sha256, first.sha1, '0'.repeat(32)])
  assert.deepEqual([deleted.map(({ id }) => id), members, unknown], [[first.id], 2, ['0'.repeat(32)]])
  const left = (await c.samples.search({}, { limit: 10 })).samples.map(({ name }) => name)
  assert.deepEqual(left.sort(), ['second.zip', 'sent.txt', 'shared'])
  const { matched } = await c.database
    .selectFrom('matches')
    .select(({ fn }) => fn.countAll<number>().as('matched'))
    .executeTakeFirstOrThrow()
  assert.equal(matched, 3)
  assert.equal(await c.contents.size(Buffer.from(first.sha256, 'hex')), null)
  await assert.rejects(c.samples.content(first.sha1), { code: 'sample.not-found' })

  const [member] = (await c.samples.details(second.sha1)).members
  await c.samples.delete([member?.sample.sha1 ?? ''])
  assert.equal((await c.samples.get(second.sha1)).extractedFileCount, 0)
})

test('a content that comes back while it is being deleted is there in the end', async (t) => {
  const c = await freshCollection(t)
  const bytes = randomBytes(100)
  const { sha256 } = await store(c, bytes, 'x')
  for (let round = 0; round < 20; round++) {
    const [, arrival] = await Promise.all([c.samples.delete([sha256]), store(c, bytes, 'x')])
    await arrival.processed
    const found = await c.samples.find(sha256)
    if (found) assert.deepEqual(await buffer((await c.samples.content(sha256)).content.stream), bytes)
    else assert.equal(await c.contents.size(Buffer.from(sha256, 'hex')), null)
    await store(c, bytes, 'x')
  }
})

test('a user may classify within the ranges, and take it back', async (t) => {
  const c = await freshCollection(t)
  const { sha1 } = await store(c, Buffer.from('x'), 'x')
  const risks = []
  for (const classification of [1, 2, 3] as const)
    risks.push((await c.samples.classify(sha1, { classification })).riskScore)
  assert.deepEqual(risks, [0, 6, 10])
  const named = await c.samples.classify(sha1, { classification: 3, riskScore: 7, threatName: 'Win32.Trojan.X' })
  assert.deepEqual([named.riskScore, named.threatName, named.classificationOrigin], [7, 'Win32.Trojan.X', 'user'])
  for (const [classification, riskScore] of [
    [1, 6],
    [2, 5],
    [3, 11],
  ] as const) {
    await assert.rejects(c.samples.classify(sha1, { classification, riskScore }), { code: 'parameter.out-of-range' })
  }
  await assert.rejects(c.samples.classify(sha1, { classification: 0 }), { code: 'parameter.out-of-range' })
  const back = await c.samples.unclassify(sha1)
  assert.deepEqual([back.classification, back.riskScore, back.classificationOrigin], [0, null, null])
})

test('tags are added once, listed in order and removed', async (t) => {
  const c = await freshCollection(t)
  const { sha1 } = await store(c, Buffer.from('x'), 'x')
  assert.deepEqual(await c.samples.addTags(sha1, ['b', 'a', 'b']), ['a', 'b'])
  assert.deepEqual(await c.samples.addTags(sha1, ['c']), ['a', 'b', 'c'])
  assert.deepEqual(await c.samples.removeTags(sha1, ['a', 'none']), ['b', 'c'])
  await assert.rejects(c.samples.addTags('0'.repeat(40), ['x']), { code: 'sample.not-found' })
})

test('a protected download holds each sample under its SHA-256 and opens with infected', async (t) => {
  const c = await freshCollection(t)
  const contents = [randomBytes(50_000), randomBytes(10)]
  const hashes = []
  for (const bytes of contents) hashes.push((await store(c, bytes, '../odd name')).sha256)
  const folder = await mkdtemp(join(tmpdir(), 'backtrail-zip-'))
  t.after(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'x.zip'), await buffer(await c.samples.zip([...hashes, hashes[0] ?? ''])))
  const { members } = await new Archives(archiveLimits).unpack(join(folder, 'x.zip'), {
    folder: join(folder, 'out'),
    name: 'x.zip',
    passwords: ['infected'],
  })
  assert.deepEqual(members.map(({ name }) => name).sort(), [...hashes].sort())
  await rm(join(c.folder, contentFile(hashes[0] ?? '')))
  await assert.rejects(c.samples.zip(hashes), { code: 'sample.gone' })
  await assert.rejects(c.samples.content(hashes[0] ?? ''), { code: 'sample.gone' })
  await assert.rejects(c.samples.zip(['0'.repeat(40)]), { code: 'sample.not-found' })
})

test('search finds by hash, part of a name, type, classification, tag and time, in pages without gaps', async (t) => {
  const c = await freshCollection(t)
  const arrivals = []
  for (let i = 0; i < 7; i++) arrivals.push(await store(c, Buffer.from(`text number ${i}`), `Report_${i}.txt`))
  const marked = arrivals[3]
  assert.ok(marked)
  await c.samples.addTags(marked.sha1, ['eu'])
  await c.samples.classify(marked.sha1, { classification: 3 })
  const names = async (filter: object) => {
    const { samples } = await c.samples.search(filter, { limit: 50 })
    assert.deepEqual(await c.samples.count(filter), { count: samples.length, more: false })
    return samples.map(({ name }) => name)
  }
  assert.equal((await names({ text: 'report_' })).length, 7)
  assert.deepEqual(await names({ text: '3.TXT' }), ['Report_3.txt'])
  assert.deepEqual(await names({ text: '%' }), [])
  assert.deepEqual(await names({ text: marked.sha256 }), ['Report_3.txt'])
  assert.deepEqual(await names({ tag: 'eu', classifications: [3] }), ['Report_3.txt'])
  assert.equal((await names({ fileTypes: ['PE/Exe'] })).length, 0)
  assert.deepEqual(await names({ from: arrivals[5]?.seen }), ['Report_6.txt', 'Report_5.txt'])
  assert.deepEqual(await names({ to: arrivals[0]?.seen }), ['Report_0.txt'])

  const paged: string[] = []
  let after: string | undefined
  do {
    const { samples, next } = await c.samples.search({}, { limit: 2, ...(after !== undefined && { after }) })
    paged.push(...samples.map(({ name }) => name))
    after = next ?? undefined
  } while (after !== undefined)
  assert.deepEqual(
    paged,
    arrivals.map((_, i) => `Report_${6 - i}.txt`),
  )
  await assert.rejects(c.samples.search({}, { limit: 2, after: 'x' }), { code: 'parameter.out-of-range' })
})
