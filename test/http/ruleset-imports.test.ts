/** Files, folders and archives that become rulesets: looked at first, then saved. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { type Answer, type Json, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const finds = (rule: string, text = rule) => `rule ${rule} { strings: $a = "${text}" condition: $a }\n`

async function send(files: Readonly<Record<string, string | Buffer>>, as: User = 'ana'): Promise<Answer> {
  const multipart = new FormData()
  for (const [path, content] of Object.entries(files)) multipart.append('file', new Blob([content as string]), path)
  return server.post('/api/ruleset-imports/', { as, multipart })
}

/** Waits until the server has come to the end of a phase. */
async function settled(id: number, as: User = 'ana'): Promise<Json> {
  for (let tries = 0; ; tries++) {
    const { json, text, status } = await server.get(`/api/ruleset-imports/${id}/`, { as })
    assert.equal(status, 200, text)
    if (!['reading', 'checking', 'saving'].includes(json.phase)) return json
    assert.ok(tries < 3_000, `still ${json.phase} after five minutes`)
    await pause(100)
  }
}

async function look(files: Readonly<Record<string, string | Buffer>>, as: User = 'ana'): Promise<Json> {
  const { status, json, text } = await send(files, as)
  assert.equal(status, 202, text)
  return settled(json.id, as)
}

async function save(id: number, leave_out: string[] = [], as: User = 'ana'): Promise<Json> {
  const { status, text } = await server.post(`/api/ruleset-imports/${id}/save/`, { as, json: { leave_out } })
  assert.equal(status, 202, text)
  return settled(id, as)
}

const steps = ({ files }: Json) =>
  files.map(({ path, ruleset, step, runs }: Json) => `${path} ${ruleset} ${step} ${runs}`)

test('a preview tells what is new, what replaces which, what does not compile and where, and what is left out', async () => {
  await server.saveRuleset('known_same', finds('same'), 'ana')
  await server.saveRuleset('known_other', finds('before'), 'ana')
  await server.saveRuleset('of_ben', finds('ben'), 'ben')
  const files = {
    'rules/fresh.yar': finds('fresh'),
    'rules/known_same.yar': finds('same'),
    'rules/known_other.yar': finds('after'),
    'rules/of_ben.yar': finds('changed'),
    'rules/broken.yar': 'rule broken {\n  condition:\n    nothing_known\n}\n',
    'rules/in_part.yar': `${finds('whole')}rule half {\n  condition: nothing_known\n}\n`,
    'rules/a/twin.yar': finds('twin_a'),
    'rules/b/twin.yar': finds('twin_b'),
    'rules/all.yar': 'include "./fresh.yar"\ninclude "./a/twin.yar"\n',
    'rules/empty.yar': '',
    'rules/readme.md': 'no rules',
  }
  const preview = await look(files)
  assert.equal(preview.phase, 'ready')
  assert.deepEqual(steps(preview), [
    'rules/a/twin.yar a_twin create true',
    'rules/b/twin.yar b_twin create true',
    'rules/broken.yar broken create false',
    'rules/fresh.yar fresh create true',
    'rules/in_part.yar in_part create true',
    'rules/known_other.yar known_other update true',
    'rules/known_same.yar known_same keep null',
    'rules/of_ben.yar of_ben refused null',
  ])
  const problemsOf = (path: string) => preview.files.find((file: Json) => file.path === path).problems.join('\n')
  assert.match(problemsOf('rules/broken.yar'), /^rules\/broken\.yar:3:5: .*nothing_known/)
  assert.match(problemsOf('rules/in_part.yar'), /^rules\/in_part\.yar:3:14: rule half is left out: .*nothing_known/)
  assert.match(problemsOf('rules/of_ben.yar'), /another user/)
  assert.deepEqual(preview.unreadable, [
    { path: 'rules/readme.md', message: 'rules/readme.md: it is neither a YARA file nor an archive' },
    { path: 'rules/empty.yar', message: 'rules/empty.yar: it is empty' },
  ])
  // Nothing is saved before somebody says so.
  assert.equal((await server.get('/api/rulesets/fresh/')).status, 404)
  assert.equal((await server.get(`/api/ruleset-imports/${preview.id}/`, { as: 'ben' })).status, 404)

  const saved = await save(preview.id, ['rules/b/twin.yar'])
  assert.deepEqual([saved.phase, saved.outcome], ['done', { created: 3, updated: 1, problems: [] }])
  for (const name of ['fresh', 'a_twin', 'in_part', 'known_other'])
    assert.equal((await server.get(`/api/rulesets/${name}/`)).json.status, 'active', name)
  for (const name of ['broken', 'b_twin']) assert.equal((await server.get(`/api/rulesets/${name}/`)).status, 404, name)
  assert.equal((await server.get('/api/rulesets/known_other/')).json.revision, 2)
  assert.equal((await server.get('/api/rulesets/of_ben/')).json.revision, 1)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=known_other')).json.detail.content, finds('after'))
})

