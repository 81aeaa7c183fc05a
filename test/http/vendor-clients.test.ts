/** Requests in the shapes in which the vendor's SDK and the integrations built on it send them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Json, sha1, TestServer } from './harness.ts'

let server: TestServer

before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

/** Python's urlencoding: booleans as True, absent and false values left out, and always the extra field. */
const payload = (fields: Readonly<Record<string, string>>) => ({ ...fields, analysis: 'cloud' })
const headers = { 'user-agent': 'ReversingLabs SDK v2.12.0; A1000', accept: '*/*', 'accept-encoding': 'gzip, deflate' }

test('the SDK’s way through a ruleset’s life: create, list, read, matches, disable, enable, delete with JSON', async () => {
  const name = 'sdk_ruleset'
  const created = await server.post('/api/yara/ruleset/', {
    headers,
    form: payload({ name, content: 'rule sdk { condition: false }', ticloud: 'True' }),
  })
  assert.equal(created.status, 200)
  assert.equal(created.json.detail.cloud_synced, false)
  assert.match(created.json.detail.note, /this appliance only/)
  const list = await server.get('/api/yara/v2/rulesets/?type=my&status=active&source=all&page=1&page_size=10', {
    headers,
  })
  assert.deepEqual(
    list.json.results.map((each: Json) => each.name),
    [name],
  )
  assert.equal((await server.get(`/api/yara/ruleset/content/?name=${name}`, { headers })).json.detail.name, name)
  assert.equal(
    (await server.get(`/api/yara/v2/ruleset/matches/?name=${name}&page=1&page_size=500`, { headers })).json.count,
    0,
  )
  for (const action of ['disable', 'enable']) {
    assert.equal((await server.post(`/api/yara/ruleset/${action}/`, { headers, form: payload({ name }) })).status, 200)
  }
  assert.equal((await server.delete('/api/yara/ruleset/', { headers, json: payload({ name }) })).status, 200)
})

test('ruleset names come unescaped in queries', async () => {
  // Where a client puts a blank into a query it arrives as a plus sign or an escape; both are the blank.
  for (const query of ['name=two+words', 'name=two%20words']) {
    const { status } = await server.get(`/api/yara/ruleset/content/?${query}`)
    assert.ok(status === 404 || status === 400)
  }
  await server.saveRuleset('Cobalt+Strike', 'rule r { strings: $a = "named with signs" condition: $a }')
  await server.saveRuleset('C&C of 2026', 'rule r { strings: $a = "named with signs" condition: $a }')
  await server.upload('a sample that is named with signs', 'signs.bin')
  for (const [query, ...names] of [
    ['name=Cobalt+Strike', 'Cobalt+Strike'],
    ['name=C&C%20of%202026', 'C&C of 2026'],
    ['name=C%26C+of+2026', 'C&C of 2026'],
  ] as const) {
    const content = await server.get(`/api/yara/ruleset/content/?${query}`)
    assert.deepEqual([content.status, content.json.detail.name], [200, names[0]], query)
    for (const pages of ['', '&page=1&page_size=10']) {
      const { status, json } = await server.get(`/api/yara/v2/ruleset/matches/?${query}${pages}`)
      assert.deepEqual([status, json.count], [200, 1], query + pages)
    }
  }
  const both = await server.get(
    '/api/yara/v2/ruleset/matches/?name=C&C%20of%202026&page=1&page_size=1&name=Cobalt+Strike',
  )
  assert.equal(both.json.count, 2)
  const next = new URL(both.json.next)
  assert.deepEqual(next.searchParams.getAll('name'), ['C&C of 2026', 'Cobalt+Strike'])
  // What the rules of forms say goes first.
  await server.saveRuleset('Cobalt Strike', 'rule blank { condition: false }')
  assert.equal((await server.get('/api/yara/ruleset/content/?name=Cobalt+Strike')).json.detail.name, 'Cobalt Strike')
  const missing = await server.get('/api/yara/ruleset/content/?name=no+such&name=rules')
  assert.equal(missing.status, 400)
})

