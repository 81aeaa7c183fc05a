/** A hunt that was made once is named, run again, and compared with the run before. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
  await server.upload('an elderberry and a gooseberry', 'both.txt')
  await server.upload('an elderberry alone', 'one.txt')
})
after(() => server.stop())

const rules = [
  {
    name: 'fruit',
    content:
      'rule elder { strings: $a = "elderberry" condition: $a } rule goose { strings: $a = "gooseberry" condition: $a }',
  },
]

async function ended(id: number): Promise<Json> {
  await server.appliance.adHocHunts.settled(id)
  const { json } = await server.get(`/api/hunts/${id}/`)
  assert.equal(json.state, 'completed')
  return json
}

const found = ({ json }: { readonly json: Json }): string[] =>
  json.results.map(({ rule, filename }: Json) => `${rule} ${filename}`).sort()

test('a hunt that is run again takes what is stored now, and tells what is new and what is gone', async () => {
  const selection = { name: '*.txt' }
  const made = await server.post('/api/hunts/', { json: { rules, title: 'fruit', selection } })
  const first = await ended(made.json.id)
  assert.equal(first.repeats, null)
  assert.deepEqual((await server.get(`/api/hunts/${first.id}/comparison/`)).json, { comparison: null })

  await server.upload('a gooseberry that is new', 'new.txt')
  await server.upload('a gooseberry of another kind', 'new.bin')
  assert.equal((await server.post(`/api/hunts/${first.id}/again/`, { as: null })).status, 403)
  const again = await server.post(`/api/hunts/${first.id}/again/`, { as: 'ben' })
  assert.equal(again.status, 201)
  const second = await ended(again.json.id)
  assert.deepEqual(
    [second.repeats, second.title, second.user, second.rules, second.selection],
    [first.id, 'fruit', 'ben', [{ name: 'fruit' }], selection],
  )
  assert.deepEqual(found(await server.get(`/api/hunts/${second.id}/results/`)), [
    'elder both.txt',
    'elder one.txt',
    'goose both.txt',
    'goose new.txt',
  ])
  const fresh = await server.get(`/api/hunts/${second.id}/results/?new=true`)
  assert.deepEqual([fresh.json.count, found(fresh)], [1, ['goose new.txt']])
  const comparison = async () => (await server.get(`/api/hunts/${second.id}/comparison/`)).json.comparison
  assert.deepEqual(await comparison(), { repeats: first.id, added: 1, gone: 0 })

  // A sample that is not selected any more, since it is known by another name, is what only the run before has.
  const { samples } = await server.appliance.samples.search({ text: 'one.txt' }, { limit: 1 })
  await server.upload('an elderberry alone', 'one.bin')
  const third = (await server.post(`/api/hunts/${second.id}/again/`)).json
  await ended(third.id)
  assert.deepEqual((await server.get(`/api/hunts/${third.id}/comparison/`)).json.comparison, {
    repeats: second.id,
    added: 0,
    gone: 1,
  })
  await server.appliance.samples.delete([samples[0]?.sha256 ?? ''])
  assert.deepEqual(await comparison(), { repeats: first.id, added: 1, gone: 0 })

  // The hunt that it repeats may go: nothing is left to compare with.
  await server.delete(`/api/hunts/${first.id}/`)
  assert.equal((await ended(second.id)).repeats, null)
  assert.equal(await comparison(), null)
  assert.equal(found(await server.get(`/api/hunts/${second.id}/results/?new=true`)).length, 3)
})

test('another rule on a sample that was found before is new', async () => {
  const content =
    'rule sweet { strings: $a = "sugar cane" condition: $a } rule named { condition: filename == "cane.txt" }'
  await server.upload('a field of sugar cane', 'field.txt')
  const made = await server.post('/api/hunts/', { json: { rules: [{ name: 'cane', content }] } })
  await ended(made.json.id)
  assert.deepEqual(found(await server.get(`/api/hunts/${made.json.id}/results/`)), ['sweet field.txt'])
  await server.upload('a field of sugar cane', 'cane.txt')
  const again = await server.post(`/api/hunts/${made.json.id}/again/`)
  await ended(again.json.id)
  assert.deepEqual(found(await server.get(`/api/hunts/${again.json.id}/results/?new=true`)), ['named cane.txt'])
})

test('a hunt with other texts names the one before, and is compared with it as long as that is there', async () => {
  const text = (word: string) => [{ name: 'rules', content: `rule word { strings: $a = "${word}" condition: $a }` }]
  await server.upload('a quince and a medlar', 'quince.txt')
  await server.upload('a medlar alone', 'medlar.txt')
  const first = (await server.post('/api/hunts/', { json: { rules: text('quince') } })).json
  await ended(first.id)
  const made = await server.post('/api/hunts/', { json: { rules: text('medlar'), repeats: first.id } })
  assert.deepEqual([made.status, made.json.repeats], [201, first.id])
  await ended(made.json.id)
  assert.deepEqual((await server.get(`/api/hunts/${made.json.id}/comparison/`)).json.comparison, {
    repeats: first.id,
    added: 1,
    gone: 0,
  })
  assert.deepEqual(found(await server.get(`/api/hunts/${made.json.id}/results/?new=true`)), ['word medlar.txt'])

  // Neither one that is gone, nor a run of Local Retro, can be compared with.
  await server.delete(`/api/hunts/${first.id}/`)
  await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await server.appliance.localRetro.idle()
  const [run] = (await server.get('/api/local-retro/')).json.results
  for (const repeats of [first.id, run.id]) {
    const { json, status } = await server.post('/api/hunts/', { json: { rules: text('quince'), repeats } })
    assert.deepEqual([status, json.repeats], [201, null])
    await ended(json.id)
  }
  assert.equal((await server.post('/api/hunts/', { json: { rules: text('quince'), repeats: 0 } })).status, 400)
})

test('what was left out of a hunt stays left out when it is run again', async () => {
  const half = [{ name: 'half', content: `${rules[0]?.content} rule broken { condition: $none }` }]
  const made = await server.post('/api/hunts/', { json: { rules: half, partial: true } })
  await ended(made.json.id)
  const again = await server.post(`/api/hunts/${made.json.id}/again/`)
  assert.deepEqual(
    (await ended(again.json.id)).left_out.map(({ name }: Json) => name),
    ['broken'],
  )
})

test('its owner and administrators give a hunt another title, nobody else does', async () => {
  const { json } = await server.post('/api/hunts/', { json: { rules }, as: 'ben' })
  const rename = (title: unknown, as: User) => server.call('PATCH', `/api/hunts/${json.id}/`, { json: { title }, as })
  assert.deepEqual(
    [(await rename('berries', 'ben')).json.title, (await rename('', 'admin')).json.title],
    ['berries', null],
  )
  assert.equal((await rename('mine', 'ana')).status, 403)
  assert.equal((await rename('x'.repeat(201), 'ben')).status, 400)
  assert.equal((await server.call('PATCH', '/api/hunts/999999/', { json: { title: 'a' } })).status, 404)
})
