/** Requests in the shapes in which the vendor's SDK and the integrations built on it send them. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, TestServer } from './harness.ts'

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
