/** Reports with what this appliance knows, and what became of deletions. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { sha1, sha256, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
  await server.saveRuleset(
    'reported',
    'rule r1 { strings: $a = "reported" condition: $a }\nrule r2 { condition: true }',
  )
})
after(() => server.stop())

const details = '/api/samples/v2/list/details/'

test('a detailed report has what is known of a sample, and no section that is not', async () => {
  const bytes = 'a text that is reported'
  await server.upload(bytes, 'report.txt')
  for (const call of [
    { form: { hash_values: sha1(bytes) } },
    { json: { hash_values: [sha256(bytes), sha256('?')] } },
  ]) {
    const { status, json, text } = await server.post(details, call)
    assert.equal(status, 200, text)
    assert.deepEqual([json.count, json.next, json.unknown_fields], [1, null, []])
    const [report] = json.results
    assert.deepEqual(
      [report.sha1, report.classification, report.aliases, report.category],
      [sha1(bytes), 'unknown', ['report.txt'], 'text'],
    )
    assert.ok(report.type_description.length > 0)
    assert.deepEqual(report.ticore.info.file, {
      file_type: report.file_type,
      file_subtype: report.file_subtype,
      size: bytes.length,
      hashes: [
        { name: 'md5', value: createHash('md5').update(bytes).digest('hex') },
        { name: 'sha1', value: sha1(bytes) },
        { name: 'sha256', value: sha256(bytes) },
        { name: 'sha512', value: createHash('sha512').update(bytes).digest('hex') },
      ],
    })
    assert.deepEqual(Object.keys(report.ticore), ['info', 'classification'])
    assert.deepEqual(report.ticore.classification, { classification: 0, factor: 0, rca_factor: 0, result: '' })
    assert.deepEqual(
      report.yara.map(({ ruleset, rule, cloud }: Record<string, unknown>) => [ruleset, rule, cloud]),
      [
        ['reported', 'r1', false],
        ['reported', 'r2', false],
      ],
    )
    assert.ok(!('summary' in report) && !('ticloud' in report))
  }
})

test('fields choose the sections of a detailed report, and those of the SDK that are not here are listed', async () => {
  const bytes = 'another text'
  await server.upload(bytes, 'some.txt')
  // As the SDK sends them where its caller names none.
  const fields = ['id', 'sha1', 'classification_result', 'ticore', 'tags', 'summary', 'ticloud', 'aliases']
  const { json } = await server.post(details, {
    form: { hash_values: sha1(bytes), fields, skip_reanalysis: 'false' },
  })
  assert.deepEqual(Object.keys(json.results[0]).sort(), [
    'aliases',
    'classification_result',
    'id',
    'sha1',
    'tags',
    'ticore',
  ])
  assert.deepEqual(json.unknown_fields, ['summary', 'ticloud'])
  const none = await server.post(details, { json: { hash_values: [sha1('nobody sent this')] } })
  assert.deepEqual([none.status, none.json.count, none.json.results], [200, 0, []])
  for (const hash_values of [[], ['x'], Array.from({ length: 1_001 }, (_, i) => sha1(String(i)))]) {
    assert.equal((await server.post(details, { json: { hash_values } })).status, 400)
  }
})

test('the report of a file names its format and hashes, and takes fields with blanks behind the commas', async () => {
  const bytes = 'a third text'
  await server.upload(bytes, 'some.txt')
  const at = `/api/v2/samples/${sha1(bytes)}/ticore/`
  const { status, json } = await server.get(at)
  assert.equal(status, 200)
  assert.deepEqual([json.sha256, json.info.file.size], [sha256(bytes), bytes.length])
  const chosen = await server.get(`${at}?fields=${encodeURIComponent('sha1, info, story')}`)
  assert.deepEqual(Object.keys(chosen.json), ['sha1', 'info'])
  assert.equal((await server.get(`/api/v2/samples/${sha1('unknown')}/ticore/`)).status, 404)
})

test('a deletion of many samples has an id, under which its end is told', async () => {
  const hash = await server.upload('to be deleted', 'deleted.txt')
  const gone = sha1('never here')
  const { status, json } = await server.post('/api/samples/v2/delete_bulk/', {
    form: { hash_values: [sha1('to be deleted'), gone] },
  })
  assert.equal(status, 200)
  const { id, detail } = json
  assert.deepEqual(detail, { deleted: [sha1('to be deleted')], not_found: [gone], members: 0 })
  assert.equal(json.results.id, id)
  const state = await server.get(`/api/samples/v2/delete_bulk/status/?id=${id}`)
  assert.deepEqual([state.status, state.json.detail, state.json.id], [200, detail, id])
  assert.equal((await server.get(`/api/samples/${hash}/details/`)).status, 404)
  const unknown = await server.get('/api/samples/v2/delete_bulk/status/?id=0123')
  assert.deepEqual([unknown.status, unknown.json.error], [404, 'deletion.not-found'])
  assert.equal((await server.get('/api/samples/v2/delete_bulk/status/')).status, 400)
  // Those of four are more characters than are kept.
  const hashes = Array.from({ length: 10_000 }, (_, n) => n.toString(16).padStart(128, '0'))
  const many: string[] = []
  for (let n = 0; n < 4; n += 1) {
    many.push((await server.post('/api/samples/v2/delete_bulk/', { json: { hash_values: hashes } })).json.id)
  }
  const states = [id, many.at(-1)].map((each) => server.get(`/api/samples/v2/delete_bulk/status/?id=${each}`))
  assert.deepEqual(
    (await Promise.all(states)).map(({ status }) => status),
    [404, 200],
  )
})
