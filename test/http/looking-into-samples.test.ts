/** Searching samples, and looking into one: details, strings of its matches, entropy, bytes; many at once. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Json, sha1, sha256, TestServer } from './harness.ts'

const random = randomBytes(8_192)
const content = Buffer.concat([Buffer.alloc(8_192), Buffer.from('a needle, and one more needle'), random])
const rules = `rule needles : red {
  strings: $n = "needle" $private = "one more" private $z = { 00 00 6E 65 }
  condition: #n == 2 and $private and not $z
}
rule small { condition: filesize < 10 }`

let server: TestServer
before(async () => {
  server = await TestServer.start()
  await server.saveRuleset('needle_rules', rules, 'ana')
  await server.upload(content, 'haystack.bin', 'ana')
  for (let i = 0; i < 5; i++) await server.upload(`text ${i} of five`, `note_${i}.txt`)
})
after(() => server.stop())

const found = async (query: string): Promise<string[]> => {
  const { status, json, text } = await server.get(`/api/samples/${query}`)
  assert.equal(status, 200, text)
  return json.results.map(({ name }: Json) => name)
}

test('samples are found by hash, part of a name, type, classification, tag and time, page by page', async () => {
  assert.deepEqual(await found('?q=NOTE_'), ['note_4.txt', 'note_3.txt', 'note_2.txt', 'note_1.txt', 'note_0.txt'])
  assert.deepEqual(await found(`?q=${sha256(content).toUpperCase()}`), ['haystack.bin'])
  assert.deepEqual(await found(`?q=${sha1('text 3 of five')}&classification=malicious`), [])
  const types = (await server.get('/api/samples/file-types/')).json.results
  assert.ok(types.length >= 2, types.join())
  const byType = await Promise.all(types.map((type: string) => found(`?file_type=${encodeURIComponent(type)}`)))
  assert.deepEqual(byType.flat().sort(), (await found('')).sort())
  await server.post(`/api/samples/${sha1('text 2 of five')}/setclassification/local/`, {
    json: { classification: 'malicious' },
  })
  await server.post(`/api/tag/${sha1('text 2 of five')}/`, { json: { tags: ['eu'] } })
  assert.deepEqual(await found('?classification=malicious&tag=eu'), ['note_2.txt'])
  assert.deepEqual(await found('?classification=malicious&classification=unknown&tag=eu'), ['note_2.txt'])
  const today = new Date().toISOString().slice(0, 10)
  assert.equal((await found(`?from=${today}&to=${today}`)).length, 6)
  assert.deepEqual(await found('?to=2001-09-09'), [])

  const paged: string[] = []
  let after = ''
  do {
    const { json } = await server.get(`/api/samples/?limit=4&q=note${after && `&after=${after}`}`)
    paged.push(...json.results.map(({ name }: Json) => name))
    after = json.next
  } while (after)
  assert.deepEqual(paged, await found('?q=note'))
})

test('malformed times and places in a list are refused', async () => {
  for (const query of ['?from=yesterday', '?to=2026-13-01', '?after=x', '?limit=0', '?classification=bad']) {
    assert.equal((await server.get(`/api/samples/${query}`)).status, 400, query)
  }
})

test('the details of a sample tell its names, tags and matches', async () => {
  const { json } = await server.get(`/api/samples/${sha256(content)}/details/`)
  assert.equal(json.sample.sha1, sha1(content))
  assert.equal(json.sample.size, content.length)
  assert.deepEqual(
    json.sightings.map(({ name, user, source }: Json) => [name, user, source]),
    [['haystack.bin', 'ana', 'upload']],
  )
  assert.deepEqual(
    json.matches.map(({ ruleset, rule, cloud }: Json) => [ruleset, rule, cloud]),
    [['needle_rules', 'needles', false]],
  )
  assert.equal((await server.get(`/api/samples/${sha1('not here')}/details/`)).status, 404)
})

test('the strings of a match are found where they are, private ones left out', async () => {
  const strings = await server.get(`/api/samples/${sha1(content)}/strings/?ruleset=needle_rules`)
  assert.equal(strings.status, 200, strings.text)
  assert.equal(strings.json.trouble, null)
  assert.deepEqual(
    strings.json.rules.map(({ rule, tags }: Json) => [rule, tags]),
    [['needles', ['red']]],
  )
  const [first, second] = strings.json.rules[0].strings
  assert.equal(strings.json.rules[0].strings.length, 2)
  assert.deepEqual([first.identifier, first.offset, first.length], ['$n', 8_194, 6])
  assert.deepEqual([second.identifier, second.offset, second.length], ['$n', 8_215, 6])
  assert.equal(first.text.slice(first.start, first.start + 6), 'needle')
})

test('strings are refused for unknown rulesets, for those that never compiled, and for unknown samples', async () => {
  await server.post('/api/yara/ruleset/', { form: { name: 'broken', content: 'rule b { condition: nothing }' } })
  assert.equal((await server.get(`/api/samples/${sha1(content)}/strings/?ruleset=other`)).status, 404)
  assert.equal((await server.get(`/api/samples/${sha1('x')}/strings/?ruleset=needle_rules`)).status, 404)
  const broken = await server.get(`/api/samples/${sha1(content)}/strings/?ruleset=broken`)
  assert.equal(broken.status, 400)
  assert.equal(broken.json.error, 'rules.invalid')
})

test('entropy is nothing along zeros and nearly eight bits along random bytes', async () => {
  const { json } = await server.get(`/api/samples/${sha1(content)}/entropy/?slices=8`)
  assert.equal(json.size, content.length)
  assert.equal(json.bits.length, 8)
  assert.deepEqual(json.bits.slice(0, 3), [0, 0, 0])
  for (const bits of json.bits.slice(5)) assert.ok(bits > 7.8 && bits <= 8, String(bits))
  assert.equal((await server.get(`/api/samples/${sha1(content)}/entropy/?slices=5000`)).status, 400)
})

test('a small or empty sample has few slices or none', async () => {
  const tiny = await server.upload('ab', 'tiny')
  assert.deepEqual((await server.get(`/api/samples/${tiny}/entropy/`)).json, { size: 2, bits: [1] })
  const empty = await server.upload('', 'empty')
  assert.deepEqual((await server.get(`/api/samples/${empty}/entropy/`)).json, { size: 0, bits: [] })
  const nothing = await server.get(`/api/samples/${empty}/bytes/`)
  assert.deepEqual([nothing.status, nothing.bytes.length], [200, 0])
})

test('bytes are octets that no browser opens, and end with the sample', async () => {
  const address = `/api/samples/${sha1(content)}/bytes/`
  const some = await server.get(`${address}?offset=8192&length=10`)
  assert.equal(some.text, 'a needle, ')
  assert.equal(some.headers['content-type'], 'application/octet-stream')
  assert.equal(some.headers['x-content-type-options'], 'nosniff')
  assert.match(String(some.headers['content-disposition']), /^attachment/)
  const last = await server.get(`${address}?offset=${content.length - 3}&length=100`)
  assert.deepEqual(last.bytes, content.subarray(-3))
  assert.equal((await server.get(`${address}?offset=${content.length + 5}`)).bytes.length, 0)
  assert.equal((await server.get(`${address}?length=65537`)).status, 400)
  assert.equal((await server.get(`${address}?offset=-1`)).status, 400)
})

test('many samples are tagged, classified and packed at once', async () => {
  const chosen = [sha1('text 0 of five'), sha256('text 1 of five')]
  const json = { hash_values: [...chosen, sha1('unknown')] }
  const tagged = await server.post('/api/samples/selection/tags/', { json: { ...json, add: ['a', 'b'] } })
  assert.deepEqual(tagged.json, { changed: 2, not_found: [sha1('unknown')] })
  await server.post('/api/samples/selection/tags/', { json: { ...json, add: ['c'], remove: ['a'] } })
  assert.deepEqual((await server.get(`/api/tag/${chosen[1]}/`)).json, ['b', 'c'])
  const judge = (classification: string | null) =>
    server.post('/api/samples/selection/classification/', { json: { ...json, classification } })
  assert.equal((await judge('suspicious')).json.changed, 2)
  assert.equal((await found('?classification=suspicious')).length, 2)
  await judge(null)
  assert.deepEqual(await found('?classification=suspicious'), [])
  assert.equal((await judge('unknown')).status, 400)

  const zip = await server.post('/api/samples/selection/download/', { json: { hash_values: chosen } })
  assert.equal(zip.status, 200)
  for (const text of ['text 0 of five', 'text 1 of five']) assert.ok(zip.bytes.includes(sha256(text)))
  assert.ok(!zip.bytes.includes('text 0 of five'), 'the zip is encrypted')
  assert.equal((await server.post('/api/samples/selection/download/', { json })).status, 404)
})
