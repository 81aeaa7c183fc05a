/** Who may call what: every route of the server, by every kind of caller, held against what the route itself says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import { type Account, type Accounts, may, type Right, roles, type WorkingRole } from '../../src/accounts/index.ts'
import type { Access } from '../../src/http/access.ts'
import { addAuthentication } from '../../src/http/authentication.ts'
import { Operations } from '../../src/http/scopes.ts'
import { type Call, type Json, TestServer } from './harness.ts'

let server: TestServer
let document: Json
/** Of an account of each role. */
const tokenOf = new Map<WorkingRole, string>()

before(async () => {
  server = await TestServer.start({ role: 'both' })
  document = (await server.get('/api/openapi.json', { as: null, isDocumented: false })).json
  const { users, tokens } = server.appliance.accounts
  for (const role of roles) {
    await users.add({ name: `a-${role}`, password: 'long enough', role })
    tokenOf.set(role, (await tokens.create(`a-${role}`, 'walks')).token)
  }
})
after(() => server.stop())

/** Bodies and parameters that a route needs before it asks for a right. */
const wellFormed: Readonly<Record<string, Pick<Call, 'json' | 'form'>>> = {
  setQuota: { json: { day_samples: 5 } },
  setRetention: { json: { enabled: false } },
  previewRetention: { json: { enabled: false } },
  addUser: { json: { name: 'somebody', password: 'long enough', role: 'user' } },
  setUserRole: { json: { role: 'user' } },
  setUserDisabled: { json: { disabled: false } },
  setUserPassword: { json: { password: 'long enough' } },
  createToken: { json: { label: 'of a test' } },
  decideDeviceLogIn: { json: { user_code: 'BBBB-BBBB', approve: false } },
  saveCoreRuleset: { json: { name: 'core_rules', content: 'rule a { condition: false }' } },
  addChannel: { json: { name: 'c', kind: 'slack', address: 'ftp://nowhere/', events: ['hunt'] } },
  changeChannel: { json: { name: 'c', kind: 'slack', address: 'ftp://nowhere/', events: ['hunt'] } },
  deleteSamples: { form: { hash_values: '0'.repeat(40) } },
}

const values: Readonly<Record<string, string>> = { hash: '0'.repeat(40), sha1: '0'.repeat(40), name: 'nobody', id: '7' }

const operations = () =>
  Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, details]) => ({
      method: method.toUpperCase(),
      path: path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '1'),
      name: String(details.operationId),
      access: details['x-access'] as Access | undefined,
      says: String(details.description),
    })),
  )

const codeOf = async (method: string, path: string, call: Call): Promise<string> => {
  const answer = await server.call(method, path, { ...call, isDocumented: false })
  return /^application\/json(?:;|$)/.test(answer.headers['content-type'] ?? '') ? String(answer.json.error) : ''
}

test('every operation says who may call it, in words too', () => {
  const all = operations()
  assert.ok(all.length >= 79, `${all.length} operations`)
  assert.deepEqual(
    all.filter(({ access }) => access === undefined).map(({ name }) => name),
    [],
  )
  for (const { name, access, says } of all) {
    const right = typeof access === 'object' ? access.right : access
    if (right?.includes('.')) assert.ok(says.includes(`Needs the right \`${right}\``), `${name}: ${says}`)
  }
})

test('nobody gets past a route that is not open without a token', async () => {
  for (const { method, path, name, access } of operations()) {
    const code = await codeOf(method, path, { as: null })
    if (access === 'anyone') assert.doesNotMatch(code, /^credentials\.missing$/, name)
    else assert.match(code || 'tenant.unknown', /^(?:credentials\.missing|tenant\.unknown)$/, name)
  }
})

test('a route that needs a right refuses accounts without it, and no other', async () => {
  const refused = new Map<string, string[]>(roles.map((role) => [role, []]))
  for (const { method, path, name, access } of operations()) {
    if (access === undefined || access === 'anyone' || access === 'tenant' || access === 'appliance') continue
    for (const role of roles) {
      const headers = { authorization: `Token ${tokenOf.get(role)}` }
      const code = await codeOf(method, path, { as: null, headers, ...wellFormed[name] })
      const mayCall: boolean = access === 'account' || holds(role, access)
      if (!mayCall) refused.get(role)?.push(name)
      assert.equal(code === 'right.missing', !mayCall, `${role}: ${method} ${path} (${name}) answers ${code}`)
    }
  }
  const count = (role: WorkingRole) => refused.get(role)?.length ?? 0
  assert.equal(count('administrator'), 0)
  assert.ok(count('publisher') >= 10, `only ${count('publisher')} refusals`)
  assert.ok(count('user') > count('publisher'))
  assert.ok(count('read-only') >= count('user') + 20, `only ${refused.get('read-only')}`)
})

