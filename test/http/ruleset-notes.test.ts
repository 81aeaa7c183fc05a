/** What users write down about rulesets, until when one runs, and changes of many rulesets at once. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { until } from '../until.ts'
import { type Json, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const finds = (text: string) => `rule finds { strings: $a = "${text}" condition: $a }\n`
const bulk = (json: Json, as: User = 'ana') => server.post('/api/rulesets/bulk/', { as, json })
const note = (name: string, json: Json, as: User = 'ana') =>
  server.call('PUT', `/api/rulesets/${name}/notes/`, { as, json: { notes: '', tags: [], ...json } })
const ruleset = async (name: string) => (await server.get(`/api/rulesets/${name}/`)).json

/** Waits for something that the server does by itself. */
test('one request changes many rulesets; those that it cannot change are named with the reason, and stay', async () => {
  for (const name of ['many_1', 'many_2', 'many_3']) await server.saveRuleset(name, finds(name), 'ana')
  await server.saveRuleset('many_of_ben', finds('ben'), 'ben')
  await server.post('/api/rulesets/core/', { json: { name: 'many_core', content: finds('core') } })
  const names = ['many_3', 'many_core', 'many_1', 'many_of_ben', 'nowhere', 'many_2', 'many_1']

  const { status, json } = await bulk({ action: 'disable', names })
  assert.equal(status, 200)
  assert.equal(json.done, 3)
  assert.deepEqual(
    json.failed.map(({ name, error }: Json) => [name, error]),
    [
      ['many_core', 'ruleset.core'],
      ['many_of_ben', 'ruleset.foreign'],
      ['nowhere', 'ruleset.not-found'],
    ],
  )
  assert.ok(json.failed.every(({ message }: Json) => message.length > 5))
  for (const name of ['many_1', 'many_2', 'many_3']) assert.equal((await ruleset(name)).enabled, false)
  assert.equal((await ruleset('many_of_ben')).enabled, true)

  // What was disabled matches nothing, and what is enabled again does.
  const quiet = await server.upload('there is many_1 in it', 'quiet.txt')
  assert.deepEqual((await server.get(`/api/samples/${quiet}/details/`)).json.matches, [])
  assert.equal((await bulk({ action: 'enable', names: ['many_1', 'many_2'] })).json.done, 2)
  const loud = await server.upload('there is many_1 in it too', 'loud.txt')
  assert.equal((await server.get(`/api/samples/${loud}/details/`)).json.matches.length, 1)

  const { json: audited } = await server.get('/api/audit/?operation=changeRulesets')
  assert.deepEqual(audited.results.at(-1).subjects, ['disable', ...names])

  // An administrator may change what others own.
  assert.equal((await bulk({ action: 'delete', names: ['many_of_ben', 'many_3'] }, 'admin')).json.done, 2)
  assert.equal((await server.get('/api/rulesets/many_3/')).status, 404)
})

test('rulesets have tags, which are listed, filtered by and bounded, also when many are tagged at once', async () => {
  for (const name of ['tagged_1', 'tagged_2']) await server.saveRuleset(name, finds(name), 'ana')
  assert.equal((await bulk({ action: 'add-tags', names: ['tagged_1', 'tagged_2'], tags: ['b', 'a'] })).json.done, 2)
  assert.equal((await note('tagged_2', { tags: ['b', 'c', 'b'] })).status, 200)
  assert.deepEqual((await ruleset('tagged_1')).tags, ['a', 'b'])
  assert.deepEqual((await ruleset('tagged_2')).tags, ['b', 'c'])
  const { json: tags } = await server.get('/api/ruleset-tags/')
  assert.deepEqual(tags.results, [
    { tag: 'a', rulesets: 1 },
    { tag: 'b', rulesets: 2 },
    { tag: 'c', rulesets: 1 },
  ])
  const { json: listed } = await server.get('/api/rulesets/?tag=c&page=1&page_size=5')
  assert.deepEqual(
    listed.results.map(({ name }: Json) => name),
    ['tagged_2'],
  )
  assert.equal((await bulk({ action: 'remove-tags', names: ['tagged_1'], tags: ['a', 'none'] })).json.done, 1)
  assert.deepEqual((await ruleset('tagged_1')).tags, ['b'])

  const many = Array.from({ length: 49 }, (_, i) => `t${i}`)
  const { json } = await bulk({ action: 'add-tags', names: ['tagged_1', 'tagged_2'], tags: many })
  assert.deepEqual(
    [json.done, json.failed.map(({ name, error }: Json) => `${name} ${error}`)],
    [1, ['tagged_2 ruleset.too-many-tags']],
  )
  assert.deepEqual((await ruleset('tagged_2')).tags, ['b', 'c'])
})

