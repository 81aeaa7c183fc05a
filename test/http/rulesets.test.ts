import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Failure } from '../../src/errors/index.ts'
import { type Json, TestServer } from './harness.ts'

let server: TestServer

before(async () => {
  server = await TestServer.start()
  const admin = await server.appliance.accounts.users.find('admin')
  await server.appliance.rulesets.importCore(admin, { name: 'core_rules', content: 'rule core { condition: false }' })
})
after(() => server.stop())

const never = (name: string) => `rule ${name} { condition: false }`
const names = (list: Json): string[] => list.results.map(({ name }: Json) => name).sort()

test('a ruleset is created, updated and read back as it was sent, in each way to send a form', async () => {
  const contents = [
    'rule a { strings: $a = "100%" $b = "a+b&c=d" condition: $a or $b }',
    'rule b { strings: $a = "\\xe2" /* naïve — 規則 */\t condition: $a }',
  ]
  for (const content of contents) {
    const multipart = new FormData()
    multipart.append('name', 'sent_somehow')
    multipart.append('content', content)
    const asFile = new FormData()
    asFile.append('name', 'sent_somehow')
    asFile.append('content', new Blob([content]), 'rules.yar')
    for (const call of [
      { form: { name: 'sent_somehow', content, analysis: 'cloud' } },
      { multipart },
      { multipart: asFile },
      { json: { name: 'sent_somehow', content, analysis: 'cloud', publish: false } },
    ]) {
      const saved = await server.post('/api/yara/ruleset/', call)
      assert.equal(saved.status, 200, saved.text)
      assert.equal(saved.json.message, 'Ruleset updated/created successfully.')
      assert.equal(saved.json.detail.name, 'sent_somehow')
      assert.equal(saved.json.detail.cloud_synced, false)
      // Also where the ruleset has the text already.
      assert.match(saved.json.detail.engine, /^YARA-X \d/)
      const read = await server.get('/api/yara/ruleset/content/?name=sent_somehow')
      assert.deepEqual(read.json, { code: 200, detail: { name: 'sent_somehow', content } })
    }
  }
})

