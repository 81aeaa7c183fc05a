/** Log-ins of programs that have no browser: what the program asks, and what its user decides. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, type Json, passwords, TestServer, type User } from './harness.ts'

let server: TestServer
before(async () => {
  server = await TestServer.start()
})
after(() => server.stop())

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

const begin = async (form: Record<string, string> = {}): Promise<Json> => {
  const { status, json, text } = await server.post('/api/device/', { as: null, form: { client_id: 'cli', ...form } })
  assert.equal(status, 200, text)
  return json
}

const redeem = (code: string): Promise<Answer> =>
  server.post('/api/device/token/', { as: null, form: { grant_type: GRANT, device_code: code, client_id: 'cli' } })

const decide = (as: User, code: string, approve: boolean): Promise<Answer> =>
  server.post(`/api/users/${as}/device/`, { as, json: { user_code: code, approve } })

const meOf = (token: string): Promise<Answer> =>
  server.get('/api/users/me/', { as: null, headers: { authorization: `Token ${token}` } })

const entries = async (operation: string): Promise<Json[]> =>
  (await server.get(`/api/audit/?operation=${operation}`)).json.results

test('a program gets a token for the scope and time that its user approved, in the words of RFC 8628', async () => {
  const codes = await begin({ client_id: 'laptop', days: '2', scope: 'read createHunt' })
  assert.equal(codes.verification_uri, `${server.url}/device`)
  assert.equal(codes.verification_uri_complete, `${server.url}/device?code=${codes.user_code}`)
  assert.deepEqual([codes.expires_in, codes.interval], [600, 2])
  assert.equal((await server.get(`/device?code=${codes.user_code}`, { as: null, isDocumented: false })).status, 200)

  const { json: shown } = await server.get(`/api/users/ana/device/${codes.user_code}/`, { as: 'ana' })
  assert.deepEqual(
    { ...shown, begun: typeof shown.begun },
    {
      ...{ user_code: codes.user_code, name: 'laptop', days: 2, scope: ['read', 'createHunt'] },
      ...{ address: '127.0.0.1', begun: 'string' },
    },
  )
  assert.equal((await decide('ana', codes.user_code, true)).status, 204)
  const { json: granted, headers } = await redeem(codes.device_code)
  assert.equal(headers['cache-control'], 'no-store')
  assert.deepEqual([granted.token_type, granted.user, granted.scope], ['Token', 'ana', 'read createHunt'])
  assert.ok(granted.expires_in > 2 * 86_400 - 60 && granted.expires_in <= 2 * 86_400, String(granted.expires_in))
  assert.equal((await meOf(granted.access_token)).json.name, 'ana')
  const as = { as: null, headers: { authorization: `Token ${granted.access_token}` } }
  const form = { name: 'n', content: 'rule r { condition: false }' }
  assert.equal((await server.post('/api/yara/ruleset/', { ...as, form })).json.error, 'token.scope')
  assert.equal((await redeem(codes.device_code)).json.error, 'expired_token')

  const [approval] = await entries('decideDeviceLogIn')
  assert.deepEqual([approval.user, approval.subjects], ['ana', ['ana', 'true']])
  const [made] = await entries('redeemDeviceCode')
  assert.deepEqual([made.user, made.subjects], ['ana', ['ana', 'log-in from laptop', 'read', 'createHunt']])

  assert.equal(
    (await server.post('/api/device/revocation/', { as: null, form: { token: granted.access_token } })).status,
    200,
  )
  assert.equal((await meOf(granted.access_token)).status, 403)
  assert.equal((await entries('revokeOwnToken'))[0].user, 'ana')
  const unknown = await server.post('/api/device/revocation/', { as: null, form: { token: 'none' } })
  assert.deepEqual([unknown.status, unknown.json], [200, {}])
  assert.equal((await entries('revokeOwnToken')).length, 1)
})

test('nothing that was logged has a device code or a token', async () => {
  const codes = await begin()
  await decide('ben', codes.user_code, true)
  const { json } = await redeem(codes.device_code)
  const audited = (await server.get('/api/audit/export/?format=jsonl')).text
  for (const secret of [codes.device_code, json.access_token])
    for (const text of [server.logged(), audited]) assert.ok(!text.includes(secret))
})

test('a program waits until somebody decides, and hears when that is a refusal', async () => {
  const codes = await begin()
  const pending = await redeem(codes.device_code)
  assert.deepEqual([pending.status, pending.json.error], [400, 'authorization_pending'])
  assert.equal((await redeem(codes.device_code)).json.error, 'slow_down')
  const refused = await begin()
  assert.equal((await decide('ana', refused.user_code, false)).status, 204)
  assert.equal((await redeem(refused.device_code)).json.error, 'access_denied')
})

test('a token that is bounded cannot approve, and nobody approves for another', async () => {
  const { user_code } = await begin()
  const { token } = await server.appliance.accounts.tokens.create('ana', 'reads', { scope: ['read'] })
  const bounded = { as: null, headers: { authorization: `Token ${token}` } }
  const json = { user_code, approve: true }
  assert.equal((await server.post('/api/users/ana/device/', { ...bounded, json })).json.error, 'token.scope')
  assert.equal((await server.post('/api/users/ben/device/', { as: 'ana', json })).json.error, 'right.missing')
  const scope = await server.post('/api/users/ana/tokens/', {
    as: 'ana',
    json: { label: 'x', scope: ['decideDeviceLogIn'] },
  })
  assert.equal(scope.json.error, 'token.scope-invalid')
  assert.equal((await server.post('/api/users/ana/device/', { as: null, json })).status, 403)
})

test('a page of another site cannot approve with the cookie of a session', async () => {
  const { user_code } = await begin()
  const { secret } = await server.appliance.accounts.credentials.logInSession('ana', passwords.ana, '127.0.0.1')
  const answer = await server.post('/api/users/ana/device/', {
    as: null,
    form: { user_code, approve: 'true' },
    headers: { cookie: `backtrail_session=${secret}` },
  })
  assert.equal(answer.json.error, 'credentials.foreign-page')
})

test('wrong codes are slowed down, for each user alone', async () => {
  const { user_code } = await begin()
  const look = (as: User, code: string) => server.get(`/api/users/${as}/device/${code}/`, { as })
  for (let i = 0; i < 6; i++) assert.equal((await look('ben', 'BBBB-BBBB')).status, 404)
  const throttled = await look('ben', user_code)
  assert.deepEqual([throttled.status, throttled.json.error], [429, 'login.throttled'])
  assert.equal((await look('ana', user_code)).status, 200)
})

test('what no program should ask for is refused: names with control characters, long times, unknown scopes', async () => {
  const refused = async (form: Record<string, string>) =>
    (await server.post('/api/device/', { as: null, form: { client_id: 'cli', ...form } })).json.error
  assert.equal(await refused({ client_id: '\u001b[2J' }), 'parameter.out-of-range')
  assert.equal(await refused({ client_id: 'x'.repeat(61) }), 'parameter.out-of-range')
  assert.equal(await refused({ days: '366' }), 'parameter.out-of-range')
  assert.equal(await refused({ scope: 'read everything' }), 'token.scope-invalid')
  assert.equal(await refused({ scope: 'createToken' }), 'token.scope-invalid')
  const grant = await server.post('/api/device/token/', {
    as: null,
    form: { grant_type: 'password', device_code: 'x' },
  })
  assert.equal(grant.status, 400)
})

test('log-ins of programs are begun from one address as seldom as log-ins', async () => {
  const strict = await TestServer.start({ loginLimit: 2 })
  try {
    const statuses = []
    for (let i = 0; i < 3; i++)
      statuses.push((await strict.post('/api/device/', { as: null, form: { client_id: 'a' } })).status)
    assert.deepEqual(statuses, [200, 200, 429])
  } finally {
    await strict.stop()
  }
})
