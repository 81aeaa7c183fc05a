/** The query language of the sample search, asked through every address that takes it. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { fieldsOfQueries } from '../../src/query/index.ts'
import { portableExecutable } from '../planner/portable-executable.ts'
import { type Json, sha256, TestServer } from './harness.ts'

let server: TestServer
const digests = new Map<string, Json>()

before(async () => {
  server = await TestServer.start()
  await server.saveRuleset('first_rules', 'rule says_alpha { strings: $a = "alpha" condition: $a }')
  await server.saveRuleset('second_rules', 'rule says_beta { strings: $a = "beta" condition: $a }', 'ana')
  const contents = {
    'alpha.txt': 'alpha alone',
    'beta.txt': 'beta alone',
    'both of them.txt': 'alpha and beta',
    '100%_plain.dat': `${'nothing of that '.repeat(200)}`,
    'page.html': '<html><body>a page</body></html>',
  }
  for (const [name, content] of Object.entries(contents)) await server.upload(content, name, 'ana')
  await server.upload(Buffer.from(portableExecutable(new Uint8Array(600), null)), 'program.exe')
  const member = { name: Buffer.from('inside/member.txt'), bytes: Buffer.from('a member of an archive') }
  await server.upload(storedZip([member]), 'archive.zip')
  await server.upload('alpha alone', 'second name.bin', 'ben')
  for (const { name, ...sample } of (await server.get('/api/samples/')).json.results) digests.set(name, sample)
  const tag = (name: string, ...tags: string[]) =>
    server.post(`/api/tag/${digests.get(name).sha1}/`, { json: { tags } })
  await tag('beta.txt', 'Seen', 'team a')
  await tag('page.html', 'seen')
  const classify = (name: string, classification: string, threat_name: string) =>
    server.post('/api/samples/selection/classification/', {
      json: { hash_values: [digests.get(name).sha1], classification, threat_name },
    })
  await classify('beta.txt', 'malicious', 'Win32.Trojan.Beta')
  await classify('page.html', 'suspicious', 'Text.Phishing.Page')
})
after(() => server.stop())

const everything = [
  '100%_plain.dat',
  'archive.zip',
  'beta.txt',
  'both of them.txt',
  'member.txt',
  'page.html',
  'program.exe',
  // Its other name is alpha.txt.
  'second name.bin',
]
const ask = async (query: string) => server.get(`/api/samples/?${new URLSearchParams({ query })}`)
const search = async (query: unknown, more = {}) =>
  server.post('/api/samples/v3/search/', { json: { query, ...more }, headers: { accept: 'application/json' } })
const without = (...names: string[]) => everything.filter((name) => !names.includes(name))

/** Query → names of the samples that it finds. `{name}` stands for the SHA-256 of that sample. */
const cases: readonly (readonly [string, readonly string[]])[] = [
  ['', everything],
  ['  ', everything],
  ['txt', ['second name.bin', 'beta.txt', 'both of them.txt', 'member.txt']],
  ['ALPHA.TXT', ['second name.bin']],
  ['filename:alpha.txt', ['second name.bin']],
  ['name:"second name.bin"', ['second name.bin']],
  ['filename:*.TXT', ['second name.bin', 'beta.txt', 'both of them.txt', 'member.txt']],
  ['filename:?eta.txt', ['beta.txt']],
  ['filename:"both * them.*"', ['both of them.txt']],
  ['filename:100%_plain.dat', ['100%_plain.dat']],
  ['filename:1%', []],
  ['filename:100??plain.dat', ['100%_plain.dat']],
  ['filename:\\*.txt', []],
  ['"of them"', ['both of them.txt']],
  ['of them', ['both of them.txt']],
  ['sha256:{beta.txt}', ['beta.txt']],
  ['{beta.txt}', ['beta.txt']],
  ['hash:{beta.txt 7}*', ['beta.txt']],
  ['sha256:{beta.txt 6}', ['beta.txt']],
  ['{beta.txt 9}', ['beta.txt']],
  ['sha1:{beta.txt 9}', []],
  ['{beta.txt} {page.html}', ['beta.txt', 'page.html']],
  ['{beta.txt},{page.html}', ['beta.txt', 'page.html']],
  ['{beta.txt}, {page.html}\n{alpha} ', ['beta.txt', 'page.html']],
  ['sha256:[{beta.txt}, {page.html}]', ['beta.txt', 'page.html']],
  ['sha256:({beta.txt} OR {page.html})', ['beta.txt', 'page.html']],
  ['NOT {beta.txt}', without('beta.txt')],
  ['parent:{archive.zip}', ['member.txt']],
  ['folder:inside', ['member.txt']],
  ['sender:ana filename:alpha.txt', ['second name.bin']],
  ['sender:ben', ['second name.bin']],
  ['type:PE', ['program.exe']],
  ['sampletype:pe/exe', ['program.exe']],
  ['type:PE32', ['program.exe']],
  ['type:PE32+', []],
  ['filetype:Text/HTML', ['page.html']],
  ['type:*/Archive/*', ['archive.zip']],
  ['size:11', ['second name.bin']],
  ['size:[10 TO 11]', ['beta.txt', 'second name.bin']],
  ['size:>=1KB', ['100%_plain.dat', 'program.exe']],
  ['size:<11', ['beta.txt']],
  ['filesize:[1kb TO *] -type:PE', ['100%_plain.dat']],
  ['size:[10, 11]', ['beta.txt', 'second name.bin']],
  ['firstseen:>=2020-01-01', everything],
  ['lastseen:<2020-01-01', []],
  ['lastseen:[2020-01-01 TO "2035-01-01 10:00"]', everything],
  ['classification:malicious', ['beta.txt']],
  ['class:(malicious, suspicious)', ['beta.txt', 'page.html']],
  ['NOT classification:unknown', ['beta.txt', 'page.html']],
  ['riskscore:>=7', ['beta.txt']],
  ['riskscore:[* TO 6]', ['page.html']],
  ['NOT riskscore:[0 TO 10]', without('beta.txt', 'page.html')],
  ['threatname:*trojan*', ['beta.txt']],
  ['NOT threat:*trojan*', without('beta.txt')],
  ['tag:seen', ['page.html']],
  ['tag:"team a"', ['beta.txt']],
  ['tag:see*', ['beta.txt', 'page.html']],
  ['ruleset:first_rules', ['both of them.txt', 'second name.bin']],
  ['yara-ruleset:*_rules', ['beta.txt', 'both of them.txt', 'second name.bin']],
  ['ruleset:first_rules ruleset:second_rules', ['both of them.txt']],
  ['rule:says_beta', ['beta.txt', 'both of them.txt']],
  ['rule:says_* NOT rule:says_alpha', ['beta.txt']],
  ['filecount:>0', ['archive.zip']],
  ['available:true', everything],
  ['available:FALSE', []],
  ['tag:seen OR type:PE', ['page.html', 'program.exe']],
  ['tag:seen or type:pe', ['page.html', 'program.exe']],
  ['(tag:seen OR type:PE) AND size:<100', ['page.html']],
  ['tag:seen OR type:PE AND size:<100', ['page.html']],
  ['NOT (tag:see* OR type:PE)', without('beta.txt', 'page.html', 'program.exe')],
  ['-tag:see* -type:PE filename:*.txt', ['both of them.txt', 'member.txt', 'second name.bin']],
  ['NOT NOT tag:seen', ['page.html']],
]

