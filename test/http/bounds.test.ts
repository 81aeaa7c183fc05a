/** What one request may cost everybody: how much of a body is read, how long an answer gets, how forms are malformed. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Call, type Json, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start({ loginLimit: 10_000 })
})
after(() => server.stop())

const jsonHeaders = { 'content-type': 'application/json' }
/** Names of the operations that read more than the small bound, which is every other one's. */
const readers: Readonly<Record<string, number>> = {
  saveRuleset: 32,
  saveCoreRuleset: 32,
  createHunt: 32,
  explainRules: 32,
  measureSelection: 32,
  getSampleStatus: 4,
  listSamples: 4,
  listSamplesOlder: 4,
  deleteSamples: 4,
  tagSamples: 4,
  classifySamples: 4,
  downloadSamplesAsZip: 4,
  exportChosenMatches: 4,
  reanalyzeSamples: 4,
  reanalyzeSamplesOlder: 4,
  listContainers: 4,
  listDetailedReports: 4,
  listDetailedReportsOlder: 4,
  searchSamplesAdvanced: 1 / 16,
  searchSamplesAdvancedOlder: 1 / 16,
  searchSamplesAdvancedOldest: 1 / 16,
  addTags: 4,
  removeTags: 4,
  changeRulesets: 4,
  setRulesetNotes: 1 / 16,
  saveRulesetImport: 4,
  searchEverything: 4,
  uploadSmallSamples: 4,
}

const withBodies = () =>
  server.operations
    .filter(({ details }) => details.requestBody && !/^(?:uploadSample|startRulesetImport)/.test(details.operationId))
    .map(({ path, method, details }) => ({
      method,
      path: path.replace(/\{hash\}/, '0'.repeat(40)).replace(/\{\w+\}/g, 'local'),
      name: String(details.operationId),
    }))

test('no route reads a body that is larger than it can need, in any content type', { timeout: 120_000 }, async () => {
  assert.ok(withBodies().length > 20)
  for (const { method, path, name } of withBodies()) {
    const megabytes = readers[name] ?? 0.016
    const bytes = Math.floor(megabytes * 1024 * 1024) + 1_024
    for (const [type, head, tail] of [
      ['application/json', '{"x":"', '"}'],
      ['application/x-www-form-urlencoded', 'x=', ''],
      ['multipart/form-data; boundary=B', '--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n', '\r\n--B--\r\n'],
    ] as const) {
      const body = Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, 'a'), Buffer.from(tail)])
      const answer = await server.call(method, path, { body, headers: { 'content-type': type } })
      assert.equal(answer.status, 413, `${name} took ${bytes} bytes of ${type}: ${answer.text.slice(0, 200)}`)
      // Large ones once: what counts is the bound, which all three types share.
      if (megabytes > 4) break
    }
  }
})

