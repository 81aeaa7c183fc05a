import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { Validator } from '@seriousme/openapi-schema-validator'
import { catalogue } from '../../src/errors/index.ts'
import { type Answer, type Call, type Json, passwords, sha1, TestServer } from './harness.ts'

test('docs/api.md lists every failure of the catalogue with its status and message, and no other', () => {
  const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `([\w.-]+)` \| (\d{3}) \| (.*) \|$/gm)]
  const listed = Object.fromEntries(
    rows.map(([, code = '', status, message]) => [code, { status: Number(status), message }]),
  )
  assert.ok(rows.length >= 40, `only ${rows.length} rows`)
  assert.equal(Object.keys(listed).length, rows.length, 'a code is listed twice')
  assert.deepEqual(listed, catalogue)
})

let server: TestServer
let document: Json

before(async () => {
  server = await TestServer.start({
    ruleSourceHosts: ['localhost'],
    ruleSourceNetworks: ['127.0.0.0/8', '::1'],
    role: 'both',
    loginLimit: 10_000,
  })
  document = (await server.get('/api/openapi.json', { as: null, isDocumented: false })).json
})
after(() => server.stop())

interface Operation {
  readonly path: string
  readonly method: string
  readonly details: Json
}

const operations = (): Operation[] =>
  Object.entries<Json>(document.paths).flatMap(([path, methods]) =>
    Object.entries<Json>(methods).map(([method, details]) => ({ path, method: method.toUpperCase(), details })),
  )

test('two validators find nothing wrong with the OpenAPI document', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document))
  assert.ok(valid, JSON.stringify(errors ?? []).slice(0, 2_000))
  const config = await createConfig({
    extends: ['recommended'],
    // The addresses are the vendor's, and whoever runs a server knows where it is.
    rules: { 'no-path-trailing-slash': 'off', 'no-server-example.com': 'off', 'no-ambiguous-paths': 'off' },
  })
  const problems = await lintFromString({ source: JSON.stringify(document), config })
  assert.deepEqual(
    problems.map(({ ruleId, message, location }) => `${ruleId} ${message} ${location?.[0]?.pointer}`),
    [],
  )
})

test('the document says where the server is, and gives each operation a name of its own and an answer that succeeds', () => {
  assert.deepEqual(document.servers, [{ url: server.url }])
  const names = operations().map(({ details }) => details.operationId)
  assert.ok(names.length >= 79, `${names.length} operations`)
  for (const name of names) assert.match(String(name), /^[a-z][A-Za-z]+$/)
  assert.equal(new Set(names).size, names.length)
  for (const { path, method, details } of operations()) {
    const statuses = Object.keys(details.responses)
    assert.ok(
      statuses.some((status) => status.startsWith('2')),
      `${method} ${path} only has ${statuses}`,
    )
    for (const parameter of details.parameters ?? []) {
      assert.ok(!(parameter.required && 'default' in parameter.schema), `${path}: ${parameter.name} has a default`)
    }
    for (const [status, { content = {} }] of Object.entries<Json>(details.responses)) {
      if (Number(status) >= 400) assert.match(Object.keys(content).join(), /^(application\/json|text\/plain)$/, path)
    }
  }
})