const filled = (query: string) =>
  query
    .replace(/\{([^}]+) (\d+)\}/g, (_, name, digits) => digests.get(name).sha256.slice(0, Number(digits)))
    .replace(/\{([^}]+)\}/g, (_, name) => digests.get(name)?.sha256 ?? sha256(name))

for (const [query, expected] of cases) {
  test(`${JSON.stringify(query)} finds ${expected.length === everything.length ? 'all' : expected.join(', ') || 'nothing'}`, async () => {
    const names = (some: readonly Json[], key: string) => some.map((each) => each[key]).sort()
    const listed = (await ask(filled(query))).json
    assert.deepEqual([names(listed.results, 'name'), listed.next], [expected.toSorted(), null])
    const counted = await server.get(`/api/samples/count/?${new URLSearchParams({ query: filled(query) })}`)
    assert.deepEqual(counted.json, { count: expected.length, more: false })
    const { entries, more_pages } = (await search(filled(query))).json.rl.web_search_api
    assert.deepEqual([names(entries, 'filename'), more_pages], [expected.toSorted(), false])
  })
}

test('a query that cannot be understood is refused with the place and what to do', async () => {
  const problems: readonly (readonly [string, number, number, RegExp])[] = [
    ['tag:seen AND colour:red', 13, 20, /There is no field colour/],
    ['fil:x', 0, 4, /did you mean .*filename/],
    ['C:\\temp', 0, 2, /a text with a colon is put in quotes/],
    ['tag:seen AND', 9, 12, /Something must follow AND/],
    ['OR tag:seen', 0, 2, /Something must stand before OR/],
    ['NOT', 0, 3, /Something must follow NOT/],
    ['(tag:seen', 0, 1, /parenthesis is not closed/],
    ['tag:seen)', 8, 9, /closes none that is open/],
    ['()', 1, 2, /Something is missing/],
    ['name:"open', 5, 6, /quotation mark is not closed/],
    ['size:[1 TO 2', 5, 6, /bracket is not closed/],
    ['size:[]', 5, 7, /There is no value/],
    ['size:[5 TO 1]', 6, 12, /ends before it begins/],
    ['size:large', 5, 10, /A size is a number of bytes/],
    ['size:1TB', 5, 8, /A size is a number of bytes/],
    ['firstseen:yesterday', 10, 19, /A time is a date/],
    ['firstseen:2026-13-45', 10, 20, /no such time/],
    ['classification:bad', 15, 18, /A classification is/],
    ['available:maybe', 10, 15, /true or false/],
    ['sha256:xyz', 7, 10, /hexadecimal/],
    [`md5:${'a'.repeat(33)}`, 4, 37, /has 32 digits/],
    ['tag:>a', 4, 6, /> is for numbers/],
    ['tag:[a TO b]', 5, 11, /ranges are for numbers/i],
    ['tag:', 4, 4, /A value is missing/],
    ['foo(1).exe', 3, 4, /put it in quotes/],
    [`name:${'a*'.repeat(20)}`, 5, 45, /at most 8 wildcards/],
    ['('.repeat(33), 32, 33, /at most 32 levels/],
    [`${'NOT '.repeat(40)}a`, 128, 129, /at most 32 levels/],
    ['a '.repeat(257), 512, 513, /at most 256 terms/],
    ['a'.repeat(8_001), 8_000, 8_001, /at most 8000 characters/],
  ]
  for (const [query, from, to, words] of problems) {
    for (const { status, json } of [await ask(query), await search(query)]) {
      assert.deepEqual([status, json.error], [400, 'query.malformed'], query)
      assert.match(json.message, words)
      assert.deepEqual([json.detail.from, json.detail.to], [from, to], query)
      assert.ok(json.message.includes(`at character ${from + 1}:`), json.message)
    }
  }
})

