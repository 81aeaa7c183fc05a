import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { type Collection, freshCollection } from '../intake/collection.fixture.ts'
import { clearRetroMatches, recordCloudMatches } from '../matches/index.ts'
import { cloudSampleIds } from './cloud-samples.ts'

const at = 1_700_000_000_000_000
const classifying = `rule Classifying : tc_detection malicious {
  meta: tc_detection_type = "Trojan" tc_detection_name = "Trail" tc_detection_factor = 3
  condition: filesize > 0 }
rule Plain { condition: filesize > 0 }`

async function storeFindings(
  c: Collection,
  feed: 'live' | 'retro',
  contents: readonly string[],
  { rules = ['Plain'], revision = 'told' }: { rules?: readonly string[]; revision?: string } = {},
) {
  const { id: rulesetId, revision_id } = await c.database
    .selectFrom('rulesets')
    .select(['id', 'revision_id'])
    .where('name', '=', revision)
    .executeTakeFirstOrThrow()
  return c.store.transaction('readFeed', async (tx) => {
    const samples = contents.map((content) => ({
      sha1: createHash('sha1').update(content).digest(),
      size: content.length,
      fileType: 'PE/Exe',
      seen: at,
    }))
    const ids = await cloudSampleIds(tx, samples)
    const findings = [...ids.values()].flatMap((sampleId) =>
      rules.map((rule) => ({ rulesetId, revisionId: revision_id ?? 0, rule, sampleId, at })),
    )
    return recordCloudMatches(tx, feed, findings)
  })
}

async function store(c: Collection, content: string) {
  const arrival = await c.intake.receive(Readable.from([Buffer.from(content)]), {
    filename: `${content}.txt`,
    userId: c.operator.id,
  })
  await arrival.processed
  return arrival
}

async function collection(t: Parameters<typeof freshCollection>[0], content = classifying) {
  const c = await freshCollection(t)
  await c.rulesets.save(c.operator, { name: 'told', content })
  return c
}

async function listed(c: Collection) {
  const { results } = await c.matches.list({ names: ['told'], page: null })
  return results.map(({ rule, cloud, filename, sha256, downloadable, extractedFileCount }) => ({
    rule,
    cloud,
    filename,
    here: sha256 !== null && downloadable && extractedFileCount !== null,
  }))
}

/** The counts that triggers keep against a plain count. */
async function demandExactCounts(c: Collection) {
  const kept = await c.database.selectFrom('ruleset_counts').selectAll().where('matches', '>', 0).execute()
  const counted = await c.database
    .selectFrom('matches')
    .innerJoin('samples', 'samples.id', 'matches.sample_id')
    .select(({ fn }) => ['ruleset_id', 'classification', fn.countAll<number>().as('matches')])
    .groupBy(['ruleset_id', 'classification'])
    .orderBy('classification')
    .execute()
  assert.deepEqual(
    kept.map((row) => ({ ...row })),
    counted.map((row) => ({ ...row })),
  )
}

test('a sample that only the cloud has is told without what only its content tells, and is none of the collection', async (t) => {
  const c = await collection(t)
  assert.equal(await storeFindings(c, 'live', ['far away'], { rules: ['Plain', 'Classifying'] }), 2)
  const sha1 = createHash('sha1').update('far away').digest('hex')
  assert.deepEqual(
    (await listed(c)).map(({ filename, here }) => [filename, here]),
    [
      [sha1, false],
      [sha1, false],
    ],
  )
  const sample = await c.samples.get(sha1)
  assert.deepEqual(
    [sample.sha256, sample.stored, sample.classification, sample.threatName],
    [null, false, 3, 'Win32.Trojan.Trail'],
  )
  await assert.rejects(c.samples.content(sha1), { code: 'sample.gone' })
  await assert.rejects(c.samples.zip([sha1]), { code: 'sample.gone' })
  assert.deepEqual((await c.samples.status([sha1])).results, [{ hashValue: sha1, status: 'not_found' }])
  const { samples, bytes } = await c.samples.totals()
  assert.deepEqual([samples, bytes], [0, 0])
  await demandExactCounts(c)
})