test('an account that only reads can call what reads, and its own password and tokens, and nothing else', async () => {
  const forAll = operations().filter(({ access, method }) => access === 'account' && method !== 'GET')
  assert.deepEqual(forAll.map(({ name }) => name).sort(), [
    'downloadSamplesAsZip',
    'explainRules',
    'exportChosenMatches',
    'followRuleset',
    'getSampleStatus',
    'listContainers',
    'listDetailedReports',
    'listDetailedReportsOlder',
    'listSamples',
    'listSamplesOlder',
    'markRead',
    'measureSelection',
    'searchEverything',
    'searchSamplesAdvanced',
    'searchSamplesAdvancedOlder',
    'searchSamplesAdvancedOldest',
  ])
  const headers = { authorization: `Token ${tokenOf.get('read-only')}` }
  const as = { as: null, headers } as const
  const multipart = new FormData()
  multipart.append('file', new Blob(['sent by a reader']), 'reader.txt')
  assert.equal((await server.post('/api/submit/file/', { ...as, multipart })).json.error, 'right.missing')
  const form = { name: 'of_a_reader', content: 'rule r { condition: false }' }
  assert.equal((await server.post('/api/yara/ruleset/', { ...as, form })).json.error, 'right.missing')
  assert.equal((await server.get('/api/yara/v2/rulesets/', as)).status, 200)
  const made = await server.post('/api/users/a-read-only/tokens/', { ...as, json: { label: 'of my own' } })
  assert.equal(made.status, 201)
  const json = { current: 'long enough', password: 'longer than enough' }
  assert.equal((await server.post('/api/users/a-read-only/password/', { ...as, json })).status, 204)
})

test('whoever becomes read-only keeps their rulesets, and changes them no more', async () => {
  await server.saveRuleset('kept', 'rule k { condition: false }', 'ben')
  await server.post('/api/users/ben/role/', { json: { role: 'read-only' } })
  const form = { name: 'kept', content: 'rule k { condition: true }' }
  assert.equal((await server.post('/api/yara/ruleset/', { as: 'ben', form })).json.error, 'right.missing')
  assert.equal((await server.post('/api/yara/ruleset/disable/', { as: 'ben', form })).json.error, 'right.missing')
  assert.equal((await server.get('/api/yara/ruleset/content/?name=kept', { as: 'ben' })).status, 200)
  await server.post('/api/users/ben/role/', { json: { role: 'user' } })
  assert.equal((await server.post('/api/yara/ruleset/', { as: 'ben', form })).status, 200)
})

test('a route that changes something and says nothing about it is closed to accounts that only read', async () => {
  const rita: Account = { id: 1, name: 'rita', role: 'read-only' }
  const app = Fastify()
  app.register(async (scope) => {
    const tokens = { identify: async () => ({ account: rita, ends: null }) }
    const accounts = { onChange: () => () => {}, tokens } as unknown as Accounts
    addAuthentication(scope, accounts, new Operations())
    scope.post('/api/new/', { config: { access: 'account', audit: () => [] } }, async () => 'done')
    scope.get('/api/new/', { config: { access: 'account' } }, async () => 'read')
  })
  const ask = (method: 'GET' | 'POST') =>
    app.inject({ method, url: '/api/new/', headers: { authorization: 'Token x' } })
  assert.equal((await ask('GET')).statusCode, 200)
  assert.equal((await ask('POST')).json().code, 'right.missing')
  await app.close()
})

test('an account may change its own password and tokens, and nobody else\u2019s', async () => {
  const json = { label: 'mine' }
  assert.equal(await codeOf('POST', '/api/users/ana/tokens/', { as: 'ana', json }), 'undefined')
  assert.equal(await codeOf('POST', '/api/users/ben/tokens/', { as: 'ana', json }), 'right.missing')
  assert.equal(await codeOf('POST', '/api/users/ben/tokens/', { as: 'admin', json }), 'undefined')
})

test('a server with a route that does not say who may call it does not start', async () => {
  const app = Fastify()
  app.register(async (scope) => {
    addAuthentication(scope, {} as Accounts, new Operations())
    scope.get('/api/forgotten/', async () => 'nobody thought of it')
  })
  await assert.rejects(async () => app.ready(), /GET \/api\/forgotten\/ does not say who may call it/)
})

function holds(role: WorkingRole, access: Right | { readonly right: Right }): boolean {
  const account: Account = { id: 0, name: '', role }
  if (typeof access === 'object' && 'orOwner' in access) return may(account, 'content.change')
  return may(account, typeof access === 'object' ? access.right : access)
}
