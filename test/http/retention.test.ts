/** Retention: which samples are deleted by themselves, what keeps them, and what becomes of what belongs to them. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, beforeEach, test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Json, sha1, sha256, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const off = { enabled: false, rules: [], max_bytes: null, keep: '', keep_matched: true }
beforeEach(() => set(off))

const DAY_MS = 86_400_000

function change(statement: string, ...values: (string | number)[]): void {
  const database = new DatabaseSync(server.databaseFile)
  database.exec('PRAGMA busy_timeout = 20000')
  database.prepare(statement).run(...values)
  database.close()
}

/** The sample, and what came out of it, was last seen so many days ago. */
function age(hash: string, days: number): void {
  change(
    `UPDATE samples SET last_seen = ? WHERE sha1 = unhex(?)
      OR id IN (SELECT child_id FROM members WHERE parent_id = (SELECT id FROM samples WHERE sha1 = unhex(?)))`,
    ...[(Date.now() - days * DAY_MS) * 1_000, hash, hash],
  )
}

async function set(policy: Json): Promise<void> {
  const { status, text } = await server.post('/api/retention/', { json: policy })
  assert.equal(status, 200, text)
}

async function run(): Promise<Json> {
  const { status, text } = await server.post('/api/retention/run/')
  assert.equal(status, 202, text)
  await server.appliance.retention.idle()
  return (await server.get('/api/retention/')).json.last_run
}

/** Of what is set, with something in its place. */
const preview = async (change: Json = {}): Promise<Json> => {
  const { last_run: _, ...stored } = (await server.get('/api/retention/')).json
  const policy = { ...stored, ...change }
  const { status, json, text } = await server.post('/api/retention/preview/', { json: policy })
  assert.equal(status, 200, text)
  return json
}

const isThere = async (hash: string): Promise<boolean> =>
  (await server.get(`/api/samples/${hash}/details/`)).status === 200
const rulesAbout = (tag: string, days = 30) => [{ days, query: `tag:${tag}` }]

async function tagged(tag: string, ...contents: string[]): Promise<string[]> {
  const hashes: string[] = []
  for (const content of contents) {
    const hash = await server.upload(content, `${content.slice(0, 20)}.txt`)
    await server.post(`/api/tag/${hash}/`, { json: { tags: [tag] } })
    hashes.push(hash)
  }
  return hashes
}

test('nothing is deleted by itself unless somebody turns it on', async () => {
  const { json } = await server.get('/api/retention/')
  assert.deepEqual({ ...json, last_run: null }, { ...off, last_run: null })
  await set({ rules: [{ days: 1, query: '' }] })
  const { status, json: refused } = await server.post('/api/retention/run/')
  assert.deepEqual([status, refused.error], [409, 'retention.off'])
})

test('a preview says what would go, and a run deletes that, with contents, index and entries in the audit log', async () => {
  const [old = '', older = '', young = ''] = await tagged('by-age', 'an old one', 'an older one!', 'a young one')
  age(old, 40)
  age(older, 50)
  await set({ rules: rulesAbout('by-age') })
  const before = await preview()
  assert.deepEqual(
    [before.samples, before.bytes, before.complete, before.kept],
    [2, 'an old one'.length + 'an older one!'.length, true, { matched: 0, chosen: 0, busy: 0 }],
  )
  assert.deepEqual(
    before.examples.map((each: Json) => each.sha1),
    [older, old],
  )
  const days = (time: string) => Math.round((Date.now() - Date.parse(time)) / DAY_MS)
  assert.deepEqual([days(before.oldest), days(before.newest)], [50, 40])
  assert.deepEqual([await isThere(old), await isThere(older)], [true, true], 'a preview deletes nothing')
  assert.equal((await preview({ rules: rulesAbout('by-age', 45) })).samples, 1, 'of what the request says')

  await set({ enabled: true })
  const ran = await run()
  assert.deepEqual([ran.samples, ran.bytes, ran.problem], [2, before.bytes, null])
  assert.ok(Date.parse(ran.ended) >= Date.parse(ran.started))
  assert.deepEqual([await isThere(old), await isThere(older), await isThere(young)], [false, false, true])
  for (const content of ['an old one', 'an older one!'])
    assert.equal((await server.get(`/api/samples/${sha256(content)}/download/`)).status, 404)
  const { results } = (await server.get('/api/audit/?operation=deleteExpiredSamples')).json
  assert.deepEqual(
    [results[0].user, results[0].subjects],
    ['(retention)', [sha256('an older one!'), sha256('an old one')]],
  )
  const set1 = (await server.get('/api/audit/?operation=setRetention')).json.results[1]
  assert.deepEqual([set1.user, set1.subjects], ['admin', ['rules: [{"days":30,"query":"tag:by-age"}]']])
  const checked = await server.post('/api/index/check/')
  assert.deepEqual(JSON.parse(checked.text.trim().split('\n').at(-1) ?? '').result.problems, [])
})