test('the rule files of a zip are imported beside others; what is broken in it is named', async () => {
  const zip = storedZip([
    { name: Buffer.from('pack-1.0/one.yar'), bytes: Buffer.from(finds('zipped_one')) },
    { name: Buffer.from('pack-1.0/deep/two.yar'), bytes: Buffer.from('rule two { condition: oops }') },
    { name: Buffer.from('pack-1.0/LICENSE'), bytes: Buffer.from('free') },
  ])
  const preview = await look({ 'pack.zip': zip, 'beside.yar': finds('beside'), 'damaged.zip': 'PK\x03\x04 no zip' })
  assert.deepEqual(steps(preview), [
    'beside.yar beside create true',
    'pack.zip/deep/two.yar two create false',
    'pack.zip/one.yar one create true',
  ])
  assert.match(preview.files[1].problems[0], /^pack\.zip\/deep\/two\.yar:1:23: /)
  assert.deepEqual(
    preview.unreadable.map(({ path }: Json) => path),
    ['damaged.zip'],
  )
  assert.deepEqual((await save(preview.id)).outcome, { created: 2, updated: 0, problems: [] })
})

test('a ruleset that was changed after the preview stays, and is named', async () => {
  await server.saveRuleset('moving', finds('first'), 'ana')
  const preview = await look({ 'moving.yar': finds('imported') })
  await server.saveRuleset('moving', finds('meanwhile'), 'ana')
  const { outcome } = await save(preview.id)
  assert.deepEqual([outcome.created, outcome.updated], [0, 0])
  assert.match(outcome.problems.join(), /^moving\.yar: moving was changed meanwhile/)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=moving')).json.detail.content, finds('meanwhile'))
})

test('paths that lead out of what was sent, and names of any kind, stay within it', async () => {
  const preview = await look({
    '../../outside.yar': finds('outside'),
    '/rooted.yar': finds('rooted'),
    'win\\dows.yar': finds('windows'),
    'über "all".yar': finds('quoted'),
    'sneaky.yar': 'include "../../../../etc/passwd"\n',
  })
  assert.deepEqual(
    preview.files.map(({ path, ruleset }: Json) => `${path} ${ruleset}`),
    ['rooted.yar rooted', 'win/dows.yar dows', 'über "all".yar über_all_'],
  )
  assert.deepEqual(
    preview.unreadable.map(({ message }: Json) => message.replace(/sneaky\.yar:.*/, 'sneaky')),
    ['../../outside.yar: its path leads out of what was sent', 'sneaky'],
  )
})

test('forms without files, other bodies, unknown imports and previews that are not complete are refused', async () => {
  assert.equal((await server.post('/api/ruleset-imports/', { as: 'ana', multipart: new FormData() })).status, 400)
  assert.equal((await server.post('/api/ruleset-imports/', { as: 'ana', json: {} })).status, 415)
  assert.equal((await server.get('/api/ruleset-imports/7/', { as: 'ana' })).status, 404)
  const { json: first } = await send({ 'one.yar': finds('one') })
  const { json: second } = await send({ 'two.yar': finds('two') })
  assert.equal((await server.get(`/api/ruleset-imports/${first.id}/`, { as: 'ana' })).status, 404, 'ended by the next')
  await settled(second.id)
  await save(second.id)
  const again = await server.post(`/api/ruleset-imports/${second.id}/save/`, {
    as: 'ana',
    json: { leave_out: [] },
  })
  assert.deepEqual([again.status, again.json.error], [409, 'import.not-ready'])
  assert.equal((await server.delete(`/api/ruleset-imports/${second.id}/`, { as: 'ana' })).status, 204)
  assert.equal((await server.delete(`/api/ruleset-imports/${second.id}/`, { as: 'ana' })).status, 404)
})
