/** Matching samples again on request, in the shapes in which the vendor's clients ask for it. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { sha1, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start({ scanLimit: 1024 * 1024 })
})
after(() => server.stop())

const matchesOf = async (name: string): Promise<string[]> =>
  (await server.get(`/api/yara/v2/ruleset/matches/?name=${name}`)).json.results.map(
    (each: { sha1: string }) => each.sha1,
  )

test('samples are matched again with what is enabled now, whichever of the three addresses asks for it', async () => {
  const ways = [
    ['v2', '/api/samples/v2/analyze_bulk/'],
    ['v1', '/api/samples/analyze_bulk/'],
    ['single', null],
  ] as const
  for (const [word, path] of ways) {
    const hash = await server.upload(`asked for again by ${word}`, `${word}.bin`)
    await server.saveRuleset(`again_${word}`, `rule again { strings: $a = "again by ${word}" condition: $a }`)
    assert.deepEqual(await matchesOf(`again_${word}`), [], 'a sample that was here is not matched by saving')
    const form = { hash_value: hash, analysis: 'cloud,core,cape', rl_cloud_sandbox_platform: 'windows10' }
    const { status, json, text } = await server.post(path ?? `/api/samples/${hash}/analyze/`, { as: 'ana', form })
    assert.equal(status, 200, text)
    assert.equal(json.results[0].detail.sha1, hash)
    assert.equal(json.results[0].detail.sha512.length, 128)
    assert.deepEqual(json.results[0].analysis, [
      { name: 'cloud', code: 405, message: 'Cloud analysis is not configured.' },
      { name: 'core', code: 201, message: 'Sample is queued for core analysis.' },
      { name: 'cape', code: 405, message: 'Sandbox integration is not configured.' },
    ])
    await server.appliance.reanalysis.idle()
    assert.deepEqual(await matchesOf(`again_${word}`), [hash])
  }
})

test('a request without a body, or without a kind, asks for core', async () => {
  const hash = await server.upload('asked for without a word', 'w.bin')
  for (const call of [{}, { headers: { 'content-length': '0' } }, { form: {} }, { json: {} }]) {
    const { status, json } = await server.post(`/api/samples/${hash}/analyze/`, call)
    assert.deepEqual([status, json.results[0].analysis[0].name, json.detail.sha1], [200, 'core', hash])
  }
  const bulk = await server.post('/api/samples/analyze_bulk/', { form: { hash_value: hash } })
  assert.equal(bulk.json.results[0].analysis[0].name, 'core')
  await server.appliance.reanalysis.idle()
})

test('rules that ask for names are tried with every name of the sample', async () => {
  const hash = await server.upload('called by two names', 'first.bin')
  await server.upload('called by two names', 'second.bin')
  for (const name of ['first', 'second']) {
    await server.saveRuleset(`named_${name}`, `rule named { condition: filename == "${name}.bin" }`)
  }
  await server.post('/api/samples/v2/analyze_bulk/', { json: { hash_value: [hash], analysis: ['core'] } })
  await server.appliance.reanalysis.idle()
  assert.deepEqual([await matchesOf('named_first'), await matchesOf('named_second')], [[hash], [hash]])
})

test('a sample that waits is answered as one, is processing, and is matched by the server that starts next', async (t) => {
  const first = await TestServer.start()
  const hash = await first.upload('waits for a restart', 'waits.bin')
  await first.saveRuleset('after_restart', 'rule waits { strings: $a = "waits for a restart" condition: $a }')
  // The workers are gone before the request: nothing can be matched any more.
  await first.appliance.reanalysis.stop()
  const ask = () => first.post('/api/samples/v2/analyze_bulk/', { form: { hash_value: hash, analysis: 'core' } })
  assert.equal((await ask()).json.results[0].analysis[0].code, 201)
  const { code, message } = (await ask()).json.results[0].analysis[0]
  assert.deepEqual([code, message], [200, 'Sample is already queued for analysis.'])
  const status = await first.post('/api/samples/status/', { form: { hash_values: hash } })
  assert.equal(status.json.results[0].status, 'processing')
  const second = await first.restart()
  t.after(() => second.stop())
  await second.appliance.reanalysis.idle()
  assert.deepEqual((await second.post('/api/samples/status/', { form: { hash_values: hash } })).json.results[0], {
    hash_value: hash,
    status: 'processed',
  })
  assert.equal((await second.get('/api/yara/v2/ruleset/matches/?name=after_restart')).json.count, 1)
})

test('unknown hashes, other kinds and samples that cannot be matched are told apart', async () => {
  const unknown = sha1('never sent')
  const hash = await server.upload('known among unknown', 'k.bin')
  const large = await server.upload(Buffer.alloc(2 * 1024 * 1024, 'l'), 'large.bin')
  const mixed = await server.post('/api/samples/v2/analyze_bulk/', {
    form: { hash_value: [unknown, large, hash, hash] },
  })
  assert.deepEqual(
    mixed.json.results.map(({ analysis }: { analysis: { code: number }[] }) => analysis.map(({ code }) => code)),
    [[413], [201]],
  )
  assert.deepEqual(mixed.json.not_found, [unknown])
  const refused = [
    ['/api/samples/v2/analyze_bulk/', { hash_value: unknown, analysis: 'core' }, 404],
    [`/api/samples/${unknown}/analyze/`, { analysis: 'core' }, 404],
    ['/api/samples/v2/analyze_bulk/', { hash_value: 'x', analysis: 'core' }, 400],
    ['/api/samples/v2/analyze_bulk/', { hash_value: hash, analysis: 'magic' }, 400],
    ['/api/samples/v2/analyze_bulk/', { analysis: 'core' }, 400],
  ] as const
  for (const [path, form, status] of refused) assert.equal((await server.post(path, { form })).status, status)
  await server.appliance.reanalysis.idle()
  const database = new DatabaseSync(server.databaseFile, { readOnly: true })
  assert.equal(database.prepare('SELECT count(*) AS rows FROM reanalyses').get()?.rows, 0)
  database.close()
})