test('rules are about senders, sources, sizes and whatever else a query asks for', async () => {
  const hash = await server.upload('sent by ana alone', 'ana.txt', 'ana')
  age(hash, 40)
  for (const [query, count] of [
    ['sender:ana', 1],
    ['sender:ben', 0],
    ['source:upload AND filename:ana.txt', 1],
    ['source:ingest', 0],
    ['filename:ana.txt AND size:>1MB', 0],
    ['filename:ana.txt AND NOT source:member', 1],
  ] as const)
    assert.equal((await preview({ rules: [{ days: 30, query }] })).samples, count, query)
})

test('samples with matches and samples that are chosen stay, and each is counted once', async () => {
  await server.saveRuleset('kept_by_match', 'rule kept { strings: $a = "kept by a match" condition: $a }')
  const [matched = '', chosen = '', plain = ''] = await tagged('kept', 'kept by a match', 'kept by a query', 'not kept')
  for (const hash of [matched, chosen, plain]) age(hash, 40)
  await set({ enabled: true, rules: [...rulesAbout('kept'), ...rulesAbout('kept', 20)], keep: `sha1:${chosen}` })
  const expected = { samples: 1, kept: { matched: 1, chosen: 1, busy: 0 } }
  const { samples, kept } = await preview()
  assert.deepEqual({ samples, kept }, expected)
  const ran = await run()
  assert.deepEqual({ samples: ran.samples, kept: ran.kept }, expected)
  assert.deepEqual([await isThere(matched), await isThere(chosen), await isThere(plain)], [true, true, false])
  assert.equal((await server.get('/api/yara/v2/ruleset/matches/?name=kept_by_match')).json.results.length, 1)
  await set({ keep_matched: false, keep: '' })
  assert.equal((await run()).samples, 2)
  assert.equal((await server.get('/api/yara/v2/ruleset/matches/?name=kept_by_match')).json.results.length, 0)
})

test('what came out of an archive goes with it, and keeps it where it has a match', async () => {
  await server.saveRuleset('in_archive', 'rule inside { strings: $a = "a member that matches" condition: $a }')
  const zipOf = (...members: string[]) =>
    storedZip(members.map((text, at) => ({ name: Buffer.from(`${at}.txt`), bytes: Buffer.from(text) })))
  const archives = {
    plain: zipOf('a member of one', 'a member of two'),
    other: zipOf('a member of two'),
    matching: zipOf('a member that matches', 'beside one that matches'),
  }
  const hashes: Record<string, string> = {}
  for (const [name, bytes] of Object.entries(archives)) {
    hashes[name] = await server.upload(bytes, `${name}.zip`)
    await server.post(`/api/tag/${hashes[name]}/`, { json: { tags: ['archives'] } })
  }
  await server.upload('a member of one', 'sent by itself.txt')
  for (const hash of Object.values(hashes)) age(hash, 40)
  age(sha1('a member of one'), 0)
  const rules = [...rulesAbout('archives'), { days: 30, query: 'source:member AND size:<30' }]
  await set({ enabled: true, rules })
  const before = await preview()
  const ran = await run()
  assert.deepEqual([before.samples, before.bytes, before.kept], [ran.samples, ran.bytes, ran.kept])
  assert.deepEqual([ran.samples, ran.kept.matched], [3, 1])
  for (const [name, stays] of [
    [hashes.plain, false],
    [hashes.other, false],
    [sha1('a member of two'), false],
    [sha1('a member of one'), true],
    [hashes.matching, true],
    [sha1('beside one that matches'), true],
  ] as const)
    assert.equal(await isThere(name as string), stays)
})

