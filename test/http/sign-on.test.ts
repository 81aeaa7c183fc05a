/** Log-ins with an identity provider: who gets in, with which role, and which answers are refused. */
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { readSettings } from '../../src/settings/index.ts'
import { type Answer, type Json, passwords, TestServer } from './harness.ts'
import { CLIENT, type Made, MadeProvider } from './made-provider.ts'

let provider: MadeProvider
let server: TestServer

const settingsOf = (issuer: string, more: Readonly<Record<string, string>> = {}) => {
  const { oidcIssuer, oidcClientId, oidcRoles, oidcDefaultRole, oidcLabel, basePath, trustProxy } = readSettings(
    {
      oidcIssuer: issuer,
      oidcClientId: CLIENT,
      oidcRoles: 'hunters=user; cn=leads,ou=soc=publisher; admins=administrator',
      oidcLabel: 'Example login',
      ...more,
    },
    {},
  )
  return { oidcIssuer, oidcClientId, oidcRoles, oidcDefaultRole, oidcLabel, basePath, trustProxy, loginLimit: 10_000 }
}

before(async () => {
  provider = await MadeProvider.start()
  server = await TestServer.start(settingsOf(provider.issuer))
})
after(async () => {
  await server.stop()
  await provider.stop()
})
beforeEach(() => {
  provider.made = {}
  provider.more = {}
})

/** What a browser would send of the cookies that an answer has set. */
const cookiesOf = ({ headers }: Answer): string =>
  (headers['set-cookie'] ?? [])
    .map((line) => line.split(';')[0] ?? '')
    .filter((pair) => !pair.endsWith('='))
    .join('; ')

const asked = (path: string, headers: Readonly<Record<string, string>> = {}) =>
  server.get(path, { as: null, headers, isDocumented: false })

/** Begins a log-in as a browser does, and comes back with what the provider says. */
async function begun(then = '/') {
  const begin = await asked(`/api/sign-on/?page=${encodeURIComponent(then)}`)
  assert.equal(begin.status, 303, begin.text)
  const address = String(begin.headers.location)
  return { cookie: cookiesOf(begin), address, query: provider.consent(address) }
}

const comeBack = (query: URLSearchParams, cookie: string) =>
  asked(`/api/sign-on/callback/?${query}`, cookie === '' ? {} : { cookie })

async function logIn(made: Made = {}): Promise<Answer> {
  const { cookie, query } = await begun()
  provider.made = made
  return comeBack(query, cookie)
}

const session = async (answer: Answer): Promise<Json> =>
  (await asked('/api/session/', { cookie: cookiesOf(answer) })).json

/** Fails unless the answer leads to the log-in page with a sentence, and with no session. */
async function refusalOf(answer: Answer): Promise<string> {
  assert.equal(answer.status, 303)
  assert.equal(answer.headers.location, '/log-in')
  const { user, sign_on } = await session(answer)
  assert.equal(user, null)
  assert.ok(sign_on.refused, 'no sentence')
  return sign_on.refused
}

const listed = async (name: string): Promise<Json> =>
  (await server.get('/api/users/')).json.results.find((user: Json) => user.name === name)

test('whoever the provider vouches for is added at the first log-in, and is the same user at the next', async () => {
  assert.deepEqual((await asked('/api/session/')).json.sign_on, { label: 'Example login', refused: null })
  const { cookie, address, query } = await begun('/hunts?of=all')
  const to = new URL(address)
  assert.equal(to.searchParams.get('redirect_uri'), `${server.url}/api/sign-on/callback/`)
  assert.equal(to.searchParams.get('code_challenge_method'), 'S256')
  assert.equal(to.searchParams.get('response_type'), 'code')
  const answer = await comeBack(query, cookie)
  assert.equal(answer.headers.location, '/hunts?of=all', answer.text)
  const [line = ''] = (answer.headers['set-cookie'] ?? []).filter((each) => each.startsWith('backtrail_session='))
  assert.match(line, /HttpOnly.*SameSite=Strict/)
  assert.deepEqual((await session(answer)).user, { name: 'olga', role: 'user' })
  assert.equal((await listed('olga')).role, 'user')
  // The name of the provider may change; the subject is the user.
  const again = await logIn({ claims: { preferred_username: 'olga.married', groups: ['hunters', 'admins'] } })
  assert.deepEqual((await session(again)).user, { name: 'olga', role: 'administrator' })
  const down = await logIn({ claims: { groups: ['cn=leads,ou=soc'] } })
  assert.deepEqual((await session(down)).user, { name: 'olga', role: 'publisher' })
  assert.equal((await server.get('/api/users/')).json.results.filter(({ name }: Json) => /olga/.test(name)).length, 1)
  const { results } = (await server.get('/api/audit/?operation=finishSignOn')).json
  assert.deepEqual(results[0].subjects, ['olga', 'publisher'])
  assert.deepEqual([results[0].user, results[0].status], ['olga', 200])
})