test('the flow of the vendor’s retro hunting notebook, up to the 412 of a hunt that has ended', async () => {
  const retro = '/api/uploads/local-retro-hunt/'
  await server.upload('what the notebook looks for', 'notebook.bin')
  await server.saveRuleset('notebook_rules', 'rule n { strings: $n = "notebook looks" condition: $n }')
  await server.post('/api/yara/ruleset/enable/', { headers, form: payload({ name: 'notebook_rules' }) })
  assert.equal((await server.post(retro, { headers, form: { operation: 'START' } })).json.success, true)
  await server.appliance.localRetro.idle()
  const stop = await server.post(retro, { headers, form: { operation: 'STOP' } })
  assert.equal(stop.status, 412)
  assert.deepEqual([stop.json.success, stop.json.status.state], [false, 'COMPLETED'])
  assert.equal((await server.get(retro, { headers })).json.status.state, 'COMPLETED')

  const [match] = (await server.get('/api/yara/v2/ruleset/matches/?name=notebook_rules&page=1&page_size=100')).json
    .results
  const report = await server.post('/api/samples/v2/list/', {
    headers,
    form: {
      hash_values: [match.sha1],
      fields: ['sha256', 'local_first_seen', 'local_last_seen', 'classification'],
      skip_reanalysis: 'false',
    },
  })
  const [{ sha256, local_first_seen, local_last_seen, classification }] = report.json.results
  assert.equal(sha256, match.sha256)
  assert.ok(local_first_seen && local_last_seen)
  assert.equal(classification, 'unknown')
})

