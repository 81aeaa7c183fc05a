/** Allow lists: a rule reports no matches of the samples in its list, and everything else is reported as before. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { asManyFacts } from '../programs/built-programs.ts'
import { type Json, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const path = (ruleset: string) => `/api/rulesets/${ruleset}/allowed/`
const allow = (ruleset: string, entry: Json, as: User = 'ana') => server.post(path(ruleset), { as, json: entry })
const matchesOf = async (hash: string): Promise<string[]> => {
  const { json } = await server.get('/api/matches/?limit=500')
  const own = json.results.filter((match: Json) => match.sha1 === hash)
  return own.map(({ ruleset, rule }: Json) => `${ruleset} ${rule}`).sort()
}

async function localRetro(): Promise<void> {
  await server.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await server.appliance.localRetro.idle()
}

const digest = (kind: string, content: string | Buffer) => createHash(kind).update(content).digest('hex')

test('a rule makes no match on what is allowed by hash, name, signer or serial number, live and in Local Retro; others do', async () => {
  const signed = asManyFacts().everything as Buffer
  const cases: readonly (readonly [content: string | Buffer, name: string, entry: Json])[] = [
    ['allowed by md5', 'a.txt', { kind: 'hash', value: digest('md5', 'allowed by md5').toUpperCase() }],
    ['allowed by sha1', 'b.txt', { kind: 'hash', value: digest('sha1', 'allowed by sha1') }],
    ['allowed by sha256', 'c.txt', { kind: 'hash', value: ` ${digest('sha256', 'allowed by sha256')} ` }],
    ['allowed by sha512', 'd.txt', { kind: 'hash', value: digest('sha512', 'allowed by sha512') }],
    ['allowed by its name', 'Set-Up 1.0.EXE', { kind: 'name', value: 'set-up ?.*.exe' }],
    [Buffer.concat([signed, Buffer.from('1')]), 'signed.exe', { kind: 'signer', value: 'and llc' }],
    [Buffer.concat([signed, Buffer.from('2')]), 'serial.exe', { kind: 'serial', value: '77:01:9A' }],
  ]
  const rules = 'rule broad { condition: filesize > 0 }\nrule beside { condition: broad }\n'
  for (const [n, [content, name, entry]] of cases.entries()) {
    const ruleset = `allowing_${n}`
    const about = JSON.stringify(entry)
    const others = [`${ruleset} beside`]
    await server.saveRuleset(ruleset, rules, 'ana')
    const { status, text } = await allow(ruleset, { rule: 'broad', ...entry })
    assert.equal(status, 200, text)
    const own = async (hash: string) => (await matchesOf(hash)).filter((match) => match.startsWith(`${ruleset} `))
    const hash = await server.upload(content, name)
    assert.deepEqual(await own(hash), others, `live: ${about}`)
    const other = await server.upload(`something else ${n}`, 'something.else')
    assert.deepEqual(await own(other), [`${ruleset} beside`, `${ruleset} broad`], `another sample: ${about}`)
    // A new text of the ruleset changes nothing of it.
    await server.saveRuleset(ruleset, `${rules}rule more { condition: false }\n`, 'ana')
    await localRetro()
    assert.deepEqual(await own(hash), others, `Local Retro: ${about}`)
    const [listed] = (await server.get(path(ruleset))).json.results
    assert.deepEqual([listed.rule, listed.kind, listed.by], ['broad', entry.kind, 'ana'])
    if (n % 3 === 0) {
      const removed = await server.delete(path(ruleset), { as: 'ana', json: { rule: 'broad', ...entry } })
      assert.deepEqual(removed.json, { results: [] })
      await localRetro()
      assert.deepEqual(await own(hash), [...others, `${ruleset} broad`], `no longer allowed: ${about}`)
    }
    await server.post('/api/yara/ruleset/disable/', { form: { name: ruleset } })
  }
})

test('an allowed name hides no match under another name of the same content, whichever came first', async () => {
  const rules = 'rule named { condition: filename endswith ".scr" and filesize > 0 }'
  await server.saveRuleset('by_names', rules, 'ana')
  assert.equal((await allow('by_names', { rule: 'named', kind: 'name', value: 'good.scr' })).status, 200)
  for (const names of [['evil.scr', 'good.scr'], ['good.scr', 'evil.scr'], ['good.scr']]) {
    const content = `sent as ${names}`
    const hash = digest('sha1', content)
    for (const name of names) await server.upload(content, name)
    await localRetro()
    const expected = names.includes('evil.scr') ? ['by_names named'] : []
    const own = (await matchesOf(hash)).filter((match) => match.startsWith('by_names '))
    assert.deepEqual(own, expected, content)
  }
  // Found by Local Retro alone, where the name that came last is the allowed one.
  await server.saveRuleset('by_names_later', `${rules} // later`, 'ana')
  assert.equal((await allow('by_names_later', { rule: 'named', kind: 'name', value: 'good.scr' })).status, 200)
  await localRetro()
  const later = async (content: string) =>
    (await matchesOf(digest('sha1', content))).filter((match) => match.startsWith('by_names_later '))
  assert.deepEqual(await later('sent as evil.scr,good.scr'), ['by_names_later named'])
  assert.deepEqual(await later('sent as good.scr,evil.scr'), ['by_names_later named'])
  assert.deepEqual(await later('sent as good.scr'), [])
})

test('allowing is for owners and administrators, bounded, of rules and values that there are, and in the audit log', async () => {
  await server.saveRuleset('guarded_list', 'rule one { condition: false }', 'ana')
  await server.post('/api/rulesets/core/', { json: { name: 'core_list', content: 'rule one { condition: false }' } })
  const name = { rule: 'one', kind: 'name', value: 'a.txt' }
  const refused: readonly (readonly [string, Json, User, number, string])[] = [
    ['guarded_list', name, 'ben', 401, 'ruleset.foreign'],
    ['core_list', name, 'admin', 401, 'ruleset.core'],
    ['unknown_list', name, 'ana', 404, 'ruleset.not-found'],
    ['guarded_list', { ...name, rule: 'two' }, 'ana', 404, 'rule.not-found'],
    ['guarded_list', { ...name, value: '*?*' }, 'ana', 400, 'parameter.out-of-range'],
    ['guarded_list', { ...name, value: '' }, 'ana', 400, 'parameter.out-of-range'],
    ['guarded_list', { ...name, kind: 'hash', value: 'abc' }, 'ana', 400, 'parameter.out-of-range'],
    ['guarded_list', { ...name, kind: 'serial', value: '77:01:9' }, 'ana', 400, 'parameter.out-of-range'],
    ['guarded_list', { ...name, kind: 'size', value: '1' }, 'ana', 400, 'parameter.out-of-range'],
  ]
  for (const [ruleset, entry, as, status, code] of refused) {
    const answer = await allow(ruleset, entry, as)
    assert.deepEqual([answer.status, answer.json.error], [status, code], JSON.stringify(entry))
  }
  assert.equal((await allow('guarded_list', name, 'admin')).status, 200)
  assert.equal((await allow('guarded_list', name)).json.results.length, 1, 'twice is fine')
  const { results } = (await server.get('/api/audit/?subject=guarded_list&limit=1')).json
  assert.deepEqual(
    [results[0].user, results[0].operation, results[0].subjects],
    ['ana', 'allowSamples', ['guarded_list', 'one', 'name', 'a.txt']],
  )
  const { id } = await server.appliance.rulesets.get('guarded_list')
  const database = new DatabaseSync(server.databaseFile)
  database.exec(`WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 999)
    INSERT INTO allow_entries SELECT ${id}, 'one', 'name', 'made ' || n, 1, 1 FROM numbers`)
  database.close()
  const full = await allow('guarded_list', { ...name, value: 'one more' })
  assert.deepEqual([full.status, full.json.error], [409, 'rule.too-many-allowed'])
})