test('answers that are not the provider\u2019s to this log-in are refused, each with a sentence', async () => {
  const now = Math.floor(Date.now() / 1000)
  const wrong: readonly (readonly [string, Made])[] = [
    ['nonce', { claims: { nonce: 'of another log-in' } }],
    ['no nonce', { claims: { nonce: undefined } }],
    ['issuer', { claims: { iss: 'https://elsewhere.example' } }],
    ['audience', { claims: { aud: 'another-client' } }],
    ['several audiences without us', { claims: { aud: ['a', 'b'], azp: 'a' } }],
    ['expired', { claims: { iat: now - 7_200, exp: now - 3_600 } }],
    ['no end', { claims: { exp: undefined } }],
    ['no subject', { claims: { sub: undefined } }],
    ['signature', { isForged: true }],
    ['a failure of the provider', { status: 500 }],
  ]
  for (const [what, made] of wrong) {
    const sentence = await refusalOf(await logIn(made))
    assert.match(sentence, /^The (?:answer of the )?identity provider .*\.$/, what)
  }
  assert.match(server.logged(), /a log-in with the identity provider was refused/)
})

test('an answer to a log-in of another browser, a forged one and a second one are refused', async () => {
  const expired = /was not begun in this browser/
  // The code of somebody else, sent to a browser that has begun nothing.
  const theirs = await begun()
  assert.match(await refusalOf(await comeBack(theirs.query, '')), expired)
  // The code of somebody else, sent to a browser with a log-in of its own.
  const ours = await begun()
  assert.match(await refusalOf(await comeBack(theirs.query, ours.cookie)), /state/)
  // The state was right, the code is made up.
  const forged = await begun()
  const query = new URLSearchParams(forged.query)
  query.set('code', 'made-up')
  assert.match(await refusalOf(await comeBack(query, forged.cookie)), /not valid/)
  const before = provider.exchanged
  const once = await begun()
  assert.ok((await session(await comeBack(once.query, once.cookie))).user)
  assert.match(await refusalOf(await comeBack(once.query, once.cookie)), expired)
  assert.equal(provider.exchanged, before + 1, 'the code was sent once')
  const denied = await begun()
  const denial = new URLSearchParams({ error: 'access_denied', state: denied.query.get('state') ?? '' })
  assert.match(await refusalOf(await comeBack(denial, denied.cookie)), /did not let you in \(access_denied\)/)
})

test('a user of a password is never opened by a name of the provider', async () => {
  for (const name of ['ana', 'admin'] as const) {
    const answer = await logIn({ claims: { sub: `not ${name}`, preferred_username: name } })
    assert.match(await refusalOf(answer), /already a user of your name/)
  }
  provider.more = { sub: 'strange' }
  for (const name of ['two words', '', undefined, ['ana'], '../x']) {
    const answer = await logIn({ claims: { sub: 'strange', preferred_username: name } })
    assert.match(await refusalOf(answer), /no name that a user here can have/)
  }
  assert.equal((await listed('ana')).role, 'user')
})

test('without a group that has a role nobody is let in, and a disabled user is not', async () => {
  provider.more = { sub: 'stranger' }
  for (const groups of [[], ['strangers'], undefined, 'hunter', [['hunters']]]) {
    const answer = await logIn({ claims: { sub: 'stranger', preferred_username: 'stranger', groups } })
    assert.match(await refusalOf(answer), /in no group/)
  }
  assert.equal(await listed('stranger'), undefined)
  const claims = { sub: 'subject-d', preferred_username: 'dora' }
  assert.ok((await session(await logIn({ claims }))).user)
  await server.post('/api/users/dora/disabled/', { json: { disabled: true } })
  assert.match(await refusalOf(await logIn({ claims })), /disabled here/)
})

test('claims that are not in the token are asked for', async () => {
  provider.more = { sub: 'subject-m', preferred_username: 'mona', groups: ['admins'] }
  const claims = { sub: 'subject-m', preferred_username: undefined, groups: undefined }
  assert.deepEqual((await session(await logIn({ claims }))).user, { name: 'mona', role: 'administrator' })
  // Of another subject: whatever it says is not about this user.
  provider.more = { ...provider.more, sub: 'subject-n' }
  assert.match(await refusalOf(await logIn({ claims })), /not valid/)
})

test('the provider\u2019s word does not take the last administrator away', async (t) => {
  const own = await MadeProvider.start()
  t.after(() => own.stop())
  const other = await TestServer.start(settingsOf(own.issuer))
  t.after(() => other.stop())
  const { users, signOn } = other.appliance.accounts
  const olga = { issuer: own.issuer, subject: 's', name: 'olga', session: '', role: 'administrator' } as const
  await signOn.logIn(olga)
  await users.remove('admin')
  await assert.rejects(signOn.logIn({ ...olga, role: 'user' }), { code: 'user.last-administrator' })
  assert.equal((await users.find('olga')).role, 'administrator')
})

