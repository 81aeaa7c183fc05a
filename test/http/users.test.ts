/** Users that are disabled, and passwords that are changed: what every kind of credential is worth afterwards. */
import assert from 'node:assert/strict'
import { type ClientRequest, request as httpRequest } from 'node:http'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { sessionLength } from '../../src/accounts/index.ts'
import { underWay } from '../faults/data-folder.ts'
import { until } from '../faults/killable-server.ts'
import { type Json, passwords, TestServer } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start({ role: 'both' })
})
after(() => server.stop())

const setDisabled = (name: string, disabled: boolean) =>
  server.post(`/api/users/${name}/disabled/`, { json: { disabled } })

async function listed(name: string): Promise<Json> {
  const { json } = await server.get('/api/users/')
  return json.results.find((user: Json) => user.name === name)
}

/** A session of the web application, as its cookie. */
async function logIn(name: 'ana' | 'ben', password: string): Promise<string> {
  const { headers, status, text } = await server.post('/api/session/', {
    as: null,
    json: { username: name, password },
    headers: { 'x-backtrail-page': '1' },
  })
  assert.equal(status, 200, text)
  return String(headers['set-cookie']).split(';')[0] as string
}

test('a disabled user is refused with token, session and password at once, and is listed as disabled', async () => {
  const cookie = await logIn('ana', passwords.ana)
  const inSession = async () => (await server.get('/api/session/', { as: null, headers: { cookie } })).json.user?.name
  assert.equal(await inSession(), 'ana')
  assert.equal((await server.get('/api/users/me/', { as: 'ana' })).status, 200)
  assert.equal((await setDisabled('ana', true)).status, 200)
  assert.equal((await server.get('/api/users/me/', { as: 'ana' })).status, 403)
  assert.equal(await inSession(), undefined)
  const json = { username: 'ana', password: passwords.ana }
  assert.equal((await server.post('/api-token-auth/', { as: null, json })).status, 400)
  assert.equal((await listed('ana')).disabled, true)
  await setDisabled('ana', false)
  assert.equal((await server.get('/api/users/me/', { as: 'ana' })).status, 200)
  assert.equal(await inSession(), undefined)
  assert.equal((await server.post('/api-token-auth/', { as: null, json })).status, 200)
  assert.equal((await listed('ana')).disabled, false)
})

/** An upload that goes on until it is ended or cut off, and how it went: its status, or `cut`. */
function beginUpload(credentials: Record<string, string>): { upload: ClientRequest; outcome: Promise<string> } {
  const headers = {
    ...credentials,
    'content-type': 'multipart/form-data; boundary=b',
    'transfer-encoding': 'chunked',
  }
  const upload = httpRequest(`${server.url}/api/submit/file/`, { method: 'POST', headers, agent: false })
  const outcome = new Promise<string>((resolve) => {
    upload.on('error', () => resolve('cut'))
    upload.on('response', ({ statusCode }) => resolve(String(statusCode)))
  })
  const content = `the first bytes with ${Object.values(credentials)} `.repeat(4000)
  upload.write(`--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n${content}`)
  return { upload, outcome }
}

/** They are being received once they have their files. */
const untilReceived = (uploads: number) =>
  until(
    () => underWay(dirname(server.databaseFile)).length === uploads,
    () => `${uploads} uploads are received`,
  )

test('an upload that is under way is cut off when its user is disabled, and that of another goes on', async () => {
  const [ana, ben] = (['ana', 'ben'] as const).map((as) => beginUpload({ authorization: `Token ${server.tokens[as]}` }))
  await untilReceived(2)
  await setDisabled('ana', true)
  assert.equal(await ana?.outcome, 'cut')
  ben?.upload.end('\r\n--b--\r\n')
  assert.equal(await ben?.outcome, '201')
  await setDisabled('ana', false)
})