test('an upload as the requests library sends it: fields first, then the file', async () => {
  const boundary = '8c6ad4f0f9d24f2c9f5a0d1c0c6e5d11'
  const field = (name: string, value: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  const body =
    field('analysis', 'cloud') +
    field('tags', 'from-sdk') +
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="evil.exe"\r\n\r\nMZ and so on\r\n--${boundary}--\r\n`
  const { status, json } = await server.post('/api/uploads/', {
    headers: { ...headers, 'content-type': `multipart/form-data; boundary=${boundary}` },
    body,
  })
  assert.equal(status, 201)
  assert.equal(json.detail.filename, 'evil.exe')
})

test('publishing endpoints come without any body', async () => {
  for (const path of ['/api/yara/publish/all/', '/api/yara/publish/ruleset/notebook_rules/']) {
    for (const extra of [{}, { 'content-length': '0' }, { 'content-type': 'application/json' }] as Record<
      string,
      string
    >[]) {
      const { status, json } = await server.post(path, { headers: { ...headers, ...extra } })
      assert.equal(status, 403)
      assert.ok(json.message)
    }
  }
})

/** Of connectors for XSOAR (before 2), Splunk SOAR (before 2), FortiSOAR, Carbon Black and Polarity. */
test('connectors that ask at the older addresses find the verdict under its older names', async () => {
  const [inner, asked] = ['inside of an old archive', { isDocumented: false, headers }]
  const archive = await server.upload(
    storedZip([{ name: Buffer.from('d/in.txt'), bytes: Buffer.from(inner) }]),
    'o.zip',
  )
  const verdicts = [
    [{ classification: 'malicious', risk_score: '8', threat_name: 'Old' }, ['malicious', 3, 5, 'Win32.Malware.Old']],
    [{ classification: 'suspicious', risk_score: '6' }, ['suspicious', 1, 5, 'Win32.Malware.Generic']],
    [{ classification: 'goodware', risk_score: '2' }, ['known', 0, 2, null]],
    [null, ['unknown', 0, 5, null]],
  ] as const
  const at = `/api/samples/${archive}/setclassification/local/`
  for (const [verdict, [threat_status, threat_level, trust_factor, threat_name]] of verdicts) {
    const { json } = verdict ? await server.post(at, { headers, form: payload(verdict) }) : await server.delete(at)
    // Splunk SOAR's view reads these beside the envelope.
    assert.deepEqual([json.classification, json.threat_name], [json.detail.classification, threat_name])
    const older = { threat_status, threat_level, trust_factor, threat_name }
    const fields = ['sha1', 'threat_status', 'threat_level', 'trust_factor', 'threat_name', 'ticloud', 'summary']
    for (const path of ['/api/samples/list/', '/api/samples/list/details/']) {
      const list = await server.post(path, { ...asked, form: { hash_values: [archive], fields } })
      assert.deepEqual(
        [list.json.results, list.json.unknown_fields],
        [[{ sha1: archive, ...older }], ['ticloud', 'summary']],
      )
    }
    const { json: one } = await server.get(`/api/samples/${archive}/`, asked)
    for (const [name, value] of Object.entries(older)) assert.equal(one[name], value)
    assert.deepEqual([one.sha1, one.aliases, one.code], [archive, ['o.zip'], undefined])
    const reports = [`/api/samples/${archive}/ticore/`, `/api/v2/samples/${archive}/ticore/?fields=classification`]
    const factor = threat_status === 'known' ? trust_factor : threat_level
    for (const path of reports) {
      const { classification } = (await server.get(path, asked)).json
      const number = ['unknown', 'known', 'suspicious', 'malicious'].indexOf(threat_status)
      assert.deepEqual(
        [classification.classification, classification.factor, classification.result],
        [number, factor, threat_name ?? ''],
      )
    }
  }
  const { json: extracted } = await server.get(`/api/samples/${archive}/extracted-files/`, asked)
  const [{ filename, path, sample }] = extracted.results
  assert.deepEqual([filename, path, sample.sha1, sample.threat_status], ['in.txt', 'd/in.txt', sha1(inner), 'unknown'])
  const v2 = (await server.get(`/api/samples/v2/${archive}/extracted-files/`, asked)).json
  assert.ok(!('threat_status' in v2.results[0].sample))
  for (const path of ['/api/samples/list/', '/api/samples/list/details/'])
    assert.equal((await server.post(path, { ...asked, json: { hash_values: ['e'.repeat(40)] } })).json.count, 0)
  assert.equal((await server.get(`/api/samples/${'e'.repeat(40)}/`, asked)).status, 404)
  const search = { query: `sha1:${archive} AND size:>1`, page: 1, records_per_page: 1_000 }
  const found = (await server.post('/api/samples/search/', { ...asked, json: search })).json.rl.web_search_api
  assert.deepEqual([found.entries.length, found.more_pages], [1, false])
  // Two blanks, as FortiSOAR sends them.
  const blanks = { authorization: `Token  ${server.tokens.admin}` }
  assert.equal((await server.get('/api/yara/v2/rulesets/', { as: null, headers: blanks })).status, 200)
})

test('whoever asks for cloud alone at an older address has the sample matched again', async () => {
  const hash = await server.upload('asked for again in an old way', 'again.bin')
  await server.saveRuleset('again_older', 'rule a { strings: $a = "again in an old way" condition: $a }')
  const single = await server.post(`/api/samples/${hash}/analyze/`, { headers, form: { analysis: 'cloud' } })
  assert.deepEqual([single.json.code, single.json.message], [201, 'Sample is queued for core analysis.'])
  await server.appliance.reanalysis.idle()
  assert.equal((await server.get('/api/yara/ruleset/matches/?name=again_older')).json.count, 1)
  const bulk = await server.post('/api/samples/analyze_bulk/', {
    headers,
    form: { hash_value: [hash], analysis: 'cloud' },
  })
  assert.deepEqual(
    bulk.json.results[0].analysis.map(({ name }: Json) => name),
    ['core', 'cloud'],
  )
  await server.appliance.reanalysis.idle()
})
