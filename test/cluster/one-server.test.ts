/** A server whose rows are in PostgreSQL, and whose samples and index are in Ceph, does what one with a data folder does. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { objectGateway } from '../../src/store/s3/rgw.fixture.ts'
import { type Json, sha1, sha256, TestServer } from '../http/harness.ts'
import { newCluster, noCluster } from './cluster.ts'

let server: TestServer

before(async () => {
  if (noCluster === false) server = await TestServer.start(await newCluster())
})
after(() => server?.stop())

const skip = noCluster
const withMarker = (marker: string) => `rule has_${marker} { strings: $m = "${marker}" condition: $m }`
const matchesOf = async (name: string, of = server): Promise<string[]> =>
  (await of.get(`/api/yara/v2/ruleset/matches/?name=${name}`)).json.results.map((match: Json) => match.sha1).sort()

async function huntsFor(content: string, by = server): Promise<string[]> {
  const texts = [{ name: 'hunt', content }]
  const { id } = await by.appliance.adHocHunts.create(await by.appliance.accounts.users.operator(), {
    texts,
    selection: {},
    title: null,
    partial: false,
    useIndex: true,
  })
  const found: string[] = []
  for await (const { hits } of by.appliance.adHocHunts.follow(id, new AbortController().signal))
    found.push(...hits.map(({ sha1 }) => sha1))
  return found.sort()
}

/** A small real corpus: sources, documents and programs of this checkout. */
function corpus(): Map<string, Buffer> {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const paths = ['src/planner', 'src/index', 'docs', 'bench/rules'].flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => join(folder, name)),
  )
  return new Map(paths.map((path) => [path, readFileSync(join(root, path))]))
}

async function ingestAll(into: TestServer, files: ReadonlyMap<string, Buffer>): Promise<void> {
  await Promise.all(
    Array.from(files, async ([name, content]) => {
      const multipart = new FormData()
      multipart.append('file', new Blob([content as unknown as string]), name)
      assert.equal((await into.post('/api/submit/file/', { multipart })).status, 201)
    }),
  )
  await into.appliance.intake.idle()
}

const words = {
  live: 'rule live { strings: $a = "segment" nocase $b = /sampl(e|es) / condition: $a and #b > 1 }',
  retro:
    'rule retro { strings: $a = "plan" fullword $b = { 63 6f 6e 73 74 ?? } condition: all of them and filesize < 20KB }',
  hunt: 'rule hunt { strings: $a = "literal" $b = "xor" wide ascii condition: any of them }',
}

test('live matches, Local Retro and hunts over real files are those of SQLite with files', { skip }, async () => {
  const files = corpus()
  const answers: Json[] = []
  const alone = await TestServer.start()
  try {
    for (const each of [alone, server]) {
      await each.saveRuleset('same_live', words.live)
      await ingestAll(each, files)
      await each.appliance.segments.settled()
      await each.saveRuleset('same_retro', words.retro)
      await each.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
      await each.appliance.localRetro.idle()
      answers.push({
        live: await matchesOf('same_live', each),
        retro: await matchesOf('same_retro', each),
        hunt: await huntsFor(words.hunt, each),
        indexed: (await each.appliance.segments.stats()).samples,
      })
    }
  } finally {
    await alone.stop()
  }
  const [expected, found] = answers
  assert.deepEqual(found, expected)
  for (const some of ['live', 'retro', 'hunt'])
    assert.ok(expected[some].length > 5, `${some}: ${expected[some].length}`)
})

const large = Buffer.concat([randomBytes(20 * 1024 * 1024), Buffer.from('marked with gooseberry')])

test('samples arrive, are matched live, and come back as they were, large ones too', { skip }, async () => {
  await server.saveRuleset('live_rules', withMarker('gooseberry'))
  const small = 'a gooseberry here'
  for (const content of [small, large, 'nothing of interest']) await server.upload(content, 'sample')
  assert.deepEqual(await matchesOf('live_rules'), [sha1(small), sha1(large)].sort())
  for (const content of [Buffer.from(small), large]) {
    const { status, bytes } = await server.get(`/api/samples/${sha256(content)}/download/`)
    assert.equal(status, 200)
    assert.ok(bytes.equals(content))
  }
})

test('Local Retro and hunts find by the index what was stored before their rules', { skip }, async () => {
  const content = 'a quince here'
  await server.upload(content, 'quince')
  await server.appliance.segments.settled()
  assert.ok((await server.appliance.segments.stats()).samples >= 4)
  assert.deepEqual(await huntsFor(withMarker('quince')), [sha1(content)])
  await server.saveRuleset('retro_rules', withMarker('quince'))
  await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await server.appliance.localRetro.idle()
  assert.deepEqual(await matchesOf('retro_rules'), [sha1(content)])
})

test('samples are deleted, and what is deleted can come back', { skip }, async () => {
  const content = 'a medlar here'
  const id = await server.upload(content, 'medlar')
  assert.equal((await server.delete(`/api/samples/${id}/`)).status, 200)
  assert.deepEqual(await huntsFor(withMarker('medlar')), [])
  await server.upload(content, 'medlar')
  assert.deepEqual(await huntsFor(withMarker('medlar')), [id])
})

test('what is stored agrees with the rows, contents and segments included', { skip }, async () => {
  const report = await server.appliance.stored.run({ each: 1, signal: new AbortController().signal })
  assert.deepEqual(report.database, [])
  assert.deepEqual(report.contents.problems, [])
  assert.deepEqual(report.index.problems, [])
})

test('a gateway that is started anew is waited for', { skip }, async () => {
  const content = 'a loganberry here'
  const restarted = objectGateway().then((gateway) => gateway.restart())
  const uploaded = server.upload(content, 'loganberry')
  await restarted
  assert.equal(await uploaded, sha1(content))
  assert.deepEqual(await huntsFor(withMarker('loganberry')), [sha1(content)])
})

test('a server that starts with an empty cache finds the same, and one with a full cache too', { skip }, async () => {
  const before = await huntsFor(withMarker('gooseberry'))
  assert.equal(before.length, 2)
  server = await server.restart()
  assert.deepEqual(await huntsFor(withMarker('gooseberry')), before)
  server = await server.restart((folder) => rmSync(join(folder, 'cache'), { recursive: true }))
  assert.deepEqual(await huntsFor(withMarker('gooseberry')), before)
  const { bytes } = await server.get(`/api/samples/${sha256(large)}/download/`)
  assert.ok(bytes.equals(large))
})