test('an upload that is under way is cut off when its token or session ends by itself, or is logged out', async () => {
  const own = { 'x-backtrail-page': '1' }
  const [month, left, stays] = [
    await logIn('ana', passwords.ana),
    await logIn('ana', passwords.ana),
    await logIn('ben', passwords.ben),
  ]
  // The oldest session of ana is a month old in a moment.
  const ends = Date.now() + 2_500
  const database = new DatabaseSync(server.databaseFile)
  database
    .prepare(
      `UPDATE sessions SET created = ? WHERE id =
       (SELECT min(sessions.id) FROM sessions JOIN users ON users.id = user_id WHERE name = 'ana')`,
    )
    .run(ends * 1000 - sessionLength.whole)
  database.close()
  const json = { label: 'ends', expires: new Date(ends).toISOString() }
  const { json: made } = await server.post('/api/users/ana/tokens/', { json })
  const [byToken, byMonth, byLogOut, goesOn] = [
    beginUpload({ authorization: `Token ${made.token}` }),
    beginUpload({ ...own, cookie: month }),
    beginUpload({ ...own, cookie: left }),
    beginUpload({ ...own, cookie: stays }),
  ]
  await untilReceived(4)
  const loggedOut = await server.delete('/api/session/', { as: null, headers: { ...own, cookie: left } })
  assert.equal(loggedOut.status, 204)
  assert.equal(await byLogOut.outcome, 'cut')
  assert.ok(Date.now() < ends, 'the log-out cut it off, and not its end')
  assert.deepEqual([await byToken.outcome, await byMonth.outcome], ['cut', 'cut'])
  assert.ok(Date.now() >= ends)
  goesOn.upload.end('\r\n--b--\r\n')
  assert.equal(await goesOn.outcome, '201')
})

test('an administrator who can log in is always left, and only administrators disable', async () => {
  const last = await setDisabled('admin', true)
  assert.equal(last.status, 409)
  assert.equal(last.json.error, 'user.last-administrator')
  assert.equal((await server.post('/api/users/ana/disabled/', { as: 'ben', json: { disabled: true } })).status, 403)
  assert.equal((await setDisabled('nobody', true)).status, 404)
})

test('a tenant that is disabled is refused, although its credentials were believed a moment ago', async () => {
  await server.post('/api/users/', { json: { name: 'acme', password: 'a long tenant password', role: 'tenant' } })
  const authorization = `Basic ${Buffer.from('acme:a long tenant password').toString('base64')}`
  const asked = () =>
    server.call('GET', '/api/yara/admin/v1/ruleset/info', { as: null, headers: { authorization }, isDocumented: false })
  const before = (await asked()).status
  assert.notEqual(before, 401)
  await setDisabled('acme', true)
  assert.equal((await asked()).status, 401)
  await setDisabled('acme', false)
  assert.equal((await asked()).status, before)
})

test('one\u2019s own password needs the current one; an administrator sets those of others without it', async () => {
  const set = (as: 'ana' | 'admin', name: string, json: object) =>
    server.post(`/api/users/${name}/password/`, { as, json })
  for (const json of [{ password: 'another long one' }, { password: 'another long one', current: 'not it' }]) {
    const { status, json: answer } = await set('ana', 'ana', json)
    assert.equal(status, 400)
    assert.equal(answer.error, 'user.password-wrong')
  }
  assert.equal((await set('admin', 'admin', { password: 'another long one' })).status, 400)
  assert.equal((await set('ana', 'ben', { password: 'another long one', current: passwords.ben })).status, 403)
  assert.equal(
    (await set('ana', 'ana', { password: 'short', current: passwords.ana })).json.error,
    'user.password-invalid',
  )
  const cookie = await logIn('ana', passwords.ana)
  assert.equal((await set('ana', 'ana', { password: 'another long one', current: passwords.ana })).status, 204)
  assert.equal((await server.get('/api/session/', { as: null, headers: { cookie } })).json.user, null)
  await logIn('ana', 'another long one')
  assert.equal((await set('admin', 'ana', { password: passwords.ana })).status, 204)
  await logIn('ana', passwords.ana)
})

test('guesses at the current password are slowed down like log-ins', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 8; n++) {
    const json = { password: 'another long one', current: `guess ${n}` }
    statuses.push((await server.post('/api/users/ben/password/', { as: 'ben', json })).status)
  }
  assert.equal(statuses[0], 400)
  assert.equal(statuses.at(-1), 429)
})