test('what a feed tells again changes nothing, and two feeds that tell the same make one row', async (t) => {
  const c = await collection(t)
  assert.equal(await storeFindings(c, 'retro', ['a', 'b']), 2)
  assert.equal(await storeFindings(c, 'retro', ['a', 'b']), 0)
  assert.equal(await storeFindings(c, 'live', ['b', 'c']), 2)
  assert.equal((await listed(c)).length, 3)

  await c.store.transaction('clearRetro', async (tx) => {
    const told = await tx.rulesets.findByName('told')
    assert.equal(await clearRetroMatches(tx, told?.id ?? 0), 1)
    await tx.samples.deleteUnreferenced()
  })
  assert.equal((await listed(c)).length, 2)
  assert.equal(await c.samples.find(createHash('sha1').update('a').digest('hex')), null)
  await demandExactCounts(c)
})

test('a file that arrives takes over from the row that the cloud had told of', async (t) => {
  const c = await collection(t, 'rule Plain { condition: filesize > 0 } rule Never { condition: false }')
  await storeFindings(c, 'live', ['it comes'], { rules: ['Plain', 'Never'] })
  const sha1 = createHash('sha1').update('it comes').digest('hex')
  await c.samples.addTags(sha1, ['awaited'])
  await c.samples.classify(sha1, { classification: 2 })
  const { sha256 } = await store(c, 'it comes')
  const sample = await c.samples.get(sha1)
  assert.deepEqual([sample.sha256, sample.stored, sample.classification], [sha256, true, 2])
  assert.deepEqual(await c.samples.tags(sha1), ['awaited'])
  assert.deepEqual((await listed(c)).map(({ rule, cloud, here }) => `${rule} ${cloud} ${here}`).sort(), [
    'Never true true',
    'Plain false true',
    'Plain true true',
  ])
  const { count } = await c.database
    .selectFrom('samples')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  assert.equal(count, 1)
  assert.equal(await storeFindings(c, 'live', ['it comes']), 0)
  await demandExactCounts(c)
})

test('the cloud’s matches of a sample that is deleted here stay', async (t) => {
  const c = await collection(t)
  const { sha1 } = await store(c, 'here and there')
  await storeFindings(c, 'live', ['here and there'])
  assert.equal((await listed(c)).length, 3)
  await c.samples.delete([sha1])
  assert.deepEqual(await listed(c), [{ rule: 'Plain', cloud: true, filename: sha1, here: false }])
  assert.equal((await c.samples.totals()).samples, 0)
  await demandExactCounts(c)
  await c.samples.delete([sha1])
  assert.deepEqual(await listed(c), [])
  await demandExactCounts(c)
})

test('a finding of a rule that was changed since is left out, one of a rule that is the same is kept', async (t) => {
  const c = await collection(t)
  const { id: rulesetId, revision_id: before } = await c.database
    .selectFrom('rulesets')
    .select(['id', 'revision_id'])
    .executeTakeFirstOrThrow()
  await c.rulesets.save(c.operator, {
    name: 'told',
    content: 'rule Plain { condition: filesize > 0 } rule Classifying { condition: filesize > 1 }',
  })
  await c.store.transaction('readFeed', async (tx) => {
    const ids = await cloudSampleIds(tx, [{ sha1: Buffer.alloc(20, 7), size: 9, fileType: 'Text/None', seen: at }])
    const [sampleId = 0] = ids.values()
    const of = (rule: string) => ({ rulesetId, revisionId: before ?? 0, rule, sampleId, at })
    assert.equal(await recordCloudMatches(tx, 'live', [of('Plain'), of('Classifying'), of('Unknown')]), 1)
  })
  assert.deepEqual(
    (await listed(c)).map(({ rule }) => rule),
    ['Plain'],
  )
})

test('of two sizes under one SHA-1 the one that the cloud means is chosen', async (t) => {
  const c = await collection(t)
  const { sha1 } = await store(c, 'present')
  await c.store.transaction('readFeed', async (tx) => {
    const cloud = { sha1: Buffer.from(sha1, 'hex'), fileType: 'PE/Exe', seen: at }
    const [here] = (await cloudSampleIds(tx, [{ ...cloud, size: 'present'.length }])).values()
    const [there] = (await cloudSampleIds(tx, [{ ...cloud, size: 99 }])).values()
    assert.notEqual(here, there)
  })
})
