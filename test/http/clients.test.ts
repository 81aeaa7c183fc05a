/** Shapes and statuses on which clients of the vendor rely, and the readings taken where the pages leave room. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Json, sha256, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

/** By its row: adding one asks its server, and there is none here. It is never fetched by itself. */
function addRuleSource(name: string): void {
  const database = new DatabaseSync(server.databaseFile)
  database
    .prepare(
      `INSERT INTO rule_sources (name, owner_id, kind, url, branch, token, updates, deletes, created, modified)
       SELECT ?, min(id), 'git', 'https://rules.invalid/' || ?, '', '', 0, 0, 1, 1 FROM users`,
    )
    .run(name, name)
  database.close()
}

test('the next address of every list works, and following it gives the whole list', async () => {
  for (const name of ['list_one', 'list_two', 'list_three']) {
    await server.saveRuleset(name, `rule ${name} { strings: $a = "followed" condition: $a }`)
    await server.post('/api/hunts/', { json: { rules: [{ name, content: 'rule n { condition: false }' }] } })
    addRuleSource(name)
  }
  const members = ['a', 'b', 'c'].map((name) => ({ name: Buffer.from(name), bytes: Buffer.from(`followed ${name}`) }))
  const archive = await server.upload(storedZip(members), 'followed.zip')
  const values: Readonly<Record<string, string>> = { hash: archive, name: 'list_one' }
  const paged = server.operations.filter(({ method, details }) => {
    const parameters = (details.parameters ?? []).map(({ name }: Json) => name)
    return method === 'GET' && parameters.includes('page')
  })
  assert.ok(paged.length >= 5, `${paged.length} lists`)
  for (const { path } of paged) {
    const start = path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? '')
    const query = path.includes('matches') ? 'name=list_one&' : ''
    const whole = (await server.get(`${start}?${query}`)).json
    assert.ok(whole.count >= 3, `${path} has ${whole.count}`)
    assert.equal(whole.next, null)
    const seen: Json[] = []
    let next: string | null = `${server.url}${start}?${query}page=1&page_size=1`
    while (next !== null) {
      assert.ok(next.startsWith(`${server.url}/`), next)
      const { status, json, text } = await server.get(next.slice(server.url.length))
      assert.equal(status, 200, `${next}: ${text}`)
      seen.push(...json.results)
      next = json.next
      assert.ok(seen.length <= whole.count, path)
    }
    assert.deepEqual(seen, whole.results, path)
  }
})

test('a page that is too large is cut at what an answer may hold, and a later one is refused', async () => {
  const first = await server.get('/api/yara/v2/rulesets/?page=1&page_size=999999')
  assert.equal(first.status, 200)
  assert.equal((await server.get('/api/yara/v2/rulesets/?page=2&page_size=10001')).status, 400)
})

test('a parameter that comes again says the same, and an empty one of a query says nothing', async () => {
  const list = '/api/yara/v2/rulesets/'
  const echoed = async (query: string) => {
    const { status, json, text } = await server.get(`${list}?${query}`)
    assert.equal(status, 200, `${query}: ${text}`)
    return [json.type, json.status, json.source]
  }
  assert.deepEqual(await echoed('type=&status=&source=&page=&page_size='), ['my', 'all', 'all'])
  assert.deepEqual(await echoed('type=user&type=all&status=active&status=active'), ['all', 'active', 'all'])
  for (const query of ['/api/samples/?limit=&after=&classification=&min_size=', '/api/matches/?ruleset=&limit=&order='])
    assert.equal((await server.get(query)).status, 200, query)
  assert.equal(
    (await server.post('/api/samples/status/?status=', { form: { hash_values: '0'.repeat(40) } })).status,
    200,
  )
  assert.equal((await server.get('/api/yara/ruleset/content/?name=')).status, 400)

  const content = 'rule again { condition: false }'
  const saved = await server.post('/api/yara/ruleset/', { form: { name: ['said_twice', 'said_twice'], content } })
  assert.equal(saved.status, 200, saved.text)
  const [url, type] = ['/api/yara/ruleset/', 'application/x-www-form-urlencoded']
  for (const body of ['name=said_twice&name=list_two', 'name=said_twice&publish=true&publish=false']) {
    const { status, json } = await server.call('DELETE', url, { body, headers: { 'content-type': type } })
    assert.equal(status, 400, body)
    assert.match(json.message, /(?:name|publish) is given more than once, with different values\.$/)
  }
  const different = await server.get('/api/yara/ruleset/content/?name=said_twice&name=list_two')
  assert.equal(different.status, 400)
})

test('a deletion is answered in both shapes that clients read', async () => {
  const hash = await server.upload('deleted in two shapes', 'd')
  const { json } = await server.delete(`/api/samples/${hash}/`)
  const { results, ...plain } = json
  assert.deepEqual(results, plain)
  assert.deepEqual([results.message, results.detail.sha1], ['Sample deleted successfully.', hash])
  const bulk = await server.post('/api/samples/v2/delete_bulk/', { form: { hash_values: hash } })
  assert.deepEqual(bulk.json.results.detail, bulk.json.detail)
})

