/** Rules that are disabled by themselves: wherever matches are made, they make none, and nothing else is lost. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { type Json, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const finds = (rule: string, text: string) => `rule ${rule} { strings: $a = "${text}" condition: $a }\n`

async function turn(ruleset: string, action: 'enable' | 'disable', rules: readonly string[], as: User = 'ana') {
  return server.post(`/api/rulesets/${ruleset}/rules/${action}/`, { as, json: { rules } })
}

async function rulesOf(ruleset: string): Promise<Json[]> {
  return (await server.get(`/api/rulesets/${ruleset}/rules/`)).json.results
}

/** `ruleset rule` of each match of a sample, sorted. */
async function matchesOf(hash: string): Promise<string[]> {
  const { json } = await server.get('/api/matches/?limit=500')
  return json.results
    .filter((match: Json) => match.sha1 === hash)
    .map(({ ruleset, rule }: Json) => `${ruleset} ${rule}`)
    .sort()
}

async function localRetro(): Promise<Json> {
  await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await server.appliance.localRetro.idle()
  return (await server.get('/api/local-retro/')).json.results[0]
}

test('a disabled rule matches nothing wherever matches are made; rules that refer to it, beside it and of its name elsewhere do', async () => {
  const text = 'nothing but a quarrel here'
  const ruleset = `${finds('quarrel', 'quarrel')}rule refers { condition: quarrel and filesize > 0 }\n${finds('beside', 'quarrel')}`
  const earlier = await server.upload(`${text}, earlier`, 'earlier.txt')
  await server.saveRuleset('switched', ruleset, 'ana')
  await server.saveRuleset('same_name', finds('quarrel', 'quarrel'), 'ana')
  const before = await server.upload(`${text}, before`, 'before.txt')
  const all = ['same_name quarrel', 'switched beside', 'switched quarrel', 'switched refers']
  assert.deepEqual(await matchesOf(before), all)

  assert.equal((await turn('switched', 'disable', ['quarrel'])).status, 200)
  const others = all.filter((match) => match !== 'switched quarrel')
  // What arrives, what is stored, what is analysed again, and another name that rules may ask for.
  const live = await server.upload(`${text}, live`, 'live.txt')
  assert.deepEqual(await matchesOf(live), others, 'live')
  await localRetro()
  assert.deepEqual(await matchesOf(earlier), others, 'Local Retro')
  await server.post(`/api/samples/${live}/analyze/`, { form: { analysis: 'core' } })
  await server.appliance.reanalysis.idle()
  assert.deepEqual(await matchesOf(live), others, 'analysed again')
  assert.deepEqual(await matchesOf(before), all, 'earlier matches stay')
  assert.equal((await server.get('/api/rulesets/switched/')).json.disabled_rules, 1)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=switched')).json.detail.content, ruleset)

  const hidden = await server.get('/api/matches/?ruleset=switched&enabled_rules=true')
  assert.ok(hidden.json.results.length > 0)
  assert.ok(hidden.json.results.every(({ rule }: Json) => rule !== 'quarrel'))
  const counted = async (more: string) => (await server.get(`/api/matches/count/?ruleset=switched${more}`)).json.count
  assert.equal(await counted('&enabled_rules=true'), (await counted('')) - 1)
  const exported = await server.get('/api/matches/export/?ruleset=switched&enabled_rules=true&format=csv')
  assert.doesNotMatch(exported.text, /,quarrel,/)

  assert.equal((await turn('switched', 'enable', ['quarrel'])).status, 200)
  const again = await server.upload(`${text}, again`, 'again.txt')
  assert.deepEqual(await matchesOf(again), all, 'live, enabled again')
  assert.deepEqual(await matchesOf(live), others, 'what arrived meanwhile waits for Local Retro')
  const run = await localRetro()
  assert.deepEqual([await matchesOf(live), await matchesOf(earlier)], [all, all])
  assert.equal(run.matches, 2, 'the two that were missing are new')
})

