import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, sha1, sha256, TestServer } from './harness.ts'

let server: TestServer

before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const retro = '/api/uploads/local-retro-hunt/'
const withMarker = (marker: string) => `rule has_${marker} { strings: $m = "${marker}" condition: $m }`
const matchesOf = async (...names: string[]): Promise<Json> =>
  (await server.get(`/api/yara/v2/ruleset/matches/?${names.map((name) => `name=${name}`).join('&')}`)).json

async function untilDone(): Promise<Json> {
  await server.appliance.localRetro.idle()
  return (await server.get(retro)).json
}

test('Local Retro that never ran has a null status, and stopping it is the wrong state', async () => {
  assert.deepEqual((await server.get(retro)).json, { success: true, message: null, status: null })
  const stopped = await server.post(retro, { form: { operation: 'STOP' } })
  assert.equal(stopped.status, 412)
  assert.equal(stopped.json.success, false)
  assert.equal(stopped.json.status, null)
  assert.ok(stopped.json.message)
})

test('Local Retro finds with today’s rulesets what was uploaded before them, and tells how it went', async () => {
  const contents = ['an apple here', 'an apple and a banana', 'nothing of interest']
  for (const [n, content] of contents.entries()) await server.upload(content, `sample-${n}.txt`)
  await server.saveRuleset('apple_rules', withMarker('apple'))
  await server.saveRuleset('banana_rules', withMarker('banana'))
  assert.deepEqual(await matchesOf('apple_rules'), { count: 0, next: null, previous: null, results: [] })

  const multipart = new FormData()
  multipart.append('operation', 'START')
  const started = await server.post(retro, { as: 'ana', multipart })
  assert.deepEqual(started.json, { success: true, message: null, status: { state: 'STARTING' } })

  const { success, message, status } = await untilDone()
  assert.deepEqual([success, message], [true, null])
  assert.equal(status.state, 'COMPLETED')
  assert.equal(status.samples, 3)
  assert.equal(status.processed, 3)
  for (const time of [status.started, status.stopped])
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/)
  const { started: from, stopped: to, samples } = status
  assert.deepEqual(status.history, [
    { started_username: 'ana', started: from, stopped_username: null, state: 'COMPLETED', stopped: to, samples },
  ])

  const apples = await matchesOf('apple_rules')
  assert.equal(apples.count, 2)
  const [match] = apples.results.filter((each: Json) => each.sha1 === sha1(contents[1] ?? ''))
  assert.equal(match.sha256, sha256(contents[1] ?? ''))
  assert.match(match.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  assert.deepEqual(
    {
      rule: match.rule,
      cloud: match.cloud,
      filename: match.filename,
      size: match.file_size,
      class: match.classification,
    },
    { rule: 'has_apple', cloud: false, filename: 'sample-1.txt', size: contents[1]?.length, class: 0 },
  )
  assert.deepEqual([match.downloadable, match.extracted_file_count, match.riskscore], [true, 0, 0])
})

test('several names give only the samples that match every one of them', async () => {
  const both = await matchesOf('apple_rules', 'banana_rules')
  assert.deepEqual([...new Set(both.results.map((each: Json) => each.sha1))], [sha1('an apple and a banana')])
  assert.deepEqual(new Set(both.results.map((each: Json) => each.rule)), new Set(['has_apple', 'has_banana']))
  const unknown = await server.get('/api/yara/v2/ruleset/matches/?name=apple_rules&name=no_such_rules')
  assert.equal(unknown.status, 404)
  assert.equal((await server.get('/api/yara/v2/ruleset/matches/')).status, 400)
  assert.equal((await server.get('/api/yara/v2/ruleset/matches/?name=')).status, 400)
})

