/** The web application's page and files as they are served, and its log-in by cookie. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { passwords, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const own = { 'x-backtrail-page': '1' }

async function logIn(): Promise<string> {
  const answer = await server.post('/api/session/', {
    as: null,
    headers: own,
    json: { username: 'ana', password: passwords.ana },
  })
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(answer.json.user, { name: 'ana', role: 'user' })
  const [cookie = ''] = answer.headers['set-cookie'] ?? []
  return cookie
}

test('a log-in sets a cookie that scripts cannot read and other sites cannot send', async () => {
  const cookie = await logIn()
  assert.match(cookie, /^backtrail_session=[\w-]{43}; /)
  assert.match(cookie, /; HttpOnly/)
  assert.match(cookie, /; SameSite=Strict/)
  assert.match(cookie, /; Path=\//)
  assert.doesNotMatch(cookie, /; Secure/)
})

test('a session stands for its user on every endpoint, until the log-out', async () => {
  const cookie = (await logIn()).split(';')[0] ?? ''
  const headers = { cookie, ...own }
  const me = await server.get('/api/users/me/', { as: null, headers })
  assert.deepEqual(me.json, { name: 'ana', role: 'user' })
  assert.deepEqual((await server.get('/api/session/', { as: null, headers })).json.user, { name: 'ana', role: 'user' })
  const bye = await server.delete('/api/session/', { as: null, headers })
  assert.equal(bye.status, 204)
  assert.match(bye.headers['set-cookie']?.[0] ?? '', /^backtrail_session=; .*Expires=Thu, 01 Jan 1970/)
  const refused = await server.get('/api/users/me/', { as: null, headers })
  assert.equal(refused.status, 403)
  assert.equal(refused.json.error, 'credentials.session-ended')
  assert.equal((await server.get('/api/session/', { as: null, headers })).json.user, null)
})

test('an administrator changes roles, as long as one administrator is left', async () => {
  const ofBen = (role: string, as: User = 'admin') => server.post('/api/users/ben/role/', { as, json: { role } })
  assert.equal((await ofBen('administrator', 'ana')).status, 403)
  assert.deepEqual((await ofBen('administrator')).json, { name: 'ben', role: 'administrator' })
  const demoted = await server.post('/api/users/admin/role/', { as: 'ben', json: { role: 'user' } })
  assert.equal(demoted.status, 200)
  const last = await ofBen('user', 'ben')
  assert.equal(last.status, 409)
  assert.equal(last.json.error, 'user.last-administrator')
  assert.equal((await server.delete('/api/users/ben/', { as: 'ben' })).status, 409)
  assert.equal(
    (await server.post('/api/users/admin/role/', { as: 'ben', json: { role: 'administrator' } })).status,
    200,
  )
  assert.equal((await ofBen('user')).status, 200)
  assert.equal((await ofBen('tenant')).status, 400)
  assert.equal((await server.post('/api/users/nobody/role/', { json: { role: 'user' } })).status, 404)
})

test('a change that comes with the cookie alone, as another page would send it, is refused', async () => {
  const cookie = (await logIn()).split(';')[0] ?? ''
  const form = { name: 'forged', content: 'rule a { condition: true }' }
  const refused = await server.post('/api/yara/ruleset/', { as: null, headers: { cookie }, form })
  assert.equal(refused.status, 403)
  assert.equal(refused.json.error, 'credentials.foreign-page')
  assert.equal((await server.get('/api/rulesets/forged/')).status, 404)
  const accepted = await server.post('/api/yara/ruleset/', { as: null, headers: { cookie, ...own }, form })
  assert.equal(accepted.status, 200, accepted.text)
  const bye = await server.delete('/api/session/', { as: null, headers: { cookie } })
  assert.equal(bye.status, 403)
})

test('a log-in that another page sends is refused', async () => {
  const json = { username: 'ana', password: passwords.ana }
  const refused = await server.post('/api/session/', { as: null, json })
  assert.equal(refused.status, 403)
  assert.equal(refused.headers['set-cookie'], undefined)
})

test('a token goes before a cookie', async () => {
  const cookie = (await logIn()).split(';')[0] ?? ''
  const me = await server.get('/api/users/me/', { as: 'ben', headers: { cookie } })
  assert.equal(me.json.name, 'ben')
})

test('a wrong password is refused without a cookie', async () => {
  const json = { username: 'ana', password: 'not hers at all' }
  const refused = await server.post('/api/session/', { as: null, headers: own, json })
  assert.equal(refused.status, 400)
  assert.equal(refused.json.error, 'login.refused')
  assert.equal(refused.headers['set-cookie'], undefined)
})

test('every address of the application answers with its page, under a policy without exceptions', async () => {
  const nonces = new Set<string>()
  for (const address of [
    '/',
    '/log-in',
    '/rulesets',
    '/rulesets/some_rules?tab=revisions',
    '/hunts/7',
    '/samples/ab',
  ]) {
    const page = await server.get(address, { as: null, isDocumented: false })
    assert.equal(page.status, 200, address)
    assert.match(String(page.headers['content-type']), /^text\/html/)
    assert.equal(page.headers['cache-control'], 'no-store')
    const policy = String(page.headers['content-security-policy'])
    assert.match(policy, /default-src 'none'; script-src 'self'; style-src 'self' 'nonce-[\w+/=]+'/)
    assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/)
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? ''
    assert.ok(page.text.includes(`nonce="${nonce}"`))
    assert.doesNotMatch(page.text, /__NONCE__|<script(?![^>]*\bsrc=)|<style|\son\w+=|https?:\/\//)
    nonces.add(nonce)
  }
  assert.equal(nonces.size, 6)
})

test('what is not an address of the application stays unknown', async () => {
  for (const address of [
    '/api/nothing/',
    '/nothing',
    '/assets/nothing.js',
    '/assets/%2e%2e/index.html',
    '/assets/..%2findex.html',
    '/assets//nothing.js',
    '/assets/%5cnothing.js',
    '/index.html',
    '/rulesets.json',
    '/src/main.ts',
  ]) {
    const answer = await server.get(address, { as: null, isDocumented: false })
    assert.equal(answer.status, 404, address)
    assert.equal(answer.json.error, 'path.unknown')
  }
})

test('assets are sent compressed where the browser reads that, and are kept for ever', async () => {
  const page = await server.get('/', { as: null, isDocumented: false })
  const [, script = ''] = /<script [^>]*src="\.(\/assets\/[^"]+\.js)"/.exec(page.text) ?? []
  assert.ok(script, page.text)
  const headers = { 'accept-encoding': 'gzip, deflate, br' }
  const small = await server.get(script, { as: null, headers, isDocumented: false })
  assert.equal(small.status, 200)
  assert.equal(small.headers['content-encoding'], 'br')
  assert.match(String(small.headers['cache-control']), /^public, max-age=31536000, immutable$/)
  assert.match(String(small.headers['content-type']), /^(?:text|application)\/javascript/)
  const plain = await server.get(script, { as: null, isDocumented: false })
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.ok(small.bytes.length < plain.bytes.length / 2)
})