const refused: readonly (readonly [string, Json])[] = [
  ['no names', { action: 'enable', names: [] }],
  ['an unknown action', { action: 'burn', names: ['tagged_1'] }],
  ['tags missing', { action: 'add-tags', names: ['tagged_1'] }],
  ['an empty tag', { action: 'add-tags', names: ['tagged_1'], tags: [''] }],
  ['a comma in a tag', { action: 'add-tags', names: ['tagged_1'], tags: ['a,b'] }],
  ['a tag of two lines', { action: 'add-tags', names: ['tagged_1'], tags: ['a\nb'] }],
  ['blanks around a tag', { action: 'add-tags', names: ['tagged_1'], tags: [' a'] }],
  ['a long tag', { action: 'add-tags', names: ['tagged_1'], tags: ['x'.repeat(65)] }],
  ['too many names', { action: 'enable', names: Array.from({ length: 10_001 }, (_, i) => `n${i}`) }],
]
for (const [what, json] of refused) {
  test(`a change of many with ${what} is refused`, async () => {
    assert.equal((await bulk(json)).status, 400)
  })
}

test('notes are kept across new texts; only owners and administrators write them', async () => {
  await server.saveRuleset('noted', finds('noted'), 'ana')
  assert.equal((await note('noted', { notes: 'Seen in March.' })).json.notes, 'Seen in March.')
  await server.saveRuleset('noted', finds('another text'), 'ana')
  assert.equal((await ruleset('noted')).notes, 'Seen in March.')
  assert.equal((await note('noted', { notes: 'Mine.' }, 'ben')).status, 401)
  assert.equal((await note('noted', { notes: 'Of an administrator.' }, 'admin')).status, 200)
  assert.equal((await note('noted', { notes: 'x'.repeat(10_001) })).status, 400)
  assert.equal((await note('nowhere', { notes: '' })).status, 404)
})

test('a ruleset past its date is disabled by itself, says so, matches nothing, and runs again once it is enabled', async () => {
  await server.saveRuleset('expiring', finds('perishable'), 'ana')
  // The past, a leap second, and what is no exact number of microseconds.
  for (const expires of ['2020-01-01T00:00:00Z', '2099-12-31T23:59:60Z', '9999-12-31T23:59:59Z', 'tomorrow']) {
    const refusal = await note('expiring', { expires })
    assert.equal(refusal.status, 400, expires)
  }
  assert.equal((await ruleset('expiring')).expires, null)
  // On a machine that is slower than the time until then, a later one.
  for (let ms = 1_500, status = 0; status !== 200; ms *= 2) {
    status = (await note('expiring', { expires: new Date(Date.now() + ms).toISOString() })).status
    assert.ok(ms < 100_000)
  }
  await until(async () => (await ruleset('expiring')).status === 'disabled', 'it is disabled')
  const expired = await ruleset('expiring')
  assert.equal(expired.expired, true)
  assert.match(expired.reason, /disabled by itself on its date of expiry/)
  const unmatched = await server.upload('something perishable', 'late.txt')
  assert.deepEqual((await server.get(`/api/samples/${unmatched}/details/`)).json.matches, [])
  // Notes are written with the date that it has.
  assert.equal((await note('expiring', { notes: 'over', expires: expired.expires })).status, 200)

  await server.post('/api/yara/ruleset/enable/', { as: 'ana', form: { name: 'expiring' } })
  const again = await ruleset('expiring')
  assert.deepEqual([again.status, again.expires, again.expired, again.reason], ['active', null, false, null])
  const matched = await server.upload('something perishable again', 'again.txt')
  assert.equal((await server.get(`/api/samples/${matched}/details/`)).json.matches.length, 1)
})

test('a date that comes while the server is stopped is found when it starts', async () => {
  await server.saveRuleset('sleeping', finds('sleeping'), 'ana')
  await note('sleeping', { expires: '2099-01-01T00:00:00Z' })
  await server.appliance.close()
  const { DatabaseSync } = await import('node:sqlite')
  const database = new DatabaseSync(server.databaseFile)
  database.exec(`UPDATE rulesets SET expires = 1 WHERE name = 'sleeping'`)
  database.close()
  server = await server.restart()
  await until(async () => (await ruleset('sleeping')).expired, 'it has expired')
})