test('matches come in pages that repeat the names in their addresses', async () => {
  const first = (await server.get('/api/yara/v2/ruleset/matches/?name=apple_rules&page=1&page_size=1')).json
  assert.deepEqual([first.count, first.results.length, first.previous], [2, 1, null])
  const next = new URL(first.next)
  assert.deepEqual(next.searchParams.getAll('name'), ['apple_rules'])
  const second = (await server.get(next.pathname + next.search)).json
  assert.equal(second.next, null)
  assert.notEqual(second.results[0].sha1, first.results[0].sha1)
  assert.equal((await server.get('/api/yara/v2/ruleset/matches/?name=apple_rules&page=3&page_size=1')).status, 400)
})

test('a new sample is matched as it arrives, the counts and the time of the last match follow, and deleting takes them away', async () => {
  const entry = async () =>
    (await server.get('/api/yara/v2/rulesets/')).json.results.find((each: Json) => each.name === 'apple_rules')
  const before = await entry()
  assert.equal(before.unknown_match_count, 2)
  const hash = await server.upload('one more apple', 'late.txt')
  const after = await entry()
  assert.equal(after.unknown_match_count, 3)
  assert.ok(after.last_matched > before.last_matched)

  const judged = await server.post(`/api/samples/${hash}/setclassification/local/`, {
    form: { classification: 'malicious' },
  })
  assert.equal(judged.status, 200, judged.text)
  const counted = await entry()
  assert.deepEqual([counted.unknown_match_count, counted.malicious_match_count], [2, 1])

  assert.equal((await server.delete(`/api/samples/${hash}/`)).status, 200)
  assert.equal((await matchesOf('apple_rules')).count, 2)
})

test('a rule tagged for detection classifies what it matches', async () => {
  await server.saveRuleset(
    'detecting_rules',
    'rule Win32_Test : tc_detection malicious { meta: tc_detection_type = "Trojan" tc_detection_name = "Injector" ' +
      'tc_detection_factor = 5 strings: $m = "classify me" condition: $m }',
  )
  const hash = await server.upload('please classify me now', 'evil.bin')
  const [match] = (await matchesOf('detecting_rules')).results
  assert.deepEqual([match.classification, match.riskscore], [3, 10])
  assert.match(match.classification_result, /^\w+\.Trojan\.Injector$/)
  const classified = (await server.get(`/api/samples/v3/${hash}/classification/?localonly=1&av_scanners=0`)).json
  assert.deepEqual([classified.classification, classified.riskscore], ['malicious', 10])
  assert.equal(classified.classification_result, match.classification_result)
})

test('the operation is exact, single and required', async () => {
  for (const call of [
    { form: {} },
    { form: { operation: 'start' } },
    { form: { operation: '"START"' } },
    { form: { operation: 'CLEAR' } },
    { form: { operation: '' } },
    { form: { operation: ['START', 'STOP'] } },
    { json: { operation: ['START', 'STOP'] } },
    { json: ['START'] },
    {},
  ]) {
    const { status, json } = await server.post(retro, call)
    assert.equal(status, 400, JSON.stringify(call))
    assert.deepEqual([json.success, json.status, typeof json.message], [false, null, 'string'])
  }
})

test('starting twice is the wrong state; who stops is remembered; the history begins with the latest', async () => {
  await server.saveRuleset('every_rules', 'rule every { condition: true }')
  // Starts from within one turn of the server: the first cannot have ended when the second is looked at.
  const [one, two] = await Promise.all([
    server.post(retro, { form: { operation: 'START' } }),
    server.post(retro, { form: { operation: 'START' } }),
  ])
  const refused = [one, two].filter(({ status }) => status === 412)
  assert.equal(refused.length, 1)
  assert.match(refused[0]?.json.status.state, /^(?:STARTING|RUNNING)$/)
  const stopped = await server.post(retro, { as: 'ana', json: { operation: 'STOP' } })
  const { status } = await untilDone()
  if (stopped.status === 200) {
    assert.deepEqual(stopped.json, { success: true, message: null, status: { state: 'STOPPED' } })
    assert.deepEqual([status.state, status.history[0].stopped_username], ['STOPPED', 'ana'])
  } else {
    // The hunt over a handful of samples had ended before.
    assert.equal(stopped.status, 412)
    assert.deepEqual([status.state, stopped.json.status.state], ['COMPLETED', 'COMPLETED'])
  }
  assert.equal(status.history.length, 2)
  assert.ok(status.history[0].started > status.history[1].started)
  assert.equal((await server.post(retro, { form: { operation: 'STOP' } })).status, 412)
})