test('a log-out says where to log out of the provider, and one of a password does not', async () => {
  const cookie = cookiesOf(await logIn())
  const own = { 'x-backtrail-page': '1' }
  const bye = await server.delete('/api/session/', { as: null, headers: { ...own, cookie } })
  assert.equal(bye.status, 200)
  const to = new URL(bye.json.log_out_at)
  assert.equal(to.origin, provider.issuer)
  assert.equal(to.searchParams.get('post_logout_redirect_uri'), `${server.url}/log-in`)
  assert.equal((await asked('/api/session/', { cookie })).json.user, null)
  const json = { username: 'ana', password: passwords.ana }
  const byPassword = cookiesOf(await server.post('/api/session/', { as: null, json, headers: own }))
  const headers = { ...own, cookie: byPassword }
  assert.equal((await server.delete('/api/session/', { as: null, headers })).status, 204)
})

test('sessions end with the provider\u2019s word, and with nobody else\u2019s', async () => {
  const of = async (claims: Json) => cookiesOf(await logIn({ claims }))
  const isIn = async (cookie: string) => (await asked('/api/session/', { cookie })).json.user !== null
  const [one, two, other] = [
    await of({ sid: 's-1' }),
    await of({ sid: 's-2' }),
    await of({ sub: 'subject-o', preferred_username: 'otto', sid: 's-3' }),
  ]
  const say = (logout_token: string) => server.post('/api/sign-on/log-out/', { as: null, form: { logout_token } })
  const now = Math.floor(Date.now() / 1000)
  for (const [what, token] of [
    ['forged', await provider.logOut({ sid: 's-1' }, { isForged: true })],
    ['of another client', await provider.logOut({ sid: 's-1', aud: 'another' })],
    ['of another provider', await provider.logOut({ sid: 's-1', iss: 'https://elsewhere.example' })],
    ['old', await provider.logOut({ sid: 's-1', iat: now - 3_600 })],
    ['an ID token', await provider.logOut({ sid: 's-1', nonce: 'n' })],
    ['about nothing', await provider.logOut({})],
    ['another event', await provider.logOut({ sid: 's-1', events: {} })],
    ['no token', 'x.y.z'],
  ] as const) {
    const answer = await say(token)
    assert.deepEqual([answer.status, answer.json.error], [400, 'sign-on.invalid'], what)
  }
  assert.deepEqual(await Promise.all([one, two, other].map(isIn)), [true, true, true])
  const token = await provider.logOut({ sid: 's-1', sub: 'subject-1' })
  assert.equal((await say(token)).status, 200)
  assert.deepEqual(await Promise.all([one, two, other].map(isIn)), [false, true, true])
  assert.equal((await say(token)).status, 400, 'a second time')
  assert.equal((await say(await provider.logOut({ sub: 'subject-1' }))).status, 200)
  assert.deepEqual(await Promise.all([one, two, other].map(isIn)), [false, false, true])
})

test('pages after the log-in are this application\u2019s own', async () => {
  for (const then of ['https://example.org/', '//example.org/', '/\\example.org/', '/a\nb', '\\\\x', 'x']) {
    const { cookie, query } = await begun(then)
    assert.equal((await comeBack(query, cookie)).headers.location, '/', then)
  }
})

test('behind a proxy with a path, the provider sends browsers back to the address that they used', async (t) => {
  const own = await TestServer.start(settingsOf(provider.issuer, { basePath: '/bt', trustProxy: 'loopback' }))
  t.after(() => own.stop())
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'hunt.example' }
  const ask = (path: string, more: Record<string, string> = {}) =>
    own.call('GET', path, { as: null, headers: { ...headers, ...more }, isDocumented: false })
  const begin = await ask('/bt/api/sign-on/?page=/hunts')
  const address = String(begin.headers.location)
  assert.equal(new URL(address).searchParams.get('redirect_uri'), 'https://hunt.example/bt/api/sign-on/callback/')
  assert.match(String(begin.headers['set-cookie']), /Path=\/bt\/; HttpOnly; Secure; SameSite=Lax/)
  const back = await ask(`/bt/api/sign-on/callback/?${provider.consent(address)}`, { cookie: cookiesOf(begin) })
  assert.equal(back.headers.location, '/bt/hunts', back.text)
  const refused = await ask('/bt/api/sign-on/callback/?code=1&state=2')
  assert.equal(refused.headers.location, '/bt/log-in')
})

test('a server starts without its provider, says that it is away, and finds it when it is back', async (t) => {
  const away = await MadeProvider.start()
  await away.stop()
  const own = await TestServer.start(settingsOf(away.issuer))
  t.after(() => own.stop())
  const begin = await own.get('/api/sign-on/', { as: null, isDocumented: false })
  assert.equal(begin.headers.location, '/log-in')
  const { json } = await own.get('/api/session/', { as: null, headers: { cookie: cookiesOf(begin) } })
  assert.match(json.sign_on.refused, /cannot be reached/)
})

test('a server without a provider has no log-in with one', async (t) => {
  const own = await TestServer.start()
  t.after(() => own.stop())
  assert.equal((await own.get('/api/session/', { as: null })).json.sign_on, null)
  for (const path of ['/api/sign-on/', '/api/sign-on/callback/?code=1']) {
    const { status, json } = await own.get(path, { as: null, isDocumented: false })
    assert.deepEqual([status, json.error], [404, 'sign-on.off'])
  }
})
