/** The audit log: what is put down of each change, of what is refused, and of log-ins; who may read it. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import type { AuditLog } from '../../src/audit/index.ts'
import { about, addAuditing } from '../../src/http/auditing.ts'
import { type Json, passwords, sha1, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start({ role: 'both' })
})
after(() => server.stop())

const rule = (name: string) => `rule ${name} { condition: filesize == 1 }`
const entries = async (query = '') => (await server.get(`/api/audit/${query}`)).json.results as Json[]
/** Without what differs from run to run. */
const told = ({ user, operation, subjects, subject_count, status }: Json) => [
  user,
  operation,
  subjects.join(' '),
  subject_count,
  status,
]
/** What was put down while `act` was at work, oldest first. */
async function during(act: () => Promise<unknown>): Promise<unknown[]> {
  const [last] = await entries('?limit=1')
  await act()
  const all = await entries('?limit=500')
  return all
    .filter(({ id }) => last === undefined || id > last.id)
    .reverse()
    .map(told)
}

test('a change is put down with who made it, what it was about and from where, and reading is not', async () => {
  await server.upload('a sample to be tagged', 'tagged.txt', 'ana')
  const hash = sha1('a sample to be tagged')
  const done = await during(async () => {
    await server.post('/api/yara/ruleset/', { as: 'ana', form: { name: 'audited', content: rule('audited') } })
    await server.post('/api/yara/ruleset/disable/', { as: 'ana', form: { name: 'audited' } })
    await server.post(`/api/tag/${hash}/`, { as: 'ben', form: { tags: 'odd' } })
    await server.get(`/api/samples/${hash}/download/`, { as: 'ben' })
    await server.get(`/api/samples/${hash}/bytes/?length=4`, { as: 'ben' })
    await server.get('/api/samples/', { as: 'ben' })
    await server.post('/api/hunts/explain/', { as: 'ben', json: { rules: [{ name: 'a', content: rule('a') }] } })
    await server.post('/api/users/ben/role/', { json: { role: 'administrator' } })
    await server.post('/api/users/ben/role/', { json: { role: 'user' } })
    await server.delete('/api/yara/ruleset/', { as: 'ana', form: { name: 'audited' } })
  })
  assert.deepEqual(done, [
    ['ana', 'saveRuleset', 'audited', 1, 200],
    ['ana', 'disableRuleset', 'audited', 1, 200],
    ['ben', 'addTags', `${hash} odd`, 2, 200],
    ['ben', 'downloadSample', hash, 1, 200],
    ['ben', 'readSampleBytes', hash, 1, 200],
    ['admin', 'setUserRole', 'ben administrator', 2, 200],
    ['admin', 'setUserRole', 'ben user', 2, 200],
    ['ana', 'deleteRuleset', 'audited', 1, 200],
  ])
  const [newest] = await entries('?limit=1')
  assert.equal(newest?.address, '127.0.0.1')
  assert.ok(Math.abs(Date.parse(newest?.time) - Date.now()) < 600_000, newest?.time)
})

test('what a user was refused is put down, what a client got wrong is not', async () => {
  await server.post('/api/users/', { json: { name: 'rea', password: 'the password of rea', role: 'read-only' } })
  const credentials = { username: 'rea', password: 'the password of rea' }
  const { token } = (await server.post('/api-token-auth/', { as: null, json: credentials })).json
  const done = await during(async () => {
    await server.post('/api/users/ben/role/', { as: 'ana', json: { role: 'administrator' } })
    await server.post('/api/yara/ruleset/', { as: 'ana', form: { name: 'no such/name', content: rule('a') } })
    await server.post('/api/yara/ruleset/', { as: null, form: { name: 'nobody', content: rule('a') } })
    const headers = { authorization: `Token ${token}` }
    await server.post('/api/yara/ticloud/time/', { as: null, headers, form: { time: '1500000000' } })
  })
  assert.deepEqual(done, [
    ['ana', 'setUserRole', 'ben administrator', 2, 403],
    ['rea', 'setCloudTime', '1500000000', 1, 403],
  ])
})