test('Cloud Retro without a cloud: bad requests first, then unknown rulesets, then 428', async () => {
  const path = (name: string) => `/api/yara/ruleset/${name}/cloud-retro-hunt/`
  const cases: readonly [string, Json, number][] = [
    ['apple_rules', { form: { operation: 'START' } }, 428],
    ['apple_rules', { form: { operation: 'CLEAR' } }, 428],
    ['apple_rules', { form: { operation: 'clear' } }, 400],
    ['apple_rules', { form: {} }, 400],
    ['no_such_rules', { form: { operation: 'START' } }, 404],
    ['Apple_rules', { form: { operation: 'START' } }, 404],
  ]
  for (const [name, call, status] of cases) {
    const answer = await server.post(path(name), call)
    assert.equal(answer.status, status, `${name} ${JSON.stringify(call)}`)
    assert.equal(answer.json.success, false)
    assert.ok(answer.json.message)
  }
  assert.equal((await server.get(path('apple_rules'))).status, 428)
  assert.equal((await server.get(path('no_such_rules'))).status, 404)
})

test('Cloud Retro of a ruleset is for its owner and for administrators, and its state for everybody', async () => {
  await server.saveRuleset('rules_of_ben', withMarker('cloudberry'), 'ben')
  const path = '/api/yara/ruleset/rules_of_ben/cloud-retro-hunt/'
  for (const operation of ['START', 'STOP', 'CLEAR']) {
    const { status, json } = await server.post(path, { as: 'ana', form: { operation } })
    assert.deepEqual([status, json.success, json.error], [403, false, 'right.missing'], operation)
    for (const as of ['ben', 'admin'] as const)
      assert.equal((await server.post(path, { as, form: { operation } })).status, 428, `${as} ${operation}`)
  }
  assert.equal((await server.get(path, { as: 'ana' })).status, 428)
})

test('each run lists what it found, and which of it is new since the run before', async () => {
  const run = async (): Promise<Json> => {
    await server.post(retro, { form: { operation: 'START' } })
    await untilDone()
    return (await server.get('/api/local-retro/')).json.results[0]
  }
  const listed = async (query: string): Promise<string[]> => {
    const { status, json, text } = await server.get(`/api/matches/?ruleset=listed_rules&${query}`)
    assert.equal(status, 200, text)
    return json.results.map(({ filename }: Json) => filename).sort()
  }
  await server.upload('the first cherry', 'cherry-1.txt')
  await server.saveRuleset('listed_rules', withMarker('cherry'))
  const one = await run()
  await server.upload('the second cherry', 'cherry-2.txt')
  const two = await run()
  const three = await run()
  assert.deepEqual(await listed(`run=${one.id}`), ['cherry-1.txt'])
  assert.deepEqual(await listed(`run=${one.id}&new_in_run=true`), ['cherry-1.txt'])
  // What was matched as it arrived is new since the run before, although the run itself recorded nothing.
  assert.equal(two.matches, 0)
  assert.deepEqual(await listed(`run=${two.id}`), ['cherry-1.txt', 'cherry-2.txt'])
  assert.deepEqual(await listed(`run=${two.id}&new_in_run=true`), ['cherry-2.txt'])
  assert.deepEqual(await listed(`run=${three.id}`), ['cherry-1.txt', 'cherry-2.txt'])
  assert.deepEqual(await listed(`run=${three.id}&new_in_run=true`), [])
  assert.deepEqual(await listed('run=4711'), [])
  const count = async (query: string) => (await server.get(`/api/matches/count/?ruleset=listed_rules&${query}`)).json
  assert.deepEqual(await count(`run=${two.id}`), { count: 2, more: false })
  assert.deepEqual(await count(`run=${two.id}&new_in_run=true`), { count: 1, more: false })
})
