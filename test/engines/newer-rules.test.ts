/** Rules that only a newer engine knows run like all others: live, in Local Retro and in ad-hoc hunts. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { TestServer } from '../http/harness.ts'
import { newer } from './newer-rules.ts'

let server: TestServer

before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const usual = 'rule usual { strings: $a = "a marker for the newer engine" condition: $a }'
const marked = 'a file with a marker for the newer engine'

const matchedBy = async (name: string): Promise<string[]> => {
  const { json } = await server.get(`/api/yara/v2/ruleset/matches/?name=${name}`)
  return json.results.map(({ rule, filename }: { rule: string; filename: string }) => `${rule} ${filename}`).sort()
}

test('saving a text says which engine runs it', async () => {
  const saved = await server.post('/api/yara/ruleset/', { form: { name: 'usual_rules', content: usual } })
  assert.equal(saved.json.detail.engine, 'YARA-X 1.7.1')
  for (const [n, { text, engine }] of newer.entries()) {
    const answer = await server.post('/api/yara/ruleset/', { form: { name: `newer_${n}`, content: text } })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.json.detail.engine, engine, text)
    assert.deepEqual(
      answer.json.detail.diagnostics.filter(({ severity }: { severity: string }) => severity === 'error'),
      [],
    )
  }
})

test('a sample is matched with the rules of both engines as it arrives', async () => {
  await server.upload(marked, 'live.txt')
  await server.upload('nothing of the kind', 'other.txt')
  assert.deepEqual(await matchedBy('usual_rules'), ['usual live.txt'])
  for (const n of newer.keys()) assert.deepEqual(await matchedBy(`newer_${n}`), ['newer live.txt'])
})

test('Local Retro finds what was there before the rules', async () => {
  for (const [n, { text }] of newer.entries()) await server.saveRuleset(`later_${n}`, text)
  await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await server.appliance.localRetro.idle()
  for (const n of newer.keys()) assert.deepEqual(await matchedBy(`later_${n}`), ['newer live.txt'])
})

test('a hunt runs rules of both engines, in one text or in several, and explains them', async () => {
  const many = Array.from({ length: 20 }, (_, n) => `rule usual_${n} { strings: $a = "marker for ${n}" condition: $a }`)
  for (const { text } of newer) {
    for (const rules of [
      [text],
      [text, usual],
      [`${text}\n${usual}`],
      [`${text}\n${usual}\n${many.join('\n')}`],
      [text, usual, ...many],
    ]) {
      const given = rules.map((content, n) => ({ name: `text_${n}`, content }))
      const started = await server.post('/api/hunts/', { json: { rules: given } })
      assert.equal(started.status, 201, started.text)
      await server.appliance.adHocHunts.settled(started.json.id)
      const { json } = await server.get(`/api/hunts/${started.json.id}/results/`)
      const found = new Set(
        json.results.map(({ rule, filename }: { rule: string; filename: string }) => `${rule} ${filename}`),
      )
      const expected = rules.length > 1 || rules[0] !== text ? ['newer live.txt', 'usual live.txt'] : ['newer live.txt']
      assert.deepEqual([...found].sort(), expected, `${rules.length} texts`)
      const explained = await server.post('/api/hunts/explain/', { json: { rules: given } })
      assert.equal(explained.status, 200, explained.text)
    }
  }
})

test('what no engine knows is refused with the words of the usual one', async () => {
  const content = 'import "nothing" rule a { condition: nothing.at_all }'
  const answer = await server.post('/api/yara/ruleset/', { form: { name: 'unknown', content } })
  assert.equal(answer.status, 500)
  assert.match(answer.text, /unknown module `nothing`/)
})