test('with more than may be stored, those go that were seen longest ago, and no more than needed', async () => {
  const [first = '', second = '', third = ''] = await tagged(
    'by-size',
    'x'.repeat(5_000),
    'y'.repeat(5_000),
    'z'.repeat(5_000),
  )
  age(first, 3_000)
  age(second, 2_999)
  age(third, 2_998)
  const { bytes } = await server.appliance.samples.totals()
  await set({ enabled: true, max_bytes: bytes - 7_000 })
  assert.equal((await preview()).samples, 2)
  assert.deepEqual(
    [(await run()).samples, await isThere(first), await isThere(second), await isThere(third)],
    [2, false, false, true],
  )
  assert.equal((await run()).samples, 0)
})

test('a sample stays that a hunt has yet to look at, or that is sent again', async () => {
  const [hunted = '', again = ''] = await tagged('busy', 'a hunt needs it', 'sent again before it went')
  for (const hash of [hunted, again]) age(hash, 40)
  await set({ enabled: true, rules: rulesAbout('busy') })
  change(
    `INSERT INTO hunts (kind, state, started_by, created, last_sample_id, cursor)
      SELECT 'ad-hoc', 'running', 1, 1, id, id - 1 FROM samples WHERE sha1 = unhex(?)`,
    hunted,
  )
  await server.upload('sent again before it went', 'again.txt')
  const ran = await run()
  assert.deepEqual([ran.samples, ran.kept.busy], [0, 1])
  change(`UPDATE hunts SET state = 'completed' WHERE created = 1`)
  assert.equal((await run()).samples, 1)
  assert.deepEqual([await isThere(hunted), await isThere(again)], [false, true])
})

test('what becomes of a sample between the choice and the deletion counts', async (t) => {
  const [hash = ''] = await tagged('raced', 'chosen, and then hunted')
  age(hash, 40)
  await set({ enabled: true, rules: rulesAbout('raced') })
  const { samples } = server.appliance
  const deleteChosen = samples.deleteChosen.bind(samples)
  t.mock.method(samples, 'deleteChosen', async (...given: Parameters<typeof deleteChosen>) => {
    await server.upload('chosen, and then hunted', 'raced.txt')
    return deleteChosen(...given)
  })
  assert.equal((await run()).samples, 0)
  assert.equal(await isThere(hash), true)
})

test('a policy that cannot be understood is refused, and the one before stays', async () => {
  await set({ rules: rulesAbout('stays') })
  for (const [json, error] of [
    [{ rules: [{ days: 1, query: 'tag:(' }] }, 'query.malformed'],
    [{ keep: 'nothing:x' }, 'query.malformed'],
    [{ rules: [{ days: 0, query: '' }] }, 'parameter.out-of-range'],
    [{ rules: [{ days: 36_501, query: '' }] }, 'parameter.out-of-range'],
    [{}, 'parameter.out-of-range'],
    [{ max_byte: 5 }, 'parameter.out-of-range'],
    [{ max_bytes: -1 }, 'parameter.out-of-range'],
    [{ max_bytes: 0.5 }, 'parameter.out-of-range'],
    [{ rules: Array.from({ length: 101 }, () => ({ days: 1, query: '' })) }, 'parameter.out-of-range'],
  ] as const)
    for (const path of ['/api/retention/', '/api/retention/preview/'])
      assert.deepEqual([(await server.post(path, { json })).json.error, path], [error, path], JSON.stringify(json))
  assert.deepEqual((await server.get('/api/retention/')).json.rules, rulesAbout('stays'))
})