test('log-ins are put down with the name that was tried, and no password is kept anywhere in the log', async () => {
  const logIn = (username: string, password: string) =>
    server.post('/api-token-auth/', { as: null, json: { username, password } })
  const done = await during(async () => {
    await logIn('ana', 'a wrong password of hers')
    await logIn('nobody', 'a wrong password of his')
    await logIn('ana', passwords.ana)
    await server.post('/api/users/ben/password/', { json: { password: 'a new password of ben' } })
  })
  assert.deepEqual(done, [
    ['', 'logIn', 'ana', 1, 400],
    ['', 'logIn', 'nobody', 1, 400],
    ['ana', 'logIn', 'ana', 1, 200],
    ['admin', 'setUserPassword', 'ben', 1, 204],
  ])
  const everything = (await server.get('/api/audit/export/?format=jsonl')).text
  for (const secret of ['wrong password', passwords.ana, 'new password of ben']) {
    assert.ok(!everything.includes(secret), secret)
  }
})

test('what tenants of the cloud change is put down', async () => {
  await server.post('/api/users/', { json: { name: 'acme', password: 'the password of acme', role: 'tenant' } })
  const authorization = `Basic ${Buffer.from('acme:the password of acme').toString('base64')}`
  const done = await during(() =>
    server.post('/api/yara/admin/v1/ruleset', {
      as: null,
      headers: { authorization },
      json: { ruleset_name: 'of_acme', text: rule('of_acme') },
    }),
  )
  assert.deepEqual(done, [['acme', 'createTenantRuleset', 'of_acme', 1, 200]])
})

test('many subjects are counted, and the first ones are named', async () => {
  const hashes = Array.from({ length: 120 }, (_, n) => sha1(`not there ${n}`))
  await server.post('/api/samples/v2/delete_bulk/', { form: { hash_values: hashes.join(',') } })
  const [entry] = await entries('?limit=1')
  assert.equal(entry?.operation, 'deleteSamples')
  assert.equal(entry?.subject_count, 120)
  assert.deepEqual(entry?.subjects, hashes.slice(0, 50))
})

test('the log is filtered, read page by page and exported whole, by administrators only', async () => {
  for (const n of [1, 2, 3, 4, 5]) {
    await server.post('/api/yara/ruleset/', { as: 'ana', form: { name: `Paged_${n}`, content: rule('a') } })
  }
  const byName = await entries('?user=ana&operation=saveRuleset&subject=paged_')
  assert.deepEqual(
    byName.map(({ subjects }) => subjects[0]),
    [5, 4, 3, 2, 1].map((n) => `Paged_${n}`),
  )
  assert.deepEqual(await entries('?to=2020-01-01'), [])
  assert.ok((await entries(`?from=${new Date().toISOString().slice(0, 10)}&subject=Paged_3`)).length <= 1)

  const whole = await entries('?limit=500')
  const paged: Json[] = []
  for (let before = ''; ; ) {
    const { json } = await server.get(`/api/audit/?limit=4${before}`)
    paged.push(...json.results)
    if (json.next_before === null) break
    before = `&before=${json.next_before}`
  }
  assert.deepEqual(paged, whole)

  const lines = (await server.get('/api/audit/export/?format=jsonl&user=ana')).text.trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    whole.filter(({ user }) => user === 'ana'),
  )
  const csv = (await server.get('/api/audit/export/?subject=Paged_2')).text.split('\r\n')
  assert.equal(csv[0], 'id,time,user,operation,subjects,subject_count,status,address')
  assert.match(csv[1] ?? '', /^\d+,[^,]+,ana,saveRuleset,Paged_2,1,200,127\.0\.0\.1$/)

  for (const path of ['/api/audit/', '/api/audit/export/']) {
    assert.equal((await server.get(path, { as: 'ana' })).status, 403)
    assert.equal((await server.get(path, { as: null })).status, 403)
  }
})

test('a route that changes something or hands out contents, and does not say what its entries are about, is a defect', async () => {
  const app = Fastify()
  addAuditing(app, {} as AuditLog, () => null)
  for (const type of ['application/zip', 'application/octet-stream']) {
    const schema = { produces: [type] }
    assert.throws(() => app.get('/api/contents/', { schema }, async () => ''), /does not say what its entries/, type)
  }
  assert.throws(() => app.post('/api/forgotten/', async () => ''), /does not say what its entries in the audit log/)
  app.get('/api/read/', async () => '')
  const misnamed = { audit: about('name', 'misspelt'), access: 'account' as const }
  const schema = { params: { properties: { name: {} } }, body: { anyOf: [{ properties: { other: {} } }] } }
  assert.throws(() => app.post('/api/of/:name/', { config: misnamed, schema }, async () => ''), /about misspelt, which/)
  app.post('/api/of/:name/', { config: { audit: about('name', 'other') }, schema }, async () => '')
  app.post('/api/told/', { config: { audit: 'nothing to tell' } }, async () => '')
  await app.close()
})
