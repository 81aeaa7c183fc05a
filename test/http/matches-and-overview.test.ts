/** Matches with filters and as files, the overview, limits and health. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { v5 } from 'uuid'
import { type Json, sha1, sha256, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
  await server.saveRuleset('texts', 'rule Text_of_any { strings: $a = "text" condition: $a }', 'ana')
  await server.saveRuleset(
    'threes',
    'rule three { strings: $a = "3" condition: $a } rule thrice { condition: filesize > 40 }',
  )
  for (let i = 0; i < 5; i++) await server.upload(`text ${i}`, i === 4 ? '=cmd,x' : `note_${i}.txt`)
  await server.upload(`long text of more than ${'forty'.repeat(6)} bytes`, 'long.txt')
  await server.post(`/api/tag/${sha1('text 3')}/`, { json: { tags: ['eu'] } })
  await server.post(`/api/samples/${sha1('text 3')}/setclassification/local/`, {
    json: { classification: 'malicious' },
  })
})
after(() => server.stop())

const search = async (query: string): Promise<Json> => {
  const { status, json, text } = await server.get(`/api/matches/${query}`)
  assert.equal(status, 200, text)
  return json
}
const found = async (query: string): Promise<string[]> =>
  (await search(query)).results.map(({ rule, filename }: Json) => `${rule} ${filename}`)

test('matches of all rulesets, of some of them, and of samples that match them together, newest first', async () => {
  const all = await search('')
  assert.equal(all.count, 8)
  assert.equal(all.next_after, null)
  const ids = all.results.map(({ id }: Json) => id)
  assert.deepEqual(
    ids,
    ids.toSorted((a: number, b: number) => b - a),
  )
  assert.deepEqual(await found('?ruleset=threes'), ['thrice long.txt', 'three note_3.txt'])
  assert.equal((await search('?ruleset=threes')).count, 2)
  assert.equal((await search('?ruleset=threes&ruleset=texts')).count, 8)
  const together = await found('?ruleset=threes&ruleset=texts&together=true')
  assert.deepEqual(together.sort(), [
    'Text_of_any long.txt',
    'Text_of_any note_3.txt',
    'three note_3.txt',
    'thrice long.txt',
  ])
  assert.equal((await server.get('/api/matches/?ruleset=none')).status, 404)
})

test('matches are filtered by rule, place, classification, type, tag, size and time', async () => {
  assert.deepEqual(await found('?rule=THRI'), ['thrice long.txt'])
  assert.deepEqual(await found('?rule=%25'), [])
  assert.equal((await found('?place=local')).length, 8)
  assert.deepEqual(await found('?place=cloud'), [])
  assert.deepEqual((await found('?classification=malicious')).sort(), ['Text_of_any note_3.txt', 'three note_3.txt'])
  assert.deepEqual(await found('?tag=eu&ruleset=texts'), ['Text_of_any note_3.txt'])
  assert.equal((await found('?min_size=7')).length, 2)
  assert.equal((await found('?max_size=6&ruleset=texts')).length, 5)
  const [{ file_type }] = (await search('?ruleset=threes')).results
  assert.ok((await found(`?file_type=${encodeURIComponent(file_type)}`)).length > 0)
  assert.deepEqual(await found('?file_type=PE/Exe'), [])
  assert.deepEqual(await found('?to=2001-01-01'), [])
  assert.equal((await found('?from=2001-01-01')).length, 8)
  assert.equal((await search('?from=2001-01-01')).count, null)
})

test('matches are filtered by the revision that found them first', async () => {
  const save = (condition: string) =>
    server.saveRuleset('changing', `rule early { condition: filesize == 13 } rule late { condition: ${condition} }`)
  await save('false')
  await server.upload('the first one', 'earlier.txt')
  await save('filesize == 15')
  await server.upload('the second file', 'later.txt')
  try {
    assert.deepEqual(await found('?ruleset=changing&revision=1'), ['early earlier.txt'])
    assert.deepEqual(await found('?ruleset=changing&revision=2'), ['late later.txt'])
    assert.deepEqual(await found('?revision=3'), [])
    assert.equal((await server.get('/api/matches/?revision=0')).status, 400)
  } finally {
    const hash_values = ['the first one', 'the second file'].map(sha1)
    await server.post('/api/samples/v2/delete_bulk/', { json: { hash_values } })
    await server.delete('/api/yara/ruleset/', { form: { name: 'changing' } })
  }
})

test('pages go on where the one before ended, without gaps or doubles', async () => {
  for (const filter of ['', '&ruleset=texts', '&max_size=6', '&ruleset=texts&ruleset=threes']) {
    const paged: number[] = []
    let next = ''
    do {
      const page = await search(`?limit=2${filter}${next && `&after=${next}`}`)
      paged.push(...page.results.map(({ id }: Json) => id))
      next = page.next_after === null ? '' : String(page.next_after)
    } while (next)
    const whole = (await search(`?limit=500${filter}`)).results.map(({ id }: Json) => id)
    assert.ok(paged.length >= 5)
    assert.deepEqual(paged, whole, filter)
  }
})

test('matches are filtered by a query on their samples, and one that cannot be understood says where', async () => {
  const query = (text: string) => `?ruleset=texts&query=${encodeURIComponent(text)}`
  assert.deepEqual(await found(query('tag:eu')), ['Text_of_any note_3.txt'])
  assert.deepEqual(await found(query('size:>20')), ['Text_of_any long.txt'])
  assert.deepEqual(await found(query('NOT size:>20 name:note_1*')), ['Text_of_any note_1.txt'])
  const { status, json } = await server.get(`/api/matches/${query('tag:')}`)
  assert.deepEqual([status, json.error], [400, 'query.malformed'])
  assert.equal((await server.get(`/api/matches/count/${query('size:>20')}`)).json.count, 1)
})

test('matches come oldest first, and sorted by what they and their samples are', async () => {
  const newest = await found('?ruleset=texts')
  assert.deepEqual(await found('?ruleset=texts&descending=false'), newest.toReversed())
  const first = await search('?ruleset=texts&descending=false&limit=2')
  const behind = await found(`?ruleset=texts&descending=false&after=${first.next_after}`)
  assert.deepEqual(behind, newest.toReversed().slice(2))
  const bySize = await search('?ruleset=texts&order=size&limit=1')
  assert.equal(bySize.results[0].filename, 'long.txt')
  assert.equal((await search(`?ruleset=texts&order=size&after=${bySize.next_after}`)).results.length, newest.length - 1)
  const names = await found('?order=name&descending=false')
  assert.deepEqual(
    names.map((each) => each.split(' ')[1]),
    names.map((each) => each.split(' ')[1]).toSorted(),
  )
  assert.equal((await server.get('/api/matches/?order=sha1')).status, 400)
  for (const wrong of ['?after=3.rule', '?after=0', '?order=size&after=3.rule', '?order=rule&after=rule'])
    assert.equal((await server.get(`/api/matches/${wrong}`)).status, 400, wrong)
})

test('matches are grouped by sample and by rule, with how many each has', async () => {
  const groups = async (query: string): Promise<Json> => (await server.get(`/api/matches/groups/${query}`)).json
  const counts = ({ results }: Json) =>
    results.map(({ newest, matches }: Json) => `${newest.rule} ${newest.filename} ${matches.count}`)
  const byRule = await groups('?by=rule')
  assert.deepEqual(counts(byRule).sort(), ['Text_of_any long.txt 6', 'three note_3.txt 1', 'thrice long.txt 1'])
  const bySample = await groups('?by=sample')
  assert.deepEqual(
    bySample.results.map(({ newest, matches }: Json) => `${newest.filename} ${matches.count}`),
    ['long.txt 2', '=cmd,x 1', 'note_3.txt 2', 'note_2.txt 1', 'note_1.txt 1', 'note_0.txt 1'],
  )
  // The filter decides what is counted, and which is the newest.
  assert.deepEqual(counts(await groups('?by=rule&max_size=6&ruleset=texts')), ['Text_of_any =cmd,x 5'])
  assert.deepEqual(counts(await groups('?by=sample&rule=three')), ['three note_3.txt 1'])
  const page = await groups('?by=sample&limit=2')
  const rest = await groups(`?by=sample&after=${page.next_after}`)
  assert.deepEqual([...page.results, ...rest.results], bySample.results)
})

test('matches are exported by filter and by choice, as CSV, JSON and hashes', async () => {
  const csv = await server.get('/api/matches/export/?format=csv&ruleset=texts')
  assert.match(String(csv.headers['content-disposition']), /^attachment; filename="matches\.csv"/)
  const [head, ...lines] = csv.text.trimEnd().split('\r\n')
  assert.match(head ?? '', /^ruleset,rule,cloud,created,classification,/)
  assert.equal(lines.length, 6)
  assert.ok(csv.text.includes('"\'=cmd,x"'), 'a name that a spreadsheet would run is made harmless')
  const json = JSON.parse((await server.get('/api/matches/export/?format=json&rule=three')).text)
  assert.deepEqual(
    json.map(({ sha256 }: Json) => sha256),
    [sha256('text 3')],
  )
  assert.deepEqual(JSON.parse((await server.get('/api/matches/export/?format=json&place=cloud')).text), [])
  const { results } = await search('?tag=eu')
  assert.equal(results.length, 2)
  const ids = results.map(({ id }: Json) => id)
  const hashes = await server.post('/api/matches/export/', { json: { format: 'hashes', ids } })
  assert.equal(hashes.text, `${sha256('text 3')}\n`)
  assert.equal((await server.get('/api/matches/export/?format=xml')).status, 400)
})

test('matches are exported as a STIX bundle whose references hold and whose ids stay the same', async () => {
  const answer = await server.get('/api/matches/export/?format=stix&ruleset=texts')
  assert.equal(answer.headers['content-type'], 'application/stix+json;version=2.1')
  const matches = JSON.parse((await server.get('/api/matches/export/?format=json&ruleset=texts')).text) as Json[]
  const bundle = JSON.parse(answer.text)
  assert.equal(bundle.type, 'bundle')
  const ofType = (type: string) => bundle.objects.filter((object: Json) => object.type === type) as Json[]
  const ids = new Set(bundle.objects.map(({ id }: Json) => id))
  assert.equal(ids.size, bundle.objects.length)
  for (const { id, type, spec_version } of bundle.objects) {
    assert.match(id, new RegExp(`^${type}--[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`))
    assert.equal(spec_version, '2.1')
  }
  const files = Map.groupBy(ofType('file'), ({ id }) => id)
  const told = ofType('malware-analysis').map(({ sample_ref, created_by_ref, result_name, result }) => {
    assert.ok(ids.has(created_by_ref))
    const [file] = files.get(sample_ref) ?? []
    return [result_name, result, file?.hashes['SHA-256'], file?.name, file?.size]
  })
  const results: Json = { goodware: 'benign', malicious: 'malicious', suspicious: 'suspicious', unknown: 'unknown' }
  assert.deepEqual(
    told,
    matches.map((match) => [
      `texts/${match.rule}`,
      results[match.classification],
      match.sha256,
      match.filename,
      match.file_size,
    ]),
  )
  assert.equal(files.size, new Set(matches.map(({ sha1 }) => sha1)).size)
  const again = JSON.parse((await server.get('/api/matches/export/?format=stix&ruleset=texts')).text)
  assert.deepEqual(again.objects, bundle.objects)
  // Of the id of a file, the standard says what it is made from, so that other programs give the same one.
  const [one] = ofType('file')
  const known = JSON.stringify({ hashes: { MD5: one?.hashes.MD5 }, name: one?.name })
  assert.equal(one?.id, `file--${v5(known, '00abedb4-aa42-466c-9c23-fed23a9bfd4c')}`)
})

test('matches are exported as a MISP event with an object for each sample', async () => {
  const { Event: event } = JSON.parse((await server.get('/api/matches/export/?format=misp&ruleset=texts')).text)
  const matches = JSON.parse((await server.get('/api/matches/export/?format=json&ruleset=texts')).text) as Json[]
  const bySample = Map.groupBy(matches, ({ sha1 }) => sha1)
  assert.equal(event.Object.length, bySample.size)
  assert.match(event.info, new RegExp(`^YARA matches: ${bySample.size} samples`))
  for (const object of event.Object) {
    assert.equal(object.name, 'file')
    const values = Object.fromEntries(object.Attribute.map((each: Json) => [each.object_relation, each.value]))
    const found = bySample.get(values.sha1) ?? []
    assert.equal(values.sha256, found[0]?.sha256)
    assert.equal(values['size-in-bytes'], String(found[0]?.file_size))
    for (const { rule } of found) assert.ok(object.comment.includes(`texts/${rule}`), object.comment)
    const indicating = object.Attribute.filter(({ to_ids }: Json) => to_ids).map((each: Json) => each.type)
    assert.deepEqual(indicating, found[0]?.classification === 'goodware' ? [] : ['md5', 'sha1', 'sha256'])
  }
})

test('the overview counts samples, bytes, matches and the index, and follows every change', async () => {
  const before = (await server.get('/api/overview/')).json
  assert.equal(before.samples, 6)
  assert.equal(before.matches, 8)
  assert.deepEqual(before.by_classification, { unknown: 5, goodware: 0, suspicious: 0, malicious: 1 })
  assert.ok(before.index.samples <= 6 && before.index.bytes > 0)
  const extra = await server.upload('goes again', 'extra')
  assert.equal((await server.get('/api/overview/')).json.sample_bytes, before.sample_bytes + 10)
  await server.delete(`/api/samples/${extra}/`)
  assert.deepEqual((await server.get('/api/overview/')).json.by_classification, before.by_classification)
  assert.equal((await server.get('/api/overview/')).json.sample_bytes, before.sample_bytes)
})

test('activity is told in columns of whole hours, days or weeks up to now', async () => {
  for (const [span, columns, seconds] of [
    ['day', 24, 3_600],
    ['week', 28, 21_600],
    ['month', 30, 86_400],
    ['year', 52, 604_800],
  ] as const) {
    const { json } = await server.get(`/api/overview/activity/?span=${span}`)
    assert.equal(json.seconds, seconds)
    assert.equal(json.columns.length, columns)
    const starts = json.columns.map(({ start }: Json) => Date.parse(start) / 1000)
    for (const [place, start] of starts.entries()) {
      assert.equal(start % seconds, 0)
      if (place > 0) assert.equal(start - starts[place - 1], seconds)
    }
    // The test may run across the end of a column.
    const sum = (of: 'samples' | 'matches') =>
      json.columns.slice(-2).reduce((total: number, c: Json) => total + c[of], 0)
    assert.equal(sum('samples'), 6)
    assert.equal(sum('matches'), 8)
  }
  assert.equal((await server.get('/api/overview/activity/?span=ever')).status, 400)
})

test('limits are told as they are set, and health tells workers, storage and the journal', async () => {
  const { results } = (await server.get('/api/limits/')).json
  const limit = (name: string) => results.find((each: Json) => each.name === name)
  assert.deepEqual([limit('uploadLimit').value, limit('uploadLimit').preset], ['700MB', true])
  assert.deepEqual([limit('workers').value, limit('workers').flag], ['1', '--workers'])
  assert.equal(limit('adminToken'), undefined)
  const health = (await server.get('/api/health/')).json
  assert.ok(health.workers.some(({ role }: Json) => role === 'worker'))
  assert.ok(health.storage.free_bytes > 0 && health.storage.free_bytes <= health.storage.whole_bytes)
  assert.deepEqual(health.journal, [])
  assert.equal((await server.get('/api/health/', { as: null })).status, 403)
  const none = { servers: [], nodes: [], parts: [] }
  assert.deepEqual((await server.get('/api/cluster/')).json, { alone: true, ...none, waiting: [] })
  assert.equal((await server.get('/api/cluster/', { as: 'ana' })).status, 403)
})