test('lists of samples tell the type in its parts and as a whole', async () => {
  const page = '<html><body>typed</body></html>'
  const archive = await server.upload(
    storedZip([{ name: Buffer.from('p.html'), bytes: Buffer.from(page) }]),
    'typed.zip',
  )
  const [listed] = (await server.post('/api/samples/v2/list/', { json: { hash_values: [archive] } })).json.results
  const [extracted] = (await server.get(`/api/samples/v2/${archive}/extracted-files/`)).json.results
  for (const sample of [listed, extracted.sample]) {
    const parts = sample.type_display.split('/')
    assert.deepEqual([sample.file_type, sample.file_subtype], parts.slice(0, 2))
    assert.equal(sample.identification_version, '')
  }
  assert.equal(extracted.sample.file_type, 'Text')
})

test('asking to fetch from an address is refused with a status that clients raise on', async () => {
  const url = 'http://example.org/sample.exe'
  const form = new FormData()
  form.append('url', url)
  for (const path of ['/api/uploads/', '/api/submit/file/', '/api/submit/url/']) {
    for (const call of [{ form: { url } }, { json: { url } }, { multipart: form }]) {
      const { status, json } = await server.post(path, { ...call, isDocumented: false })
      assert.deepEqual([status, json.error], [400, 'upload.url'], path)
      assert.match(json.message, /fetches nothing/)
    }
  }
})

test('why nothing was published is told to users and to administrators, each the true reason', async () => {
  await server.saveRuleset('to_publish', 'rule p { condition: false }', 'ana')
  const publish = async (as: 'admin' | 'ana', action: string) =>
    (await server.post(`/api/yara/ruleset/${action}/`, { as, form: { name: 'to_publish', publish: 'true' } })).json
  for (const action of ['disable', 'enable']) {
    assert.equal((await publish('ana', action)).message, 'Publish requests with non-admin token - not published')
    const { message } = await publish('admin', action)
    assert.match(
      message,
      new RegExp(`^Ruleset ${action}d successfully; not published: YARA synchronization is not enabled`),
    )
  }
  const form = { name: 'to_publish', content: 'rule p { condition: true }', publish: 'true' }
  for (const [as, said] of [
    ['ana', /needs an administrator/],
    ['admin', /^Nothing was published: YARA synchronization is not enabled/],
  ] as const) {
    for (const answer of [
      await server.post('/api/yara/ruleset/', { as, form }),
      await server.delete('/api/yara/ruleset/', { as, form }),
      await server.post('/api/yara/publish/all/', { as }),
      await server.post('/api/yara/publish/ruleset/to_publish/', { as }),
    ]) {
      assert.equal(answer.status, 403)
      assert.match(answer.json.message, said)
    }
  }
})

test('a ruleset name that cannot be is 400 wherever a name is given, and one that is not there is 404', async () => {
  const hash = await server.upload('asked with names', 'n')
  const everywhere = (name: string) => {
    const query = encodeURIComponent(name)
    return [
      server.get(`/api/yara/ruleset/content/?name=${query}`),
      server.get(`/api/yara/v2/ruleset/matches/?name=${query}`),
      server.delete('/api/yara/ruleset/', { form: { name } }),
      server.post('/api/yara/ruleset/enable/', { form: { name } }),
      server.post('/api/yara/ruleset/disable/', { form: { name } }),
      server.get(`/api/yara/ruleset/${query}/cloud-retro-hunt/`),
      server.post(`/api/yara/ruleset/${query}/cloud-retro-hunt/`, { form: { operation: 'STOP' } }),
      server.post(`/api/yara/publish/ruleset/${query}/`),
      server.get(`/api/rulesets/${query}/`),
      server.get(`/api/rulesets/${query}/revisions/`),
      server.get(`/api/rulesets/${query}/revisions/1/`),
      server.get(`/api/samples/${hash}/strings/?ruleset=${query}`),
      server.get(`/api/matches/?ruleset=${query}`),
      server.get(`/api/matches/export/?format=csv&ruleset=${query}`),
    ]
  }
  for (const [name, status] of [
    ['ab', 400],
    ['x'.repeat(49), 400],
    ['a\tb\tc', 400],
    ['never_saved', 404],
  ] as const) {
    for (const answer of await Promise.all(everywhere(name)))
      assert.equal(answer.status, status, `${name}: ${answer.text}`)
  }
  // Whether or not a name may hold blanks, all agree.
  const statuses = new Set((await Promise.all(everywhere('a b c'))).map(({ status }) => status))
  assert.equal(statuses.size, 1, [...statuses].join())
})