test('rules in an unescaped body, as the specification’s Python sample sends them, arrive whole', async () => {
  const content = 'rule p { strings: $a = "x" $b = "y" condition: 50% of them }'
  const { status } = await server.post('/api/yara/ruleset/', {
    body: `name=unescaped&content=${content}`,
    headers: { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' },
  })
  assert.equal(status, 200)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=unescaped')).json.detail.content, content)
})

test('a text that does not compile is stored all the same, and answered with 500 and where it is wrong', async () => {
  const content = 'rule bad {\n  condition:\n    $nowhere\n}\n'
  const answer = await server.post('/api/yara/ruleset/', { form: { name: 'broken_rules', content } })
  assert.equal(answer.status, 500)
  assert.equal(
    answer.json.message,
    'Error while creating or updating ruleset. Ruleset saved successfully, but due to errors the system cannot run it.',
  )
  const [problem] = answer.json.detail.diagnostics
  assert.equal(problem.line, 3)
  assert.equal(problem.column, 5)
  assert.equal(problem.severity, 'error')
  assert.ok(problem.message)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=broken_rules')).json.detail.content, content)
  const listed = await server.get('/api/yara/v2/rulesets/?status=invalid')
  assert.deepEqual(names(listed.json), ['broken_rules'])
})

test('a text that was not made of the current revision is refused where its revision is told, and nothing is lost', async () => {
  const name = 'two_writers'
  const text = (words: string) => `rule two { strings: $a = "${words}" condition: $a }`
  const save = (words: string, replaces?: number) =>
    server.post('/api/yara/ruleset/', {
      form: { name, content: text(words), ...(replaces !== undefined && { replaces: String(replaces) }) },
    })
  const current = async () => (await server.get(`/api/yara/ruleset/content/?name=${name}`)).json.detail.content
  const refusal = async (words: string, replaces: number) => {
    const { status, json } = await save(words, replaces)
    assert.equal(status, 409)
    assert.equal(json.error, 'ruleset.changed')
    return json
  }
  assert.equal((await refusal('of one that was deleted', 3)).detail.revision, 0)
  assert.equal((await save('the first', 0)).json.detail.revision, 1)
  assert.match((await refusal('a new one', 0)).message, /There is a ruleset two_writers already, with revision 1/)
  // Of two who saw the first revision, one comes second.
  const both = await Promise.all([save('one of two', 1), save('the other of two', 1)])
  assert.deepEqual(both.map(({ status }) => status).sort(), [200, 409])
  const lost = both.find(({ status }) => status === 409)
  assert.deepEqual(lost?.json.detail, { name, revision: 2, replaces: 1 })
  const kept = await current()
  assert.ok([text('one of two'), text('the other of two')].includes(kept))
  // The same text again is what its sender wanted, whatever it was made of: an answer may have been lost.
  assert.equal((await save(kept.includes('other') ? 'the other of two' : 'one of two', 1)).status, 200)
  assert.equal((await save('after looking', 2)).json.detail.revision, 3)
  assert.equal((await save('as the vendor’s clients save')).json.detail.revision, 4)
  for (const replaces of ['-1', 'one', '1.5'])
    assert.equal((await server.post('/api/yara/ruleset/', { form: { name, content: kept, replaces } })).status, 400)
})

test('a ruleset larger than one megabyte is accepted on the appliance', async () => {
  const content = `${never('large')}\n// ${'x'.repeat(1_200_000)}`
  await server.saveRuleset('large_rules', content)
  assert.equal(
    (await server.get('/api/yara/ruleset/content/?name=large_rules')).json.detail.content.length,
    content.length,
  )
  await server.delete('/api/yara/ruleset/', { form: { name: 'large_rules' } })
})

test('names are case-sensitive, and those outside the rules are refused', async () => {
  await server.saveRuleset('Case_Name', never('upper'))
  assert.equal((await server.get('/api/yara/ruleset/content/?name=case_name')).status, 404)
  for (const name of ['ab', 'x'.repeat(49), 'a/b/c', 'a\nb', 'C# loaders', 'a%41b']) {
    const { status, json } = await server.post('/api/yara/ruleset/', { form: { name, content: never('r') } })
    assert.equal(status, 400, name)
    assert.ok(json.message)
  }
})

test('a name with blanks, dots or letters of any script is stored, listed, matched and deleted as it was given', async () => {
  for (const [n, name] of [
    'Win32.Ransomware',
    'my rules',
    'Закладка-规则',
    "O'Neil & co. (100%)",
    '..'.repeat(2),
  ].entries()) {
    const content = `rule r { strings: $a = "named in ${n}" condition: $a }`
    const saved = await server.post('/api/yara/ruleset/', { form: { name, content } })
    assert.equal(saved.status, 200, `${name}: ${saved.text}`)
    const query = encodeURIComponent(name)
    const { json } = await server.get(`/api/yara/ruleset/content/?name=${query}`)
    assert.equal(json.detail.content, content)
    const hash = await server.upload(`named in ${n}`, 'n')
    const { json: matches } = await server.get(`/api/yara/v2/ruleset/matches/?name=${query}`)
    assert.deepEqual(
      matches.results.map(({ sha1 }: Json) => sha1),
      [hash],
    )
    assert.equal((await server.get(`/api/rulesets/${query}/`)).json.name, name)
    assert.equal((await server.delete('/api/yara/ruleset/', { form: { name } })).status, 200)
    assert.equal((await server.get(`/api/yara/ruleset/content/?name=${query}`)).status, 404)
  }
})

const threeRules = [
  '\uFEFFrule good { strings: $a = "partly good" condition: $a }',
  'rule bad { strings: $a = "x" condition: $a and not_known }',
  'rule user { condition: bad }',
].join('\n')

test('of a text of which some rules do not compile, the others run where that is asked for', async () => {
  const form = { name: 'partly', content: threeRules }
  const strict = await server.post('/api/yara/ruleset/', { form })
  assert.equal(strict.status, 500)
  const answer = await server.post('/api/yara/ruleset/', { form: { ...form, partial: 'True' } })
  assert.equal(answer.status, 200)
  const leftOut = [
    ['rule', 'bad', 2, 48],
    ['rule', 'user', 3, 24],
  ]
  const places = (list: { kind: string; name: string; line: number; column: number }[]) =>
    list.map(({ kind, name, line, column }) => [kind, name, line, column])
  assert.deepEqual(places(answer.json.detail.left_out), leftOut)
  assert.match(answer.json.detail.left_out[1].reason, /depends on the rule bad/)
  await server.upload('this is partly good', 'partly')
  const matches = async () => (await server.get('/api/yara/v2/ruleset/matches/?name=partly')).json.results
  assert.deepEqual(
    (await matches()).map(({ rule }: { rule: string }) => rule),
    ['good'],
  )
  const shown = (await server.get('/api/rulesets/partly/')).json
  assert.equal(shown.status, 'active')
  assert.match(shown.reason, /rule bad \(line 2\), rule user \(line 3\)/)
  for (const action of ['disable', 'enable']) {
    await server.post(`/api/yara/ruleset/${action}/`, { form: { name: 'partly' } })
  }
  assert.equal((await server.get('/api/rulesets/partly/')).json.reason, shown.reason)
  const revision = (await server.get('/api/rulesets/partly/revisions/2/')).json
  assert.deepEqual([revision.valid, places(revision.left_out)], [true, leftOut])
  assert.equal(revision.content, threeRules.slice(1))
  assert.deepEqual(
    revision.rules.map(({ name }: { name: string }) => name),
    ['good'],
  )
  // The same again changes nothing; without the wish for the rest, the text is what it is.
  await server.post('/api/yara/ruleset/', { form: { ...form, partial: '1' } })
  assert.equal((await server.get('/api/rulesets/partly/')).json.revision, 2)
  assert.equal((await server.post('/api/yara/ruleset/', { form })).status, 500)
  assert.equal((await server.get('/api/rulesets/partly/')).json.status, 'invalid')
  const none = { name: 'nothing', content: 'rule bad { condition: not_known }', partial: 'true' }
  assert.equal((await server.post('/api/yara/ruleset/', { form: none })).status, 500)

  const rules = [
    { name: 'three', content: threeRules },
    { name: 'broken', content: 'rule broken {' },
  ]
  assert.equal((await server.post('/api/hunts/', { json: { rules } })).status, 400)
  const hunt = await server.post('/api/hunts/', { json: { rules, partial: true } })
  assert.equal(hunt.status, 201)
  assert.deepEqual(
    hunt.json.left_out.map(({ text, kind, name }: Record<string, string>) => [text, kind, name]),
    [
      ['three', 'rule', 'bad'],
      ['three', 'rule', 'user'],
      ['broken', 'text', 'broken'],
    ],
  )
  await server.appliance.adHocHunts.settled(hunt.json.id)
  const { json } = await server.get(`/api/hunts/${hunt.json.id}/results/`)
  assert.deepEqual(
    json.results.map(({ ruleset, rule }: Record<string, string>) => [ruleset, rule]),
    [['three', 'good']],
  )
  assert.equal((await server.post('/api/hunts/explain/', { json: { rules } })).status, 400)
  const explained = await server.post('/api/hunts/explain/', { json: { rules, partial: true } })
  assert.deepEqual(
    explained.json.texts.map((text: { rules: { name: string }[]; left_out: unknown[] }) => [
      text.rules.map(({ name }) => name),
      text.left_out.length,
    ]),
    [
      [['good'], 2],
      [[], 1],
    ],
  )
  await server.delete('/api/yara/ruleset/', { form: { name: 'partly' } })
  await server.delete('/api/yara/ruleset/', { form: { name: 'nothing' } })
})

for (const name of ['Win32.Ransomware', 'my rules', 'правила 1', '100% & more?', '=a\'b"<b>', '...', '😀'.repeat(48)]) {
  test(`a ruleset may be called ${name}, wherever its name goes`, async () => {
    await server.saveRuleset(name, 'rule r { strings: $a = "name of a ruleset" condition: $a }', 'ben')
    const sample = await server.upload(`the name of a ruleset ${name}`, 'named.txt')
    const quoted = encodeURIComponent(name)
    const answers = [
      await server.get(`/api/yara/ruleset/content/?name=${quoted}`),
      await server.get(`/api/yara/v2/ruleset/matches/?name=${quoted}`),
      await server.get(`/api/rulesets/${quoted}/`),
      await server.get(`/api/rulesets/${quoted}/revisions/`),
      await server.get(`/api/rulesets/${quoted}/revisions/1/`),
      await server.get(`/api/matches/?ruleset=${quoted}`),
      await server.get(`/api/samples/${sample}/strings/?ruleset=${quoted}`),
      await server.post('/api/yara/ruleset/disable/', { form: { name }, as: 'ben' }),
      await server.post('/api/yara/ruleset/enable/', { form: { name }, as: 'ben' }),
    ]
    assert.deepEqual(
      answers.map(({ status }) => status).filter((status) => status !== 200),
      [],
    )
    assert.equal((await server.post(`/api/yara/publish/ruleset/${quoted}/`)).status, 403)
    assert.equal(answers[0]?.json.detail.name, name)
    assert.equal(answers[1]?.json.count, 1)
    assert.equal(answers[2]?.json.name, name)
    assert.equal((await server.delete('/api/yara/ruleset/', { form: { name }, as: 'ben' })).status, 200)
    assert.equal((await server.get(`/api/rulesets/${quoted}/`)).status, 404)
  })
}

test('the list shows one’s own rulesets unless asked for others, and core ones only when asked for', async () => {
  await server.saveRuleset('anas_rules', never('a'), 'ana')
  await server.saveRuleset('bens_rules', never('b'), 'ben')
  const list = async (query: string) => (await server.get(`/api/yara/v2/rulesets/${query}`, { as: 'ana' })).json
  assert.deepEqual(names(await list('')), ['anas_rules'])
  assert.deepEqual(names(await list('?type=my')), ['anas_rules'])
  assert.ok(names(await list('?type=user')).includes('bens_rules'))
  assert.ok(!names(await list('?type=user')).includes('core_rules'))
  assert.deepEqual(names(await list('?type=system')), ['core_rules'])
  assert.ok(names(await list('?type=all')).includes('core_rules'))
  const { type, status, source, count, results } = await list('?type=all&source=local')
  assert.deepEqual({ type, status, source }, { type: 'all', status: 'all', source: 'local' })
  assert.equal(count, results.length)
  assert.equal((await list('?source=cloud')).count, 0)
  const [own] = (await list('')).results
  assert.deepEqual(own, {
    name: 'anas_rules',
    owner: 'ana',
    status: 'active',
    malicious_match_count: 0,
    suspicious_match_count: 0,
    goodware_match_count: 0,
    unknown_match_count: 0,
    last_matched: null,
    system_ruleset: false,
    cloud_synced: false,
  })
})

test('pages add up to the whole list, point to each other, and end where the list ends', async () => {
  for (let n = 0; n < 7; n++) await server.saveRuleset(`paged_${n}`, never(`p${n}`), 'ben')
  const whole = (await server.get('/api/yara/v2/rulesets/', { as: 'ben' })).json
  assert.equal(whole.count, 8)
  let path: string | null = '/api/yara/v2/rulesets/?page=1&page_size=3'
  const seen: string[] = []
  for (let pages = 0; path; pages++) {
    assert.ok(pages < 3)
    const { json }: { json: Json } = await server.get(path, { as: 'ben' })
    assert.equal(json.count, 8)
    assert.equal(json.previous === null, pages === 0)
    seen.push(...json.results.map(({ name }: Json) => name))
    if (json.next) assert.ok(json.next.startsWith(`${server.url}/api/yara/v2/rulesets/?`), json.next)
    path = json.next ? json.next.slice(server.url.length) : null
  }
  assert.deepEqual(
    seen,
    whole.results.map(({ name }: Json) => name),
  )
  const beyond = await server.get('/api/yara/v2/rulesets/?page=4&page_size=3', { as: 'ben' })
  assert.equal(beyond.status, 400)
  for (const half of ['?page=1', '?page_size=5', '?page=0&page_size=5', '?page=1&page_size=0']) {
    assert.equal((await server.get(`/api/yara/v2/rulesets/${half}`, { as: 'ben' })).status, 400, half)
  }
  // Clients ask for pages larger than what there is, and for the first page of nothing.
  assert.equal((await server.get('/api/yara/v2/rulesets/?page=1&page_size=500', { as: 'ben' })).json.count, 8)
  const none = await server.get('/api/yara/v2/rulesets/?status=capped&page=1&page_size=10', { as: 'ben' })
  assert.deepEqual([none.status, none.json.count, none.json.next, none.json.previous], [200, 0, null, null])
})

test('disabling and enabling changes the status, may be repeated, and survives True in place of true', async () => {
  await server.saveRuleset('switched', never('s'), 'ana')
  const statusOf = async () =>
    (await server.get('/api/yara/v2/rulesets/', { as: 'ana' })).json.results.find(
      ({ name }: Json) => name === 'switched',
    ).status
  for (const [action, status] of [
    ['disable', 'disabled'],
    ['disable', 'disabled'],
    ['enable', 'active'],
    ['enable', 'active'],
  ] as const) {
    const { json } = await server.post(`/api/yara/ruleset/${action}/`, {
      as: 'ana',
      form: { name: 'switched', analysis: 'cloud' },
    })
    assert.deepEqual(json, { code: 200, message: `Ruleset ${action}d successfully.`, detail: { name: 'switched' } })
    assert.equal(await statusOf(), status)
  }
  const published = await server.post('/api/yara/ruleset/disable/', {
    as: 'ana',
    form: { name: 'switched', publish: 'True' },
  })
  assert.equal(published.status, 200)
  assert.equal(published.json.message, 'Publish requests with non-admin token - not published')
  assert.equal(await statusOf(), 'disabled')
})

test('publish is refused for create and delete before anything is done', async () => {
  for (const as of ['ana', 'admin'] as const) {
    const created = await server.post('/api/yara/ruleset/', {
      as,
      form: { name: 'published', content: never('p'), publish: 'True' },
    })
    assert.equal(created.status, 403)
    assert.equal((await server.get('/api/yara/ruleset/content/?name=published')).status, 404)
  }
  await server.saveRuleset('published', never('p'))
  assert.equal((await server.delete('/api/yara/ruleset/', { json: { name: 'published', publish: true } })).status, 403)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=published')).status, 200)
  for (const path of ['/api/yara/publish/all/', '/api/yara/publish/ruleset/published/']) {
    assert.equal((await server.post(path)).status, 403, path)
  }
  assert.equal((await server.post('/api/yara/publish/ruleset/nothing/')).status, 404)
  assert.equal((await server.post('/api/yara/publish/ruleset/core_rules/')).status, 401)
})

test('a ruleset is deleted with a form, with JSON and with multipart, and is then gone', async () => {
  const multipart = new FormData()
  multipart.append('name', 'to_delete')
  for (const call of [
    { form: { name: 'to_delete' } },
    { json: { analysis: 'cloud', name: 'to_delete' } },
    { multipart },
  ]) {
    await server.saveRuleset('to_delete', never('d'), 'ana')
    const { json } = await server.delete('/api/yara/ruleset/', { as: 'ana', ...call })
    assert.deepEqual(json, { code: 200, message: 'Ruleset deleted successfully.', detail: { name: 'to_delete' } })
    assert.equal((await server.delete('/api/yara/ruleset/', { as: 'ana', ...call })).status, 404)
    assert.equal((await server.get('/api/yara/ruleset/content/?name=to_delete')).status, 404)
  }
  assert.equal((await server.delete('/api/yara/ruleset/', { json: {} })).status, 400)
  assert.equal((await server.delete('/api/yara/ruleset/')).status, 400)
})

test('core rulesets and those of others are refused with 401 in the words of each table', async () => {
  await server.saveRuleset('bens_own', never('b'), 'ben')
  const refused = async (method: string, path: string, name: string, as: 'ana' | 'admin') => {
    const { status, json } = await server.call(method, path, { as, form: { name, content: never('x') } })
    return [status, json.message]
  }
  assert.deepEqual(await refused('POST', '/api/yara/ruleset/', 'core_rules', 'admin'), [
    401,
    'Core ruleset cannot be updated',
  ])
  assert.deepEqual(await refused('POST', '/api/yara/ruleset/disable/', 'core_rules', 'admin'), [
    401,
    'Core ruleset cannot be enabled/disabled',
  ])
  assert.equal((await refused('DELETE', '/api/yara/ruleset/', 'core_rules', 'admin'))[0], 401)
  assert.deepEqual(await refused('POST', '/api/yara/ruleset/enable/', 'bens_own', 'ana'), [
    401,
    'Ruleset cannot be enabled/disabled. It is created by another user.',
  ])
  assert.equal((await refused('DELETE', '/api/yara/ruleset/', 'bens_own', 'ana'))[0], 401)
  assert.equal((await refused('POST', '/api/yara/ruleset/', 'bens_own', 'ana'))[0], 401)
  assert.deepEqual(await refused('POST', '/api/yara/ruleset/enable/', 'nothing_there', 'ana'), [
    404,
    'Ruleset with that name does not exist',
  ])
  // An administrator may.
  assert.equal((await refused('POST', '/api/yara/ruleset/disable/', 'bens_own', 'admin'))[0], 200)
  assert.equal((await refused('DELETE', '/api/yara/ruleset/', 'bens_own', 'admin'))[0], 200)
})

test('every address works without its last slash and with slashes doubled', async () => {
  for (const path of [
    '/api/yara/v2/rulesets',
    '//api/yara//v2/rulesets//',
    '/api/yara/ruleset/content?name=core_rules',
  ]) {
    assert.equal((await server.get(path)).status, 200, path)
  }
})

test('a page of matches that is no number is not called a bad name', async () => {
  const bad = await server.get('/api/yara/v2/ruleset/matches/?name=any&page=abc&page_size=1')
  assert.deepEqual([bad.status, bad.json.error], [400, 'parameter.out-of-range'])
  const nameless = await server.get('/api/yara/v2/ruleset/matches/?page=1&page_size=1')
  assert.deepEqual([nameless.status, nameless.json.error], [400, 'ruleset.name-invalid'])
})

test('the synchronisation time is malformed with 404 and otherwise off with 405', async () => {
  assert.equal((await server.get('/api/yara/ticloud/time/')).status, 405)
  const times: readonly [string, number][] = [
    ['999999999', 405],
    ['2020-04-20 04:20', 405],
    ['2020-04-20 04:20:59', 405],
    ['2020-02-30 04:20', 404],
    ['2020-04-20T04:20', 405],
    ['2017-08-10 11:53:24+00:00', 405],
    ['2017-08-10T11:53:24.000000Z', 405],
    ['2017-08-10 11:53:24+02:00', 404],
    ['2017-02-30T11:53:24Z', 404],
    ['yesterday', 404],
    ['', 404],
  ]
  for (const [time, status] of times) {
    for (const call of [{ form: { time } }, { json: { time } }]) {
      assert.equal((await server.post('/api/yara/ticloud/time/', call)).status, status, time)
    }
    assert.equal((await server.post(`/api/yara/ticloud/time/?time=${encodeURIComponent(time)}`)).status, status, time)
  }
  const missing = await server.post('/api/yara/ticloud/time/')
  assert.equal(missing.status, 404)
  assert.match(missing.json.message, /^Malformed time parameter: time must be UTC as 2017-08-10 11:53 or .* since 1970/)
  assert.equal((await server.post('/api/yara/ticloud/time/', { json: { time: 999999999 } })).status, 405)
})

test('failures behind delete and enable are answered in the words of their tables, and told to the operator', async () => {
  const broken = await TestServer.start({}, ({ rulesets }) => ({
    rulesets: Object.assign(Object.create(rulesets), {
      remove: () => Promise.reject(new Error('disk on fire')),
      setEnabled: () => Promise.reject(new Error('disk on fire')),
      save: () => Promise.reject(new Failure('ruleset.busy')),
      content: () => Promise.reject(new Error('disk on fire')),
    }),
  }))
  try {
    const deleted = await broken.delete('/api/yara/ruleset/', { form: { name: 'any_name' } })
    assert.deepEqual([deleted.status, deleted.json.message], [500, 'Error occurred while deleting ruleset'])
    const enabled = await broken.post('/api/yara/ruleset/enable/', { form: { name: 'any_name' } })
    assert.deepEqual([enabled.status, enabled.json.message], [500, 'Error occurred while enabling/disabling ruleset'])
    const busy = await broken.post('/api/yara/ruleset/', { form: { name: 'any_name', content: 'x' } })
    assert.equal(busy.status, 409)
    const unexpected = await broken.get('/api/yara/ruleset/content/?name=any_name')
    assert.equal(unexpected.status, 500)
    assert.doesNotMatch(unexpected.text, /disk on fire/)
    assert.equal(unexpected.json.detail.request, unexpected.headers['x-request-id'])
    assert.match(broken.logged(), new RegExp(`"request":"${unexpected.json.detail.request}".*disk on fire`))
  } finally {
    await broken.stop()
  }
})