test('JSON with more levels, names or values than a route can need is refused before it is parsed', async () => {
  const heavy: readonly [string, string][] = [
    ['levels of lists', `{"rules":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`],
    ['levels of objects', `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
    ['names', `{${Array.from({ length: 60_000 }, (_, n) => `"k${n}":1`).join()}}`],
    ['values', `{"rules":[${'{},'.repeat(2_000_000)}{}]}`],
  ]
  for (const [what, body] of heavy) {
    const answer = await server.post('/api/hunts/', { body, headers: jsonHeaders })
    assert.equal(answer.status, 413, `${what}: ${answer.text.slice(0, 200)}`)
    assert.match(answer.json.message, /larger than this appliance accepts/)
  }
  const open = await server.post('/api-token-auth/', { as: null, body: '['.repeat(15_000), headers: jsonHeaders })
  assert.equal(open.status, 413)
  // Brackets and quotes inside of strings are text.
  const content = `rule brackets { strings: $a = "${'[{'.repeat(500)}\\"" condition: $a }`
  const { status, text } = await server.post('/api/yara/ruleset/', { json: { name: 'brackets', content } })
  assert.equal(status, 200, text)
})

test('a body with very many entries that do not fit gets a short answer about the first', async () => {
  for (const [path, json] of [
    ['/api/hunts/', { rules: Array.from({ length: 9_000 }, () => ({})) }],
    ['/api/hunts/', { rules: Array.from({ length: 20_000 }, () => 1) }],
    ['/api/samples/status/', { hash_values: Array.from({ length: 10_000 }, () => ({ a: [] })) }],
    ['/api/samples/status/', { hash_values: Array.from({ length: 9_000 }, () => 'x'.repeat(300)) }],
    ['/api/matches/export/', { format: 'csv', ids: Array.from({ length: 9_000 }, () => 'x') }],
    ['/api/hunts/', { rules: [{ name: 'n', content: 'rule' }], selection: { hashes: ['y'.repeat(3_000_000)] } }],
    ['/api/yara/ruleset/', { name: 'z'.repeat(1_000_000), content: 'rule x { condition: true }' }],
  ] as const) {
    const answer = await server.post(path, { json })
    assert.equal(answer.status, 400, answer.text.slice(0, 200))
    assert.ok(answer.bytes.length < 10_000, `${path} answered ${answer.bytes.length} bytes`)
  }
  const many = await server.post('/api/hunts/', { json: { rules: Array.from({ length: 10_001 }, () => ({})) } })
  assert.match(many.json.message, /rules has more than 10000 entries\.$/)
})

test('what does not fit is told in sentences that name the parameter and what it must be', async () => {
  const cases: readonly [string, string, Call, RegExp][] = [
    [
      'GET',
      '/api/yara/v2/rulesets/?page=x&page_size=0',
      {},
      /: page must be a whole number from 1; page_size must be a whole number from 1\.$/,
    ],
    ['GET', '/api/yara/v2/rulesets/?type=mine', {}, /: type must be one of my, user, system, all\.$/],
    ['GET', '/api/samples/?limit=0', {}, /: limit must be a whole number from 1 to 500\.$/],
    ['GET', '/api/samples/?limit=many', {}, /: limit must be a whole number from 1 to 500\.$/],
    ...['/api/samples/', '/api/matches/', '/api/audit/'].flatMap((path): [string, string, Call, RegExp][] => [
      ['GET', `${path}?from=yesterday`, {}, /: from must be a date such as 2026-11-22, or a time such as .*Z\.$/],
      ['GET', `${path}?from=2026-11-22&to=2026-13-40`, {}, /: to must be a date such as 2026-11-22, or a time/],
    ]),
    ['GET', '/api/samples/?after=soon', {}, /: after must be `next` of an earlier page\.$/],
    ['GET', '/api/rulesets/?descending=perhaps', {}, /: descending must be true or false\.$/],
    ['GET', `/api/rulesets/?search=${'x'.repeat(300)}`, {}, /: search must be text of up to 200 characters\.$/],
    ['POST', '/api/hunts/', {}, /: the body is missing; it holds rules\.$/],
    ['POST', '/api/hunts/', { json: [] }, /: body must be an object with named fields\.$/],
    ['POST', '/api/hunts/', { json: { rules: [] } }, /: rules has no entry\.$/],
    [
      'POST',
      '/api/hunts/',
      { json: { rules: [{ name: 'x', content: 'y' }, { name: 'x' }] } },
      /: rules\[1\]\.content is missing\.$/,
    ],
    [
      'POST',
      '/api/hunts/',
      { json: { rules: [{ name: 'x', content: 'y' }], selection: { first_seen: { from: 'today' } } } },
      /: selection\.first_seen\.from must be a time such as 2026-11-22T10:00:00Z\.$/,
    ],
    ['POST', '/api/yara/ruleset/', { form: { name: 'abc' } }, /: content is missing\.$/],
    [
      'POST',
      '/api/yara/ruleset/',
      { form: { name: 'abc', content: '' } },
      /: content must be text that is not empty\.$/,
    ],
    [
      'POST',
      '/api/yara/ruleset/enable/',
      { form: { name: 'abc', publish: 'maybe' } },
      /: publish must be true or false in any case, or 1 or 0\.$/,
    ],
    [
      'POST',
      '/api/samples/selection/classification/',
      { json: { hash_values: ['x'], classification: 'evil' } },
      /: classification must be one of goodware, suspicious, malicious or null\.$/,
    ],
    [
      'POST',
      '/api/samples/selection/classification/',
      { json: { hash_values: ['x'], classification: null, threat_name: 'a b' } },
      /: threat_name must be up to 100 letters, digits, dots, underscores or hyphens\.$/,
    ],
    [
      'POST',
      `/api/samples/${'0'.repeat(40)}/setclassification/local/`,
      { form: { classification: 'malicious', risk_score: '99' } },
      /: risk_score must be 0 to 5 for goodware, else 6 to 10\.$/,
    ],
    [
      'POST',
      '/api/uploads/local-retro-hunt/',
      { form: { operation: 'start' } },
      /: operation must be one of START, STOP\.$/,
    ],
  ]
  for (const [method, path, call, sentence] of cases) {
    const answer = await server.call(method, path, call)
    assert.equal(answer.status, 400, `${path}: ${answer.text}`)
    assert.match(answer.json.message, sentence)
    assert.ok(!('parameters' in answer.json.detail) || Array.isArray(answer.json.detail.parameters), answer.text)
  }
})

test('every pattern and format that a parameter has to fit is described in words', () => {
  const unsaid: string[] = []
  const look = (schema: Json, place: string): void => {
    if (typeof schema !== 'object' || schema === null) return
    const isSaid = schema.description !== undefined || schema.format === 'date-time' || schema.format === 'binary'
    if ([schema.pattern, schema.format].some((each) => typeof each === 'string') && !isSaid) unsaid.push(place)
    for (const [name, part] of Object.entries(schema)) look(part, `${place}/${name}`)
  }
  for (const { path, method, details } of server.operations) {
    for (const { name, description, schema } of details.parameters ?? []) {
      look({ description, ...schema }, `${method} ${path} ${name}`)
    }
    look(details.requestBody, `${method} ${path}`)
  }
  assert.deepEqual(unsaid, [])
})

test('a form that is malformed in any part of its frame is refused as such, on every form', {
  timeout: 120_000,
}, async () => {
  const part = (boundary: string, headers: string, value = 'x') =>
    `--${boundary}\r\n${headers}\r\n\r\n${value}\r\n--${boundary}--\r\n`
  const field = 'Content-Disposition: form-data; name="name"'
  const forms: readonly [string, string, string | Buffer][] = [
    ['a boundary of 300 characters', `multipart/form-data; boundary=${'b'.repeat(300)}`, part('b'.repeat(300), field)],
    [
      'a quoted boundary of 300 characters',
      `multipart/form-data; boundary="${'b'.repeat(300)}"`,
      part('b'.repeat(300), field),
    ],
    ['a boundary of 71 characters', `multipart/form-data; boundary=${'b'.repeat(71)}`, part('b'.repeat(71), field)],
    ['an empty boundary', 'multipart/form-data; boundary=', part('', field)],
    ['an empty quoted boundary', 'multipart/form-data; boundary=""', part('', field)],
    ['no boundary', 'multipart/form-data', part('B', field)],
    ['another boundary', 'multipart/form-data; boundary=A', part('B', field)],
    ['a part without headers', 'multipart/form-data; boundary=B', '--B\r\n\r\nx\r\n--B--\r\n'],
    [
      'a header without an end',
      'multipart/form-data; boundary=B',
      `--B\r\n${'X: y\r\n'.repeat(3_000)}`.slice(0, 15_000),
    ],
    [
      'a header of zeros',
      'multipart/form-data; boundary=B',
      Buffer.concat([Buffer.from('--B\r\n'), Buffer.alloc(1000)]),
    ],
    [
      'a part of another disposition',
      'multipart/form-data; boundary=B',
      part('B', 'Content-Disposition: attachment; name="name"'),
    ],
    [
      'JSON of many levels as a field',
      'multipart/form-data; boundary=B',
      part('B', `${field}\r\nContent-Type: application/json`, '['.repeat(7_000) + ']'.repeat(7_000)),
    ],
    [
      'a broken transfer encoding',
      'multipart/form-data; boundary=B',
      part('B', `${field}\r\nContent-Transfer-Encoding: base64`, '\xff\xfe'),
    ],
    [
      'a charset that is none',
      'multipart/form-data; boundary=B; charset=none',
      part('B', `${field}\r\nContent-Type: text/plain; charset=none`, ''),
    ],
    ['another multipart type', 'multipart/mixed; boundary=B', part('B', field)],
    ['a Content-Type that is none', ';;;', part('B', field)],
    ['JSON in a charset that is none', 'application/json; charset=none', '{"name"'],
  ]
  const targets = [...withBodies(), { method: 'POST', path: '/api/submit/file/', name: 'uploadSample' }]
  for (const { method, path, name } of targets) {
    for (const [what, type, body] of forms) {
      const { status, text } = await server.call(method, path, { body, headers: { 'content-type': type } })
      assert.ok(status >= 400 && status < 500, `${name} answered ${what} with ${status} ${text.slice(0, 200)}`)
    }
  }
  const { status, json } = await server.post('/api/yara/ruleset/', {
    body: forms[0]?.[2] as string,
    headers: { 'content-type': forms[0]?.[1] ?? '' },
  })
  assert.deepEqual([status, json.error], [400, 'request.malformed'])
  assert.match(json.message, /boundary of 1 to 70 characters/)
  assert.doesNotMatch(server.logged(), /"level":(?:50|60)/)
})

test('ranges of files are served, refused with 416 behind the end, and ignored where they make no sense', async () => {
  const page = await server.get('/', { as: null, isDocumented: false })
  const [, script = ''] = /<script [^>]*src="\.(\/assets\/[^"]+\.js)"/.exec(page.text) ?? []
  assert.ok(script, page.text)
  const whole = await server.get(script, { as: null, isDocumented: false })
  const ask = (range: string, more: Record<string, string> = {}) =>
    server.get(script, { as: null, isDocumented: false, headers: { range, ...more } })
  for (const range of ['bytes=99999999-', 'bytes=99999999-999999999', `bytes=${whole.bytes.length}-`]) {
    const answer = await ask(range)
    assert.equal(answer.status, 416, `${range}: ${answer.text.slice(0, 100)}`)
    assert.equal(answer.json.error, 'request.range')
    assert.equal(answer.headers['content-range'], `bytes */${whole.bytes.length}`)
  }
  assert.deepEqual((await ask('bytes=1-4')).bytes, whole.bytes.subarray(1, 5))
  for (const range of ['bytes=', 'bytes=x-y', 'bytes=4-1', 'lines=1-2', 'bytes=0-1,3-4', 'bytes=-', '=', 'bytes=--1']) {
    const { status } = await ask(range)
    assert.ok([200, 206, 416].includes(status), `${range}: ${status}`)
  }
  assert.equal((await ask('bytes=99999999-', { 'if-range': '"another"' })).status, 200)
  for (const other of ['/favicon.svg', '/api/docs/static/swagger-ui.css', '/api/openapi.json']) {
    const { status } = await server.get(other, { as: null, isDocumented: false, headers: { range: 'bytes=99999999-' } })
    assert.ok(status === 200 || status === 416, `${other}: ${status}`)
  }
  const hash = await server.upload('to be read in part', 'part.txt')
  for (const path of [`/api/samples/${hash}/download/`, `/api/samples/${hash}/bytes/`]) {
    const { status, text } = await server.get(path, { headers: { range: 'bytes=99999999-' } })
    assert.deepEqual([status, text], [200, 'to be read in part'])
  }
  assert.doesNotMatch(server.logged(), /"level":(?:50|60)/)
})

test('texts that take long to plan are planned in other processes, and what is beyond the bounds is not looked up', async () => {
  const strings = Array.from({ length: 200 }, (_, n) => `$s${n} = "s${10_000 + n}" xor ascii wide`)
  const rules = [{ name: 'long', content: `rule long { strings: ${strings.join(' ')} condition: any of them }` }]
  const before = performance.eventLoopUtilization()
  const { status, json, text } = await server.post('/api/hunts/explain/', { json: { rules } })
  const { utilization } = performance.eventLoopUtilization(before)
  assert.equal(status, 200, text.slice(0, 300))
  assert.ok(utilization < 0.5, `the thread that answers everybody worked for ${utilization} of the time`)
  const [{ warnings }] = json.texts
  assert.deepEqual(
    warnings.map(({ code }: Json) => code),
    ['without-index'],
  )
})

test('very many comments hold up neither saving nor hunts, and problems are told at their place in the whole text', async () => {
  const comments = '// commented out\n'.repeat(120_000)
  await server.saveRuleset('commented', `${comments}rule commented { condition: filesize == 0 }`)
  const rules = (content: string) => ({ json: { rules: [{ name: 'commented', content }] } })
  const hunt = await server.post('/api/hunts/', rules(`rule a { condition: false }\n${comments}`))
  assert.equal(hunt.status, 201, hunt.text.slice(0, 500))
  const broken = await server.post('/api/hunts/', rules(`${comments}rule a { condition: nothing }`))
  assert.equal(broken.status, 400)
  const [problem] = broken.json.detail.diagnostics
  assert.deepEqual([problem.line, problem.column], [120_001, 21])
})

test('lists of hunts and their progress never carry texts or long selections, which have an address of their own', async () => {
  const content = `rule long { condition: filesize == 77 } // ${'x'.repeat(2_000_000)}`
  const hashes = Array.from({ length: 30_000 }, (_, n) => n.toString(16).padStart(40, '0'))
  const rules = Array.from({ length: 30 }, (_, n) => ({
    name: `text ${n}`,
    content: n === 0 ? content : 'rule r { condition: false }',
  }))
  const made = await server.post('/api/hunts/', { json: { rules, selection: { hashes } } })
  assert.equal(made.status, 201, made.text.slice(0, 300))
  const { id } = made.json
  await server.appliance.adHocHunts.settled(id)
  for (const answer of [
    made,
    await server.get('/api/hunts/'),
    await server.get('/api/hunts/?page=1&page_size=5&type=all'),
    await server.get(`/api/hunts/${id}/`),
    await server.get(`/api/hunts/${id}/events/`),
  ]) {
    assert.ok(answer.bytes.length < 50_000, `an answer of ${answer.bytes.length} bytes`)
    assert.ok(answer.text.includes('text 0'))
  }
  const { json } = await server.get(`/api/hunts/${id}/`)
  assert.deepEqual([json.rules_count, json.selection_hashes], [30, 30_000])
  const { json: texts } = await server.get(`/api/hunts/${id}/rules/`)
  assert.deepEqual(
    texts.results,
    rules.map((rule) => ({ ...rule, left_out: [] })),
  )
  assert.equal((await server.get('/api/hunts/999999/rules/')).status, 404)
})

test('lists of hunts show the beginning of a long selection, whatever it is made of', async () => {
  const rules = [{ name: 'r', content: 'rule r { condition: false }' }]
  const many = Array.from({ length: 1_000 }, (_, n) => `${n}-${'x'.repeat(190)}`)
  const name = `*${'y'.repeat(999)}`
  const made = await server.post('/api/hunts/', { json: { rules, selection: { file_types: many, tags: many, name } } })
  assert.equal(made.status, 201, made.text.slice(0, 300))
  for (const { bytes, json } of [made, await server.get('/api/hunts/?page=1&page_size=1')]) {
    assert.ok(bytes.length < 20_000, `an answer of ${bytes.length} bytes`)
    const { selection } = json.results?.[0] ?? json
    assert.deepEqual([selection.file_types, selection.tags], [many.slice(0, 20), many.slice(0, 20)])
    assert.ok(name.startsWith(selection.name.slice(0, 400)), selection.name)
  }
  for (const [field, value, sentence] of [
    ['name', 'x'.repeat(1_001), /selection\.name must be text of 1 to 1000 characters\.$/],
    ['tags', [...many, 'one more'], /selection\.tags has more than 1000 entries\.$/],
    ['tags', ['x'.repeat(201)], /selection\.tags\[0\] must be text of 1 to 200 characters\.$/],
    ['file_types', [...many, 'one more'], /selection\.file_types has more than 1000 entries\.$/],
    ['file_types', ['x'.repeat(201)], /selection\.file_types\[0\] must be text of 1 to 200 characters\.$/],
  ] as const) {
    for (const path of ['/api/hunts/', '/api/hunts/selection/']) {
      const { status, json } = await server.post(path, { json: { rules, selection: { [field]: value } } })
      assert.equal(status, 400, `${path} took ${field}`)
      assert.match(json.message, sentence)
    }
  }
})

test('a refusal counts the entries of a long list that it does not show', async () => {
  const content = Array.from({ length: 300 }, (_, n) => `rule bad${n} { condition: nothing${n} }`).join('\n')
  for (const { status, json } of [
    await server.post('/api/hunts/', { json: { rules: [{ name: 'bad', content }] } }),
    await server.post('/api/yara/ruleset/', { form: { name: 'all_bad', content } }),
  ]) {
    assert.ok(status >= 400, String(status))
    assert.deepEqual([json.detail.diagnostics.length, json.detail.not_shown], [100, { diagnostics: 200 }])
    // As clients of earlier versions read it.
    assert.deepEqual(json.detail.left_out, json.detail.not_shown)
  }
  await server.delete('/api/yara/ruleset/', { form: { name: 'all_bad' } })
})

test('of very many problems of a text the first are listed and the rest counted, and so are warnings of a hunt', async () => {
  const bad = Array.from({ length: 1_500 }, (_, n) => `rule bad${n} { condition: nothing${n} }`).join('\n')
  const content = `${bad}\nrule good { condition: filesize == 7 }`
  const saved = await server.post('/api/yara/ruleset/', { form: { name: 'many_problems', content, partial: 'true' } })
  assert.equal(saved.status, 200, saved.text.slice(0, 300))
  const { diagnostics } = saved.json.detail
  assert.equal(diagnostics.length, 1_001)
  assert.match(diagnostics.at(-1).message, /^There are 500 more problems/)
  const never = Array.from({ length: 200 }, (_, n) => `rule w${n} { condition: extension == "exe" }`).join('\n')
  const rules = Array.from({ length: 12 }, (_, n) => ({ name: `text ${n}`, content: `${never}\n// ${n}` }))
  const hunt = await server.post('/api/hunts/', { json: { rules } })
  assert.equal(hunt.status, 201, hunt.text.slice(0, 300))
  assert.equal(hunt.json.warnings.length, 1_000)
  await server.delete('/api/yara/ruleset/', { form: { name: 'many_problems' } })
})

test('what a hunt leaves out is counted wherever it is shown, and listed whole beside its texts', async () => {
  const content = Array.from({ length: 300 }, (_, n) => `rule bad${n} { condition: nothing${n} }`).join('\n')
  const rules = [{ name: 'mixed', content: `${content}\nrule good { condition: false }` }]
  const made = await server.post('/api/hunts/', { json: { rules, partial: true } })
  assert.equal(made.status, 201, made.text.slice(0, 300))
  const hunts = [made.json, (await server.get('/api/hunts/')).json.results[0]]
  for (const { left_out, left_out_count } of hunts) assert.deepEqual([left_out.length, left_out_count], [20, 300])
  const { json: texts } = await server.get(`/api/hunts/${made.json.id}/rules/`)
  assert.deepEqual(
    texts.results[0].left_out.map(({ name }: Json) => name),
    Array.from({ length: 300 }, (_, n) => `bad${n}`),
  )
})

test('what users add without end to a sample, or to their account, does not make answers longer without end', async () => {
  const content = 'tagged without end'
  const words = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}${n}`)
  let hash = ''
  for (const name of words('name', 30)) hash = await server.upload(content, name)
  for (const prefix of ['a', 'b']) await server.post(`/api/tag/${hash}/`, { json: { tags: words(prefix, 750) } })
  const { json: list } = await server.post('/api/samples/v2/list/', { json: { hash_values: [hash] } })
  const [listed] = list.results
  assert.deepEqual(listed.tags.user, words('a', 750).sort().slice(0, 100))
  assert.deepEqual(listed.aliases, words('name', 20))
  assert.equal((await server.get(`/api/tag/${hash}/`)).json.length, 1_000)
  for (const tags of [words('t', 1_001).join(), 'x'.repeat(201)]) {
    const form = new FormData()
    form.append('file', new Blob([content]), 'f')
    form.append('tags', tags)
    const refused = await server.post('/api/submit/file/', { multipart: form })
    assert.equal(refused.status, 400)
    assert.match(refused.json.message, /tags must be up to 1000 texts of up to 200 characters\.$/)
  }

  await server.saveRuleset('many_matches', 'rule many { condition: false }')
  const database = new DatabaseSync(server.databaseFile)
  const numbers = 'WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10500)'
  database.exec(`
    INSERT INTO tokens (user_id, hash, label, created)
      ${numbers} SELECT (SELECT id FROM users WHERE name = 'ben'), CAST('hash ' || i AS BLOB), 'made', 1 FROM n;
    INSERT INTO users (name, password_hash, role, created) ${numbers} SELECT 'user ' || i, '', 'user', 1 FROM n;
    INSERT INTO matches (ruleset_id, sample_id, rule, revision_id, created)
      ${numbers} SELECT rulesets.id, samples.id, 'r' || i, revision_id, i FROM n, rulesets, samples
      WHERE rulesets.name = 'many_matches' AND sha1 = unhex('${hash}');
    INSERT INTO journal (created, kind, message) VALUES (1, 'said', '${'x'.repeat(100_000)}');`)
  database.close()
  assert.equal((await server.get('/api/users/ben/tokens/')).json.results.length, 1_000)
  assert.equal((await server.get('/api/users/')).json.results.length, 10_000)
  // Whoever asks for all of a longer list is told of the rest.
  const many = '/api/yara/v2/ruleset/matches/?name=many_matches'
  const documented = server.operations.find(({ details }) => details.operationId === 'listMatches')
  assert.ok(documented?.details.responses[200].headers['x-backtrail-left-out'])
  for (const [query, left] of [
    ['', '500'],
    ['&page=1&page_size=20000', '500'],
    ['&page=1&page_size=10000', undefined],
  ] as const) {
    const { headers, json } = await server.get(many + query)
    assert.deepEqual([json.count, json.results.length], [10_500, 10_000])
    assert.equal(headers['x-backtrail-left-out'], left, query)
    assert.match(json.next, /\?page=2&page_size=10000&name=many_matches$/)
  }
  assert.ok((await server.get('/api/health/')).bytes.length < 30_000)
})

test('an answer that takes longer than clients may be silent still ends properly', async () => {
  const silenceMs = 400
  const slow = await TestServer.start(
    {},
    ({ samples }) => ({
      samples: new Proxy(samples, {
        get(target, name) {
          if (name === 'fileTypes') return () => setTimeout(silenceMs * 5).then(() => target.fileTypes())
          const value = Reflect.get(target, name)
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
    }),
    { headersMs: 20_000, formMs: 20_000, silenceMs, lingerMs: 1_000 },
  )
  try {
    assert.equal((await slow.get('/api/samples/file-types/')).status, 200)
    // A client that sends nothing at all is not waited for.
    const idle = connect(Number(new URL(slow.url).port), '127.0.0.1')
    await new Promise((resolve) => idle.once('close', resolve))
  } finally {
    await slow.stop()
  }
})