test('the list of users has the last log-in and the last use, and null for neither', async () => {
  await server.post('/api/users/', { json: { name: 'carl', password: 'a long password of carl', role: 'user' } })
  const { last_log_in, last_used } = await listed('carl')
  assert.deepEqual([last_log_in, last_used], [null, null])
  const before = Date.now() - 1000
  const { json } = await server.post('/api-token-auth/', {
    as: null,
    json: { username: 'carl', password: 'a long password of carl' },
  })
  const logged = await listed('carl')
  assert.ok(Date.parse(logged.last_log_in) >= before)
  assert.equal(logged.last_used, logged.last_log_in)
  await server.get('/api/users/me/', { as: null, headers: { authorization: `Token ${json.token}` } })
  assert.ok(Date.parse((await listed('carl')).last_used) >= Date.parse(logged.last_log_in))
})

test('a token for some operations can do these and nothing else, and cannot make itself more', async () => {
  const make = (scope: readonly string[]) =>
    server.post('/api/users/ana/tokens/', { json: { label: 'bounded', scope } })
  const { status, json, text } = await make(['read', 'uploadSample', 'read'])
  assert.equal(status, 201, text)
  const { token } = json
  const call = async (method: string, path: string, body?: Json) => {
    const { status, json } = await server.call(method, path, {
      as: null,
      headers: { authorization: `Token ${token}` },
      ...(body !== undefined && { json: body }),
    })
    return [status, json?.error]
  }
  assert.deepEqual(await call('GET', '/api/users/me/'), [200, undefined])
  assert.deepEqual(await call('GET', '/api/yara/v2/rulesets/'), [200, undefined])
  const hash_values = ['0'.repeat(40)]
  for (const [path, body] of [
    ['/api/samples/status/', { hash_values }],
    ['/api/samples/v2/list/', { hash_values }],
    ['/api/samples/v3/search/', { query: 'size:1' }],
    ['/api/search/', { text: 'anything' }],
  ] as const) {
    assert.deepEqual(await call('POST', path, body), [200, undefined], path)
  }
  const rules = [{ name: 'text', content: 'rule t { condition: true }' }]
  assert.deepEqual(await call('POST', '/api/hunts/', { rules }), [403, 'token.scope'])
  assert.deepEqual(await call('POST', '/api/yara/ruleset/', { name: 'x', content: 'rule x {}' }), [403, 'token.scope'])
  assert.deepEqual(await call('POST', '/api/users/ana/tokens/', { label: 'more' }), [403, 'token.scope'])
  const multipart = new FormData()
  multipart.append('file', new Blob(['sent with a bounded token']), 'bounded.txt')
  const sent = await server.post('/api/submit/file/', {
    as: null,
    headers: { authorization: `Token ${json.token}` },
    multipart,
  })
  assert.equal(sent.status, 201, sent.text)
  const { results } = (await server.get('/api/users/ana/tokens/')).json
  const [listed] = results
  assert.deepEqual(listed.scope, ['read', 'uploadSample'])
  assert.equal(listed.creator, 'admin')
  assert.equal(listed.expires, null)
  for (const [name, problem] of [
    ['uploadSamples', /There is no operation uploadSamples/],
    ['createToken', /cannot be for createToken/],
    ['setUserPassword', /cannot be for setUserPassword/],
    ['addUser', /cannot be for addUser/],
  ] as const) {
    const refused = await make([name])
    assert.deepEqual([refused.status, refused.json.error], [400, 'token.scope-invalid'])
    assert.match(refused.json.message, problem)
  }
})

test('a token that ends is refused from that moment on, also where it was used before', async () => {
  const expires = new Date(Date.now() + 1_500).toISOString()
  const { status, json, text } = await server.post('/api/users/ana/tokens/', { json: { label: 'short', expires } })
  assert.equal(status, 201, text)
  const use = async () =>
    (await server.get('/api/users/me/', { as: null, headers: { authorization: `Token ${json.token}` } })).status
  assert.equal(await use(), 200)
  await until(
    async () => (await use()) === 403,
    () => 'the token ends',
  )
  assert.ok(Date.now() >= Date.parse(expires))
  const past = await server.post('/api/users/ana/tokens/', { json: { label: 'past', expires: '2020-01-01T00:00:00Z' } })
  assert.deepEqual([past.status, past.json.error], [400, 'parameter.out-of-range'])
})