test('a query may be an object: every field fits, with one of its values, which are taken whole', async () => {
  const found = async (query: unknown) => {
    const { status, json, text } = await search(query)
    assert.equal(status, 200, text)
    return json.rl.web_search_api.entries.map((each: Json) => each.filename).sort()
  }
  assert.deepEqual(await found({ filename: 'both of them.txt' }), ['both of them.txt'])
  assert.deepEqual(await found({ type: 'Text', size: '[10 TO 11]' }), ['beta.txt', 'second name.bin'])
  assert.deepEqual(await found({ tag: ['seen', 'team a'], available: true }), ['beta.txt', 'page.html'])
  assert.deepEqual(await found({}), everything)
  const { status, json } = await search({ colour: 'red' })
  assert.deepEqual([status, json.error], [400, 'query.malformed'])
})

test('pages of the advanced search are of one moment, and the first one looks anew', async () => {
  const pages = async (more: object) => {
    const names: string[] = []
    for (let page: number | null = 1; page !== null; ) {
      const { entries, more_pages, next_page } = (await search('', { page, records_per_page: 3, ...more })).json.rl
        .web_search_api as Json
      assert.equal(next_page, more_pages ? page + 1 : null)
      names.push(...entries.map((each: Json) => each.filename))
      // Between two pages something arrives: nothing may be repeated or left out by it.
      if (page === 1) await server.upload(`arrived between pages ${JSON.stringify(more)}`, 'between.txt')
      page = next_page
    }
    for (const { sha1 } of (await ask('filename:between.txt')).json.results)
      await server.delete(`/api/samples/${sha1}/`)
    return names
  }
  assert.deepEqual((await pages({})).toSorted(), everything)
  const bySize = await pages({ sort: 'size asc' })
  assert.deepEqual(bySize.toSorted(), everything)
  assert.deepEqual([bySize[0], bySize.at(-1)], ['beta.txt', '100%_plain.dat'])
  assert.deepEqual((await pages({ sort: 'size desc' })).toReversed(), bySize)
  assert.deepEqual((await pages({ sort: 'firstseen asc' }))[0], 'second name.bin')
  assert.equal((await pages({ sort: 'threatname asc' }))[0], 'page.html')
  for (const sort of ['sha1 asc', 'sampletype desc', 'filecount desc', 'firstseen desc']) {
    assert.deepEqual((await pages({ sort })).toSorted(), everything, sort)
  }
  await server.upload('it is there at once', 'at-once.txt')
  assert.equal((await search('filename:at-once.txt')).json.rl.web_search_api.entries.length, 1)
  await server.delete(`/api/samples/${(await ask('filename:at-once.txt')).json.results[0].sha1}/`)
})

