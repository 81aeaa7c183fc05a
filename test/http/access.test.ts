/** Who may call what: every route of the server, by every kind of caller, held against what the route itself says. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import Fastify from 'fastify'
import { type Account, type Accounts, may, type Right, type Role } from '../../src/accounts/index.ts'
import type { Access } from '../../src/http/access.ts'
import { addAuthentication } from '../../src/http/authentication.ts'
import { Operations } from '../../src/http/scopes.ts'
import { type Call, type Json, TestServer } from './harness.ts'

let server: TestServer
let document: Json

before(async () => {
  server = await TestServer.start({ role: 'both' })
  document = (await server.get('/api/openapi.json', { as: null, isDocumented: false })).json
})
after(() => server.stop())

/** Bodies and parameters that a route needs before it asks for a right. */
const wellFormed: Readonly<Record<string, Pick<Call, 'json' | 'form'>>> = {
  addUser: { json: { name: 'somebody', password: 'long enough', role: 'user' } },
  setUserRole: { json: { role: 'user' } },
  setUserDisabled: { json: { disabled: false } },
  setUserPassword: { json: { password: 'long enough' } },
  createToken: { json: { label: 'of a test' } },
  saveCoreRuleset: { json: { name: 'core_rules', content: 'rule a { condition: false }' } },
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
  const callers = { admin: 'administrator', ana: 'user' } as const satisfies Record<string, Role>
  let refused = 0
  for (const { method, path, name, access } of operations()) {
    if (access === undefined || access === 'anyone' || access === 'tenant') continue
    for (const [as, role] of Object.entries(callers) as ['admin' | 'ana', Role][]) {
      const code = await codeOf(method, path, { as, ...wellFormed[name] })
      const mayCall: boolean =
        access === 'account' || (typeof access === 'object' && 'orOwner' in access) || holds(role, access)
      if (!mayCall) refused++
      assert.equal(code === 'right.missing', !mayCall, `${role}: ${method} ${path} (${name}) answers ${code}`)
    }
  }
  assert.ok(refused >= 10, `only ${refused} refusals`)
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

function holds(role: Role, access: Right | { readonly right: Right }): boolean {
  const account: Account = { id: 0, name: '', role }
  return may(account, typeof access === 'object' ? access.right : access)
}