test('a rule stays disabled whatever text its ruleset gets, known by its name alone', async () => {
  await server.saveRuleset('retold', finds('noisy', 'clamour') + finds('calm', 'clamour'), 'ana')
  await turn('retold', 'disable', ['noisy'])
  const state = async () =>
    (await rulesOf('retold')).map(({ name, enabled, in_text }) => `${name} ${enabled ? 'on' : 'off'} ${in_text}`)
  const upload = async (word: string) => matchesOf(await server.upload(`clamour, ${word}`, `${word}.txt`))

  await server.saveRuleset('retold', finds('calm', 'clamour') + finds('noisy', 'clamo'), 'admin')
  assert.deepEqual(await state(), ['calm on true', 'noisy off true'])
  assert.deepEqual(await upload('changed'), ['retold calm'])
  await server.saveRuleset('retold', finds('renamed', 'clamour'), 'ana')
  assert.deepEqual(await state(), ['renamed on true', 'noisy off false'])
  assert.deepEqual(await upload('renamed'), ['retold renamed'])
  await server.saveRuleset('retold', finds('noisy', 'clamour'), 'ana')
  assert.deepEqual(await state(), ['noisy off true'])
  assert.deepEqual(await upload('back'), [])
  // A text that does not compile leaves the rules of the last one that did.
  await server.post('/api/yara/ruleset/', { as: 'ana', form: { name: 'retold', content: 'rule noisy { condition: }' } })
  assert.deepEqual(await state(), ['noisy off true'])
  assert.equal((await turn('retold', 'enable', ['noisy'])).status, 200)
  assert.deepEqual(await state(), ['noisy on true'])

  // Another ruleset of the same name is another ruleset.
  await turn('retold', 'disable', ['noisy'])
  await server.delete('/api/yara/ruleset/', { as: 'ana', form: { name: 'retold' } })
  await server.saveRuleset('retold', finds('noisy', 'clamour'), 'ana')
  assert.deepEqual(await upload('anew'), ['retold noisy'])
})

test('only owners and administrators disable rules, all or none of those that are named, and the audit log has it', async () => {
  await server.saveRuleset('guarded', finds('one', 'first word') + finds('two', 'second word'), 'ana')
  await server.post('/api/rulesets/core/', { json: { name: 'guarded_core', content: finds('one', 'first word') } })
  const tried = [
    [await turn('guarded', 'disable', ['one'], 'ben'), 401, 'ruleset.foreign'],
    [await turn('guarded_core', 'disable', ['one'], 'admin'), 401, 'ruleset.core'],
    [await turn('guarded', 'disable', ['one', 'three']), 404, 'rule.not-found'],
    [await turn('guarded', 'disable', ['One']), 404, 'rule.not-found'],
    [await turn('guarded', 'enable', ['three']), 404, 'rule.not-found'],
    [await turn('unknown_ruleset', 'disable', ['one']), 404, 'ruleset.not-found'],
    [await turn('guarded', 'disable', []), 400, 'parameter.out-of-range'],
    [await turn('guarded', 'disable', ['']), 400, 'parameter.out-of-range'],
  ] as const
  for (const [{ status, json }, expected, code] of tried) {
    assert.deepEqual([status, json.error], [expected, code], JSON.stringify(json))
  }
  assert.deepEqual(
    (await rulesOf('guarded')).map(({ enabled }) => enabled),
    [true, true],
  )
  assert.equal((await turn('guarded', 'disable', ['one', 'two'], 'admin')).status, 200)
  assert.equal((await turn('guarded', 'disable', ['two'])).status, 200, 'twice is fine')
  assert.equal((await turn('guarded', 'enable', ['one'])).status, 200)
  const { results } = (await server.get('/api/audit/?subject=guarded&limit=4')).json
  const entries = results.map(({ user, operation, subjects, status }: Json) => [user, operation, subjects, status])
  assert.deepEqual(entries.slice(0, 3), [
    ['ana', 'enableRules', ['guarded', 'one'], 200],
    ['ana', 'disableRules', ['guarded', 'two'], 200],
    ['admin', 'disableRules', ['guarded', 'one', 'two'], 200],
  ])
})

test('the list of rules counts the matches of each, and calls noisy what matches more than anybody reads', async () => {
  await server.saveRuleset(
    'counted',
    finds('some', 'whatever') + finds('hundred', 'whatever 2') + finds('never', 'whatever 3'),
    'ana',
  )
  const { id } = await server.appliance.rulesets.get('counted')
  const database = new DatabaseSync(server.databaseFile)
  const numbers = 'WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100)'
  database.exec(`${numbers} INSERT INTO samples (sha256, sha1, size, stored, state, file_type, type_description, name,
      first_seen, last_seen, processed_at) SELECT randomblob(32), randomblob(20), 10, 1, 'processed', 'Text/None', '',
      'made-up-' || n, n, n, n FROM numbers`)
  const made = "SELECT id FROM samples WHERE name GLOB 'made-up-*'"
  const insert = `INSERT INTO matches (ruleset_id, sample_id, rule, created) SELECT ?, id, ?, 1 FROM (${made} LIMIT ?)`
  database.prepare(insert).run(id, 'hundred', 100)
  database.prepare(insert).run(id, 'some', 99)
  database.close()
  assert.deepEqual(
    (await rulesOf('counted')).map(({ name, matches, noisy }) => [name, matches, noisy]),
    [
      ['some', 99, false],
      ['hundred', 100, true],
      ['never', 0, false],
    ],
  )
})