test('a client that is made from the document can call every operation', { timeout: 300_000 }, async () => {
  await server.saveRuleset('generated', 'rule g { strings: $a = "generated" condition: $a }')
  const hash = await server.upload('something generated', 'generated.txt')
  const { json: hunt } = await server.post('/api/hunts/', {
    json: { rules: [{ name: 'h', content: 'rule h { condition: true }' }] },
  })
  await server.appliance.adHocHunts.settled(hunt.id)
  const { json: search } = await server.get('/api/matches/')
  await server.appliance.accounts.users.add({
    name: 'acme',
    password: 'a long tenant password',
    role: 'tenant',
    contributes: true,
  })
  const basic = `Basic ${Buffer.from('acme:a long tenant password').toString('base64')}`
  const { id: token } = await server.appliance.accounts.tokens.create('ben', 'spare')
  const bytes = 'contributed by a generated client'
  const rules = [{ name: 'text', content: 'rule t { condition: true }' }]
  const known: Readonly<Record<string, Json>> = {
    name: 'generated',
    ruleset_name: 'generated',
    ruleset: 'generated',
    content: 'rule g { strings: $a = "generated" condition: $a }',
    text: 'rule t { condition: true }',
    operation: 'START',
    title: 'generated',
    hash,
    hash_values: [hash],
    hash_value: [hash],
    query: 'generated',
    ids: [search.results[0].id],
    id: hunt.id,
    number: 1,
    format: 'csv',
    rules,
    selection: {},
    tags: ['generated'],
    classification: 'suspicious',
    username: 'ana',
    logout_token: 'of.an.identity-provider',
    password: passwords.ana,
    role: 'user',
    label: 'made by a client',
    system: 'local',
    form: 'timestamp',
    start: String(Math.floor(Date.now() / 1000) - 60),
    sha1: sha1(bytes),
    // Nothing listens there.
    url: 'https://localhost:1/rules.zip',
    seconds: 3_600,
    kind: 'slack',
    events: ['match'],
    // There is no such host.
    address: 'https://nowhere.invalid/',
    delivery: 1,
    keep: 'own',
    sequence: 0,
    client_id: 'a client',
    grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
    approve: true,
  }
  const { deviceLogIns } = server.appliance.accounts
  const program = { name: 'a client', days: 1, scope: null, address: '127.0.0.1' }
  const [approved, waiting] = [deviceLogIns.begin(program), deviceLogIns.begin(program)]
  await deviceLogIns.decide({ id: 1, name: 'admin', role: 'administrator' }, 'admin', approved.userCode, true)
  const special: Readonly<Record<string, Readonly<Record<string, Json>>>> = {
    addUser: { name: 'carl', password: 'a new long password' },
    saveCoreRuleset: { name: 'core_generated' },
    listTokens: { name: 'ben' },
    createToken: { name: 'ben' },
    revokeToken: { name: 'ben', id: token },
    setUserRole: { name: 'ben' },
    setUserDisabled: { name: 'ben', disabled: false },
    setUserPassword: { name: 'ben', password: passwords.ben },
    removeUser: { name: 'carl' },
    redeemDeviceCode: { device_code: approved.deviceCode },
    revokeOwnToken: { token: 'nobody\u2019s' },
    getDeviceLogIn: { name: 'admin', user_code: waiting.userCode },
    decideDeviceLogIn: { name: 'admin', user_code: waiting.userCode },
    allowSamples: { rule: 'g', kind: 'name', value: 'none.txt' },
    disallowSamples: { rule: 'g', kind: 'name', value: 'none.txt' },
    setRulesetNotes: { notes: 'made by a client' },
    saveRulesetImport: { leave_out: [] },
    changeRulesets: { action: 'enable', names: ['generated'] },
    enableRules: { rules: ['g'] },
    disableRules: { rules: ['g'] },
    createTenantRuleset: { ruleset_name: 'generated' },
    followRuleset: { follows: true },
    markRead: { up_to: '1.1' },
    setQuota: { day_samples: 1_000_000 },
    setRetention: { enabled: false },
    previewRetention: { enabled: false },
    searchMatchGroups: { by: 'rule' },
  }
  const first = ['createTenantRuleset', 'startRetroHunt', 'contributeSample', 'addUser']
  const rank = ({ method, details }: Operation) =>
    first.includes(details.operationId)
      ? first.indexOf(details.operationId) - 9
      : ['GET', 'POST', 'DELETE'].indexOf(method)
  const called: string[] = []
  for (const { path, method, details } of operations().sort((one, other) => rank(one) - rank(other))) {
    const value = (name: string) => special[details.operationId]?.[name] ?? known[name]
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(String(value(name))))
    const required = (details.parameters ?? []).filter((each: Json) => each.in === 'query' && each.required)
    const query = new URLSearchParams(required.map(({ name }: Json) => [name, String(value(name))]))
    const [type = '', { schema = {} } = {}] = Object.entries<Json>(details.requestBody?.content ?? {})[0] ?? []
    // A body that needs nothing is not sent, unless something of it stands above.
    const names: string[] =
      schema.required ??
      (schema.properties?.up_to
        ? ['up_to']
        : schema.properties?.keep
          ? ['enabled']
          : schema.properties?.day_samples
            ? ['day_samples']
            : [])
    const fields = Object.fromEntries(names.map((name) => [name, value(name)]))
    const isTenants = details.security?.[0]?.tenant !== undefined
    const call: Call = {
      as: isTenants ? null : 'admin',
      headers: {
        'x-backtrail-page': '1',
        ...(isTenants && { authorization: basic }),
        ...(type === 'application/octet-stream' && { 'content-type': type }),
      },
      ...(type === 'application/octet-stream' && { body: bytes }),
      ...(type === 'multipart/form-data' && schema.properties?.file && { multipart: fileForm(bytes) }),
      ...(type !== 'application/octet-stream' && names.length > 0 && !schema.properties?.file && { json: fields }),
    }
    const answer: Answer = await server.call(method, query.size > 0 ? `${filled}?${query}` : filled, call)
    const listed = `${details.operationId}: ${answer.status} ${answer.text.slice(0, 300)}`
    // Without a cloud, a cluster and a rule source some things are refused, but never for the shape of the request.
    assert.ok(
      answer.status < 300 || [403, 405, 409, 412, 424, 428].includes(answer.status) || isRefusedForState(answer),
      listed,
    )
    called.push(details.operationId)
  }
  assert.equal(called.length, operations().length)
})

/** A tenant's hunt that is over cannot be cancelled; deleted things are gone. */
const isRefusedForState = ({ status, text }: Answer): boolean =>
  status === 404 || (status === 400 && /hunt/.test(text) && !text.startsWith('{'))

function fileForm(content: string): FormData {
  const form = new FormData()
  form.append('file', new Blob([content]), 'generated.bin')
  return form
}
