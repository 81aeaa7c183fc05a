/** What the pages of the web application ask beyond the specification: lists with search and order, revisions, runs. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
  for (const [name, as, content] of [
    ['alpha_rules', 'ana', 'rule a { strings: $a = "needle in here" condition: $a }'],
    ['Beta_rules', 'ben', 'rule b { condition: filesize < 10 }'],
    ['gamma', 'ana', 'rule c { condition: broken }'],
  ] as const) {
    await server.post('/api/yara/ruleset/', { as, form: { name, content } })
  }
  await server.upload('a text with a needle in here', 'hay.txt')
})
after(() => server.stop())

const names = async (query: string): Promise<string[]> => {
  const answer = await server.get(`/api/rulesets/${query}`)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.results.map(({ name }: Json) => name)
}

test('rulesets are found by a part of their name or of their owner’s, whatever the case', async () => {
  assert.deepEqual(await names(''), ['alpha_rules', 'Beta_rules', 'gamma'])
  assert.deepEqual(await names('?search=RULES'), ['alpha_rules', 'Beta_rules'])
  assert.deepEqual(await names('?search=ben'), ['Beta_rules'])
  assert.deepEqual(await names('?search=%25'), [])
  assert.deepEqual(await names('?search=rules&status=invalid'), [])
  assert.deepEqual(await names('?status=invalid'), ['gamma'])
})

test('rulesets come in the order that was asked for, also page by page', async () => {
  assert.deepEqual(await names('?order=name&descending=true'), ['gamma', 'Beta_rules', 'alpha_rules'])
  assert.deepEqual(await names('?order=unknown&descending=true'), ['alpha_rules', 'Beta_rules', 'gamma'])
  assert.deepEqual(await names('?order=owner&descending=true'), ['Beta_rules', 'alpha_rules', 'gamma'])
  assert.deepEqual(await names('?order=modified&page=2&page_size=2'), ['gamma'])
  const first = await server.get('/api/rulesets/?page=1&page_size=2&order=owner&search=rules&type=user')
  assert.equal(first.json.count, 2)
  const part = await server.get('/api/rulesets/?page=1&page_size=1&order=owner&search=rules&type=user')
  const next = new URL(part.json.next)
  assert.deepEqual(await names(next.search), ['Beta_rules'])
  assert.equal((await server.get('/api/rulesets/?order=size')).status, 400)
})

test('a revision tells what was first found with it, rule by rule', async () => {
  const changed = `rule a { strings: $a = "needle in here" condition: $a }\nrule also { condition: filesize > 3 }`
  await server.post('/api/yara/ruleset/', { as: 'ana', form: { name: 'alpha_rules', content: changed } })
  await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await server.appliance.localRetro.idle()
  const { json } = await server.get('/api/rulesets/alpha_rules/revisions/')
  assert.deepEqual(
    json.results.map(({ number, matches }: Json) => ({ number, matches })),
    [
      { number: 2, matches: { also: 1 } },
      { number: 1, matches: { a: 1 } },
    ],
  )
})

test('a run of Local Retro tells how much the index decided, how much was scanned, and what was new', async () => {
  const { json } = await server.get('/api/local-retro/')
  assert.equal(json.results.length, 1)
  const [run] = json.results
  assert.equal(run.state, 'COMPLETED')
  assert.equal(run.started_by, 'admin')
  assert.equal(run.rulesets, 2)
  assert.equal(run.samples, 1)
  assert.equal(run.processed, 1)
  assert.equal(run.matches, 1)
  assert.ok(run.candidates >= 1 && run.candidates <= 2, String(run.candidates))
  assert.ok(Date.parse(run.stopped) >= Date.parse(run.started))
})

test('an explanation has the warnings of a text that compiles, with their places', async () => {
  const content = 'rule slow {\n  strings: $a = { 00 ?? ?? ?? }\n  condition: $a\n}'
  const answer = await server.post('/api/hunts/explain/', { json: { rules: [{ name: 'draft', content }] } })
  assert.equal(answer.status, 200, answer.text)
  const [text] = answer.json.texts
  assert.equal(text.rules[0].unindexable[0].identifier, '$a')
  const [warning] = text.warnings
  assert.equal(warning.severity, 'warning')
  assert.equal(warning.line, 2)
})