test('lists come as repeated fields, as JSON, or as one text with commas, and unknown fields are reported', async () => {
  const one = await server.upload('listed one', 'one')
  const two = await server.upload('listed two', 'two')
  const calls = [
    { form: { hash_values: `${one},${two}`, fields: 'sha1, classification,no_such_field' } },
    { form: { hash_values: [one, two], fields: ['sha1', 'classification', 'no_such_field'] } },
    { json: { hash_values: [one, two], fields: ['sha1,classification', 'no_such_field'] } },
  ]
  for (const call of calls) {
    const { json } = await server.post('/api/samples/v2/list/', call)
    assert.deepEqual(json.results, [
      { sha1: one, classification: 'unknown' },
      { sha1: two, classification: 'unknown' },
    ])
    assert.deepEqual(json.unknown_fields, ['no_such_field'])
  }
  assert.deepEqual((await server.post(`/api/tag/${one}/`, { form: { tags: 'e,f' } })).json, ['e', 'f'])
  assert.deepEqual((await server.delete(`/api/tag/${one}/`, { json: { tags: ['e, f'] } })).json, [])
  await server.post('/api/samples/selection/tags/', { json: { hash_values: [one], add: ['g,h'] } })
  assert.deepEqual((await server.get(`/api/tag/${one}/`)).json, ['g', 'h'])
  assert.equal((await server.post(`/api/tag/${one}/`, { form: { tags: ' , ' } })).status, 400)
  const { json } = await server.get('/api/samples/?classification=unknown,malicious&q=listed')
  assert.ok(Array.isArray(json.results))
})

test('a sample under analysis is told apart from one that was never seen', async () => {
  // The rule keeps the one worker busy, so what comes behind it waits.
  const content = 'rule busy { condition: for any i in (0..60000000) : ( i < 0 ) }'
  await server.saveRuleset('busy_worker', content)
  const form = new FormData()
  form.append('file', new Blob(['waits for the pipeline']), 'w')
  const { json } = await server.post('/api/submit/file/', { multipart: form })
  const ask = async (query = '') =>
    (
      await server.post(`/api/samples/status/${query}`, { form: { hash_values: [json.detail.sha1, '0'.repeat(40)] } })
    ).json.results.map(({ status }: Json) => status)
  assert.deepEqual(await ask(), ['processing', 'not_found'])
  assert.deepEqual(await ask('?status=processing'), ['processing'])
  assert.deepEqual(await ask('?status=not_found'), ['not_found'])
  await server.delete('/api/yara/ruleset/', { form: { name: 'busy_worker' } })
  await server.appliance.intake.idle()
  assert.deepEqual(await ask(), ['processed', 'not_found'])
})

test('a file keeps the name that the client meant, however its header writes it, and needs none', async () => {
  const names: readonly [string, string][] = [
    ['filename="a%22b.exe"', 'a"b.exe'],
    ['filename="a\\"b.exe"', 'a"b.exe'],
    ['filename="a%0D%0Ab.exe"', 'a\r\nb.exe'],
    ['filename="100%25.exe"', '100%25.exe'],
    ['filename="规则.exe"', '规则.exe'],
    ["filename*=UTF-8''%E8%A7%84%E5%88%99.exe", '规则.exe'],
    ['filename="semi;colon.exe"', 'semi;colon.exe'],
    ['filename=token.exe', 'token.exe'],
    ['filename=""', 'unnamed'],
    ['', 'unnamed'],
  ]
  for (const [n, [header, name]] of names.entries()) {
    const head = `--B\r\nContent-Disposition: form-data; name="file"${header && '; '}${header}\r\n\r\n`
    const body = Buffer.from(`${head}named ${n}\r\n--B--\r\n`)
    const answer = await server.post('/api/submit/file/', {
      body,
      headers: { 'content-type': 'multipart/form-data; boundary=B' },
    })
    assert.equal(answer.status, 201, `${header}: ${answer.text}`)
    assert.deepEqual([answer.json.detail.filename, answer.json.detail.sha256], [name, sha256(`named ${n}`)], header)
  }
})

test('what is no address of a sample, a hunt or a user is unknown, and not a wrong method', async () => {
  const hash = '0'.repeat(40)
  for (const [method, path] of [
    ['POST', '/api/samples/lists/'],
    ['GET', '/api/samples/v1/list/'],
    ['POST', '/api/samples/v2/lists/'],
    ['POST', '/api/samples/v3/search/x/'],
    ['GET', `/api/samples/v2/${hash}/`],
    ['POST', '/api/samples/nonsense/download/'],
    ['POST', `/api/samples/${hash}/setclassification/moon/x/`],
    ['GET', `/api/samples/${hash}/setclassification/moon/`],
    ['POST', '/api/hunts/mine/'],
    ['PUT', '/api/hunts/mine/cancel/'],
    ['POST', '/api/rulesets/abc/revisions/latest/'],
    ['GET', '/api/users/ana/tokens/first/'],
    ['PUT', '/api/tag/nonsense/'],
  ] as const) {
    const answer = await server.call(method, path, { isDocumented: false })
    assert.deepEqual([answer.status, answer.json.error], [404, 'path.unknown'], `${method} ${path}`)
  }
  const known = await server.call('PUT', `/api/samples/${hash}/`, { isDocumented: false })
  assert.deepEqual([known.status, known.headers.allow], [405, 'DELETE, GET, HEAD'])
})