test('an entry has the vendor’s fields, and none that is not known', async () => {
  const [entry] = (await search('filename:beta.txt')).json.rl.web_search_api.entries
  const { sha1, sha256, md5 } = digests.get('beta.txt')
  assert.match(entry.firstseen, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  assert.deepEqual(
    { ...entry, firstseen: '', lastseen: '' },
    {
      available: true,
      sha1,
      sha256,
      md5,
      classification: 'malicious',
      threatname: 'Win32.Trojan.Beta',
      factor: 10,
      size: 10,
      sampletype: digests.get('beta.txt').file_type,
      filename: 'beta.txt',
      filecount: 0,
      firstseen: '',
      lastseen: '',
    },
  )
  const [plain] = (await search('filename:member.txt')).json.rl.web_search_api.entries
  assert.deepEqual(['threatname' in plain, 'factor' in plain], [false, false])
})

test('the older version answers alike; what this appliance does not do is refused', async () => {
  const body = { query: 'tag:seen', page: '1', records_per_page: '20', sort: 'sha1 desc' }
  const [newer, older] = [3, 2].map((version) => server.post(`/api/samples/v${version}/search/`, { json: body }))
  assert.deepEqual((await newer)?.json, (await older)?.json)
  assert.equal((await server.post('/api/samples/v2/search/', { form: body })).json.rl.web_search_api.entries.length, 1)
  for (const more of [
    { ticloud: true },
    { ticloud: 'True' },
    { sort: 'colour asc' },
    { page: 0 },
    { records_per_page: 101 },
    { page: 501, records_per_page: 20 },
  ]) {
    assert.equal((await search('tag:seen', more)).status, 400, JSON.stringify(more))
  }
  assert.equal((await search('tag:seen', { ticloud: false })).status, 200)
})

test('a hunt is restricted by a query, and says it; one that cannot be understood is refused before it starts', async () => {
  const selection = { query: 'name:*.txt NOT tag:Seen' }
  const { json: measured } = await server.post('/api/hunts/selection/', { json: { selection } })
  assert.equal(measured.samples, 3)
  const rules = [{ name: 'all', content: 'rule all_of_them { condition: true }' }]
  const { json: hunt } = await server.post('/api/hunts/', { json: { rules, selection } })
  await server.appliance.adHocHunts.settled(hunt.id)
  const { json: ended } = await server.get(`/api/hunts/${hunt.id}/`)
  assert.deepEqual([ended.selection, ended.samples, ended.matches], [selection, 3, 3])
  const refused = await server.post('/api/hunts/', { json: { rules, selection: { query: 'size:' } } })
  assert.deepEqual([refused.status, refused.json.error], [400, 'query.malformed'])
})

test('a filter of a type takes its first parts, and goes together with a query', async () => {
  const found = async (filters: Record<string, string>) =>
    (await server.get(`/api/samples/?${new URLSearchParams(filters)}`)).json.results.map((each: Json) => each.name)
  assert.deepEqual(await found({ file_type: 'PE' }), ['program.exe'])
  assert.deepEqual(await found({ file_type: 'Text', query: 'tag:seen' }), ['page.html'])
  assert.deepEqual(await found({ q: 'page', query: 'tag:"team a"' }), [])
})

test('other requests are answered while a heavy query looks through many samples', { timeout: 300_000 }, async (t) => {
  const many = await TestServer.start()
  t.after(() => many.stop())
  const database = new DatabaseSync(many.databaseFile, { timeout: 10_000 })
  database.exec('BEGIN')
  const row = database.prepare(`
    INSERT INTO samples (sha256, sha1, size, stored, state, file_type, type_description, name, first_seen, last_seen)
    VALUES (?, ?, 1, 1, 'processed', 'Text/None', '', ?, ?, ?)`)
  for (let n = 1; n <= 10_000; n++) row.run(randomBytes(32), randomBytes(20), `${'ab'.repeat(100)}${n}`, n, n)
  database.exec('COMMIT')
  database.close()
  // Nothing fits, so all of them are looked at, with the most terms and wildcards that there may be.
  const query = Array.from({ length: 120 }, (_, n) => `filename:*a*b*a*b*a*b*${n}c*`).join(' OR ')
  let isOver = false
  const asked = many.post('/api/samples/v3/search/', { json: { query } }).finally(() => {
    isOver = true
  })
  let answered = 0
  while (!isOver) {
    assert.equal((await many.get('/healthz', { as: null })).status, 200)
    answered++
  }
  assert.deepEqual((await asked).json.rl.web_search_api.entries, [])
  assert.ok(answered >= 20, `${answered} other requests were answered meanwhile`)
})

test('every field of the language is in the documentation, with its other names', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const [, section = ''] = /^## The query language$(.*?)^## /ms.exec(page) ?? []
  const rows = [...section.matchAll(/^\| `([\w.-]+)`((?:, `[\w.-]+`)*) \| /gm)].map(([, name, others = '']) => [
    name,
    ...[...others.matchAll(/`([^`]+)`/g)].map(([, other]) => other),
  ])
  for (const { name, aliases } of fieldsOfQueries) {
    assert.deepEqual(
      rows.find(([first]) => first === name),
      [name, ...aliases],
      name,
    )
  }
})
