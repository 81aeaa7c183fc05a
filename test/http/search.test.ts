/** One search over everything, asked as the web application asks it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Json, sha1, sha256, TestServer } from './harness.ts'

let server: TestServer
const content = 'a sample that is searched for'

before(async () => {
  server = await TestServer.start({ role: 'both' })
  await server.upload(content, 'Quarterly report.exe')
  await server.upload('another one', 'invoice.pdf')
  await server.post(`/api/tag/${sha1(content)}/`, { json: { tags: ['emotet-wave'] } })
  const text = [
    '// what the loader leaves behind',
    'rule Emotet_Loader',
    '{',
    '  meta: seen = "3f5a in the wild"',
    '  strings: $mutex = "Global\\\\I98B68E3C"',
    '  condition: $mutex',
    '}',
  ].join('\n')
  await server.saveRuleset('loaders', text, 'ana')
  await server.saveRuleset('emotet_family', 'rule other { condition: false }')
  const rules = [{ name: 'x', content: 'rule x { condition: false }' }]
  await server.post('/api/hunts/', { as: 'ben', json: { title: 'After EMOTET again', rules } })
})
after(() => server.stop())

async function search(text: string, as: 'admin' | 'ana' = 'ana'): Promise<Json> {
  const { status, json } = await server.post('/api/search/', { as, json: { text } })
  assert.equal(status, 200, JSON.stringify(json))
  return json
}
const namesOf = (found: Json): string[] => found.samples.map(({ name }: Json) => name)
const linesOf = (found: Json[]): string[] => found.map(({ ruleset, rule, line }) => `${ruleset} ${rule} ${line}`)

test('a word is found in rulesets, rules, tags and hunts, whatever its case and whoever made them', async () => {
  const found = await search('EmoTet')
  assert.deepEqual(
    found.rulesets.map(({ name }: Json) => name),
    ['emotet_family'],
  )
  assert.deepEqual(linesOf(found.rules), ['loaders Emotet_Loader 2'])
  assert.deepEqual(found.tags.samples, ['emotet-wave'])
  assert.deepEqual(
    found.hunts.map(({ title, user }: Json) => `${title} by ${user}`),
    ['After EMOTET again by ben'],
  )
  assert.equal(found.complete, true)
})

test('a text in a rule is found with its line and its rule, until the ruleset has another text', async () => {
  const [line] = (await search('i98b68')).lines
  assert.deepEqual(line, {
    ruleset: 'loaders',
    rule: 'Emotet_Loader',
    line: 5,
    text: 'strings: $mutex = "Global\\\\I98B68E3C"',
  })
  assert.deepEqual(linesOf((await search('leaves behind')).lines), ['loaders null 1'])
  assert.deepEqual((await search('nothing like it')).lines, [])

  await server.saveRuleset('changing', 'rule before { meta: a = "the first wording" condition: false }')
  assert.deepEqual(linesOf((await search('first wording')).lines), ['changing before 1'])
  await server.saveRuleset('changing', 'rule later { meta: a = "the second wording" condition: false }')
  assert.deepEqual((await search('first wording')).lines, [])
  assert.deepEqual(linesOf((await search('wording')).lines), ['changing later 1'])
  await server.delete('/api/yara/ruleset/', { form: { name: 'changing' } })
  assert.deepEqual((await search('wording')).lines, [])
})

test('characters that mean something to patterns are searched for as they are', async () => {
  await server.saveRuleset('signs', 'rule signs { strings: $a = /[a-z]{3}(x|y)+%_/ condition: $a }')
  assert.deepEqual(linesOf((await search('[a-z]{3}(x|y)+%_')).lines), ['signs signs 1'])
  assert.deepEqual((await search('[a-z]{4}')).lines, [])
  assert.deepEqual((await search('s.gns')).rules, [])
})

test('a sample is found by every digest, by the first digits of one, and by a part of its name', async () => {
  const [sample] = (await search(sha256(content))).samples
  for (const digest of [sample.sha256, sample.sha1, sample.md5, sample.sha512] as string[]) {
    assert.deepEqual(namesOf(await search(digest.toUpperCase())), ['Quarterly report.exe'])
    assert.deepEqual(namesOf(await search(digest.slice(0, 9))), ['Quarterly report.exe'], digest)
  }
  assert.deepEqual(namesOf(await search('quarterly REPORT')), ['Quarterly report.exe'])
  assert.deepEqual(namesOf(await search('a'.repeat(40))), [])
})

test('of a pasted list of hashes those that are here are told from the others, whatever stands between them', async () => {
  const unknown = 'ab'.repeat(32)
  const found = await search(
    `SHA256,name\n"${sha256(content)}";x\r\n${sha1('another one').toUpperCase()}\t${unknown}\n`,
  )
  assert.deepEqual(namesOf(found).sort(), ['Quarterly report.exe', 'invoice.pdf'])
  assert.deepEqual(found.hashes, { asked: 3, unknown: [unknown], unknown_count: 1 })
  const many = Array.from({ length: 2_001 }, (_, n) => sha256(String(n)))
  const { status, json } = await server.post('/api/search/', { json: { text: many.join('\n') } })
  assert.equal(status, 400)
  assert.match(json.message, /2001 hashes; search for up to 2000/)
  assert.equal((await search(many.slice(1).join('\n'))).hashes.unknown_count, 2_000)
})

test('what a tenant runs is not found, and nobody finds anything without a token', async () => {
  const { accounts } = server.appliance
  await accounts.users.add({ name: 'acme', password: 'a long tenant password', role: 'tenant', contributes: true })
  const authorization = `Basic ${Buffer.from('acme:a long tenant password').toString('base64')}`
  const secret = 'rule of_a_tenant { meta: a = "only theirs" condition: true }'
  const { status, text } = await server.post('/api/yara/admin/v1/ruleset', {
    as: null,
    headers: { authorization },
    json: { ruleset_name: 'their_ruleset', text: secret },
    isDocumented: false,
  })
  assert.ok(status < 300, text)
  for (const part of ['of_a_tenant', 'only theirs', 'their_ruleset']) {
    const found = await search(part, 'admin')
    assert.deepEqual([found.rules, found.lines, found.rulesets], [[], [], []], part)
  }
  assert.equal((await server.post('/api/search/', { as: null, json: { text: 'x' } })).status, 403)
})

test('a rule at the end of a long text is found', { timeout: 60_000 }, async () => {
  const filler = Array.from({ length: 20_000 }, (_, n) => `rule r${n} { condition: false }`).join('\n')
  await server.saveRuleset('large', `${filler}\nrule at_the_end { meta: a = "far below" condition: false }`)
  const [found] = await Promise.all([search('far below'), search('far'), search('below')])
  assert.deepEqual(linesOf(found.lines), ['large at_the_end 20001'])
  const { rules } = await search('at_the_end')
  assert.deepEqual(linesOf(rules), ['large at_the_end 20001'])
})
