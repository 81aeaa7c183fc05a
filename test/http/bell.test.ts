/** What is new for each user, and what they have read. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
  await server.saveRuleset('of_ana', 'rule marked { strings: $a = "the marked words" condition: $a }', 'ana')
  await server.saveRuleset('of_ben', 'rule marked_too { strings: $a = "the marked words" condition: $a }', 'ben')
  await server.upload('the marked words came before anybody looked', 'before.txt')
})
after(() => server.stop())

const unread = async (as: User): Promise<Json> => (await server.get('/api/bell/', { as })).json
const namesOf = ({ rulesets }: Json) => rulesets.map(({ name, matches }: Json) => `${name} ${matches}`)
const read = async (as: User, json: Json) => {
  const { status, text } = await server.post('/api/bell/read/', { as, json })
  assert.equal(status, 200, text)
}

test('new matches of own and of followed rulesets are unread for each user, until that user has read them', async () => {
  assert.deepEqual([namesOf(await unread('ana')), namesOf(await unread('ben'))], [[], []])
  await server.upload('the marked words', 'first.txt')
  assert.deepEqual([namesOf(await unread('ana')), namesOf(await unread('ben'))], [['of_ana 1'], ['of_ben 1']])
  assert.deepEqual((await server.get('/api/rulesets/of_ben/follow/', { as: 'ana' })).json, { follows: false })
  await server.call('PUT', '/api/rulesets/of_ben/follow/', { as: 'ana', json: { follows: true } })
  assert.deepEqual(namesOf(await unread('ana')), ['of_ana 1'], 'what came before is not new')
  await server.upload('again the marked words', 'second.txt')
  assert.deepEqual(namesOf(await unread('ana')).sort(), ['of_ana 2', 'of_ben 1'])

  await read('ana', { ruleset: 'of_ana' })
  assert.deepEqual(namesOf(await unread('ana')), ['of_ben 1'])
  assert.deepEqual(namesOf(await unread('ben')), ['of_ben 2'])
  await server.call('PUT', '/api/rulesets/of_ben/follow/', { as: 'ana', json: { follows: false } })
  assert.deepEqual(namesOf(await unread('ana')), [])
})

test('what comes while somebody reads the list stays unread', async () => {
  await server.upload('the marked words, listed', 'listed.txt')
  const { as_of } = await unread('ben')
  await server.upload('the marked words, not listed yet', 'later.txt')
  await read('ben', { up_to: as_of })
  assert.deepEqual(namesOf(await unread('ben')), ['of_ben 1'])
  await read('ben', { up_to: `${10 ** 14}.${9 * 10 ** 15}` })
  assert.deepEqual(namesOf(await unread('ben')), [])
  await server.upload('the marked words after a place that nobody was given', 'after.txt')
  assert.deepEqual(namesOf(await unread('ben')), ['of_ben 1'])
})

test('the end of a hunt is new for whoever started it, that of a Local Retro run for all, and each is read by itself', async () => {
  await Promise.all([unread('ana'), unread('ben')])
  const rules = [{ name: 'x', content: 'rule x { condition: false }' }]
  const { json } = await server.post('/api/hunts/', { as: 'ana', json: { title: 'of ana', rules } })
  await server.appliance.adHocHunts.settled(json.id)
  await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await server.appliance.localRetro.idle()
  const huntsOf = async (as: User) => (await unread(as)).hunts.map(({ kind, title }: Json) => `${kind} ${title}`)
  assert.deepEqual(await huntsOf('ana'), ['local-retro null', 'ad-hoc of ana'])
  assert.deepEqual(await huntsOf('ben'), ['local-retro null'])
  await read('ana', { hunt: json.id })
  assert.deepEqual(await huntsOf('ana'), ['local-retro null'])
  await read('ana', { up_to: (await unread('ana')).as_of })
  assert.deepEqual(await huntsOf('ana'), [])
  assert.deepEqual(await huntsOf('ben'), ['local-retro null'])
})

test('unread marks outlive the server, and ask for a place that was given', async () => {
  await server.upload('the marked words before a restart', 'restart.txt')
  const before = namesOf(await unread('ana'))
  server = await server.restart()
  assert.deepEqual(namesOf(await unread('ana')), before)
  for (const [json, status] of [
    [{}, 400],
    [{ up_to: 'now' }, 400],
    [{ ruleset: 'no_such_one' }, 404],
    [{ hunt: 4_711 }, 404],
  ] as const) {
    assert.equal((await server.post('/api/bell/read/', { json })).status, status)
  }
})
