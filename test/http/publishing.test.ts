/**
 * What the specification's tables say of `publish`, in a cluster: an appliance with a manager, both in this process. What
 * they say outside of one is in rulesets.test.ts and clients.test.ts.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { folderWith } from '../cli/running.ts'
import { until } from '../faults/killable-server.ts'
import { type Json, TestServer, type User } from './harness.ts'

let manager: TestServer
let server: TestServer

before(async () => {
  manager = await TestServer.start({ role: 'manager' })
  const { status, json } = await manager.post('/api/appliances/', { json: { name: 'here' } })
  assert.equal(status, 201)
  server = await TestServer.start({ managerUrl: manager.url, managerToken: json.token, syncPoll: 1_000 })
  server.appliance.publishing.start()
  await until(
    async () => (await server.get('/api/shared-rulesets/')).json.last_contact !== null,
    () => 'the manager is known',
  )
})
after(async () => {
  await server.stop()
  await manager.stop()
})

const rule = (name: string) => `rule ${name} { condition: false }`
/** As the vendor's SDK sends it: a field that means nothing here, and Python's spelling of what is true. */
const save = (name: string, as: User, publish = 'True', content = rule(name)) =>
  server.post('/api/yara/ruleset/', { as, form: { analysis: 'cloud', name, content, publish } })
const shared = async (): Promise<string[]> =>
  (await manager.get('/api/appliances/rulesets/')).json.results.map(({ name, enabled }: Json) => `${name} ${enabled}`)

test('an administrator publishes by creating, switching and deleting, with the words of the tables', async () => {
  const created = await save('shared_one', 'admin')
  assert.deepEqual([created.status, created.json.message], [200, 'Ruleset updated/created successfully.'])
  assert.deepEqual(created.json.detail.published, { state: 'published', sequence: 1, problem: null })
  assert.deepEqual(await shared(), ['shared_one true'])
  for (const [action, enabled] of [
    ['disable', false],
    ['enable', true],
  ] as const) {
    const { status, json } = await server.post(`/api/yara/ruleset/${action}/`, {
      form: { analysis: 'cloud', name: 'shared_one', publish: 'True' },
    })
    assert.deepEqual(
      [status, json.message, json.detail.published.state],
      [200, `Ruleset ${action}d successfully.`, 'published'],
    )
    assert.deepEqual(await shared(), [`shared_one ${enabled}`])
  }
  const json = { analysis: 'cloud', name: 'shared_one', publish: true }
  const deleted = await server.delete('/api/yara/ruleset/', { json })
  assert.deepEqual([deleted.status, deleted.json.message], [200, 'Ruleset deleted successfully.'])
  assert.deepEqual(await shared(), [])
})

test('a user who may not publish is refused before anything is created or deleted, and switches all the same', async () => {
  const created = await save('of_ana', 'ana')
  assert.deepEqual([created.status, created.json.error], [403, 'publish.refused'])
  assert.match(created.json.message, /needs an administrator/)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=of_ana')).status, 404)
  await server.saveRuleset('of_ana', rule('of_ana'), 'ana')
  const form = { name: 'of_ana', publish: 'true' }
  assert.equal((await server.delete('/api/yara/ruleset/', { as: 'ana', form })).status, 403)
  assert.equal((await server.get('/api/yara/ruleset/content/?name=of_ana')).status, 200)
  const { status, json } = await server.post('/api/yara/ruleset/disable/', { as: 'ana', form })
  assert.deepEqual([status, json.message], [200, 'Publish requests with non-admin token - not published'])
  const { json: list } = await server.get('/api/yara/v2/rulesets/?type=all&status=disabled')
  assert.deepEqual(
    list.results.map(({ name }: Json) => name),
    ['of_ana'],
  )
  for (const path of ['/api/yara/publish/all/', '/api/yara/publish/ruleset/of_ana/'])
    assert.equal((await server.post(path, { as: 'ana' })).status, 403, path)
  assert.deepEqual(await shared(), [])
})

test('publish=false, and none, publish nothing', async () => {
  assert.equal((await save('local_only', 'admin', 'False')).json.detail.published, undefined)
  assert.equal((await save('local_too', 'ana', '0')).status, 200)
  assert.deepEqual(await shared(), [])
})

test('the publishing endpoints come without a body, and refuse what cannot be published', async () => {
  await server.appliance.rulesets.importCore(await server.appliance.accounts.users.operator(), {
    name: 'core_rules',
    content: rule('core'),
  })
  const one = await server.post('/api/yara/publish/ruleset/local_only/')
  assert.deepEqual([one.status, one.json.message], [200, 'Ruleset published successfully.'])
  assert.equal((await server.post('/api/yara/publish/ruleset/core_rules/')).status, 401)
  assert.equal((await server.post('/api/yara/publish/ruleset/not_there/')).status, 404)
  assert.equal((await server.post('/api/yara/publish/ruleset/ab/')).status, 400)
  await save('broken', 'admin', 'false', 'rule broken {')
  assert.equal((await server.post('/api/yara/publish/ruleset/broken/')).status, 403)
  const all = await server.post('/api/yara/publish/all/')
  assert.deepEqual([all.status, all.json.detail.rulesets], [200, 3])
  await until(
    async () => (await shared()).length === 3,
    () => 'all that can be published is with the manager',
  )
  assert.deepEqual((await shared()).sort(), ['local_only true', 'local_too true', 'of_ana false'])
  const { json } = await server.get('/api/shared-rulesets/')
  assert.deepEqual(json.results.map(({ name, state }: Json) => `${name} ${state}`).sort(), [
    'local_only InSync',
    'local_too InSync',
    'of_ana InSync',
  ])
})

test('a change of many is published as a change of each would be', async () => {
  const many = (json: Json, as: User = 'admin') => server.post('/api/rulesets/bulk/', { as, json })
  const names = ['many_a', 'many_b']
  for (const name of names) await save(name, 'admin')
  await save('many_local', 'admin', 'false')
  await save('many_broken', 'admin', 'false', 'rule broken {')
  const ours = async () => (await shared()).filter((one) => one.startsWith('many')).sort()
  const disabled = await many({ action: 'disable', names: [...names, 'many_none'], publish: true })
  assert.deepEqual([disabled.status, disabled.json.done, disabled.json.failed.length], [200, 2, 1])
  assert.deepEqual(disabled.json.published, { published: 2, waiting: 0, out_of_sync: [], not_published: [] })
  assert.deepEqual(await ours(), ['many_a false', 'many_b false'])
  // Without it, only this appliance is meant.
  assert.equal((await many({ action: 'enable', names: ['many_a'] })).json.published, undefined)
  assert.deepEqual(await ours(), ['many_a false', 'many_b false'])
  const enabled = await many({ action: 'enable', names: [...names, 'many_local', 'many_broken'], publish: true })
  assert.deepEqual([enabled.json.published.published, enabled.json.published.not_published], [3, ['many_broken']])
  assert.deepEqual(await ours(), ['many_a true', 'many_b true', 'many_local true'])

  // A user who may not publish: nothing is deleted, and a switch stays here.
  await server.saveRuleset('many_of_ana', rule('many'), 'ana')
  const refused = await many({ action: 'delete', names: ['many_of_ana'], publish: true }, 'ana')
  assert.deepEqual([refused.status, refused.json.error], [403, 'publish.refused'])
  assert.equal((await server.get('/api/rulesets/many_of_ana/')).status, 200)
  const here = await many({ action: 'disable', names: ['many_of_ana'], publish: true }, 'ana')
  assert.deepEqual([here.json.done, here.json.note], [1, 'Publish requests with non-admin token - not published'])
  assert.equal((await server.get('/api/rulesets/many_of_ana/')).json.enabled, false)
  assert.equal((await many({ action: 'add-tags', names, tags: ['a'], publish: true })).status, 400)

  const all = [...names, 'many_local', 'many_broken', 'many_of_ana']
  assert.equal((await many({ action: 'delete', names: all, publish: true })).json.published.published, 5)
  assert.deepEqual(await ours(), [])
})

test('a shared ruleset whose date of expiry comes is disabled on all appliances, unless it was changed here', async () => {
  for (const name of ['expiring', 'edited']) await save(name, 'admin')
  await save('local_expiring', 'admin', 'false')
  await server.saveRuleset('edited', rule('edited_here'))
  // Published by an administrator; its owner may not publish, and may set a date.
  await server.saveRuleset('of_ana_expiring', rule('ana'), 'ana')
  assert.equal((await server.post('/api/yara/publish/ruleset/of_ana_expiring/')).status, 200)
  const names = ['expiring', 'edited', 'local_expiring', 'of_ana_expiring']
  for (const name of names) await expire(name)
  await until(
    async () => {
      const states = await Promise.all(
        names.map(async (name) => (await server.get(`/api/rulesets/${name}/`)).json.expired),
      )
      return states.every(Boolean)
    },
    () => 'all have expired',
  )
  await until(
    async () => (await shared()).includes('expiring false'),
    () => 'the manager knows of the expiry',
  )
  const others = (await shared()).filter((one) => /edited|local_exp|of_ana_exp/.test(one)).sort()
  assert.deepEqual(others, ['edited true', 'of_ana_expiring true'])
  const { json } = await server.get('/api/health/')
  assert.match(JSON.stringify(json), /of_ana_expiring has expired and was disabled on this appliance alone/)
  await server.post('/api/rulesets/bulk/', { json: { action: 'delete', names, publish: true } })
})

async function expire(name: string): Promise<void> {
  for (let ms = 1_000, status = 0; status !== 200; ms *= 2) {
    const expires = new Date(Date.now() + ms).toISOString()
    status = (await server.call('PUT', `/api/rulesets/${name}/notes/`, { json: { notes: '', tags: [], expires } }))
      .status
    assert.ok(ms < 100_000)
  }
}

test('an appliance that the manager has disabled publishes nothing, and says why', async () => {
  await manager.post('/api/appliances/here/disable/')
  await until(
    async () => (await save('while_disabled', 'admin')).status === 403,
    () => 'the appliance knows that it is disabled',
  )
  const { json } = await save('while_disabled', 'admin')
  assert.match(
    json.message,
    /^Nothing was published: YARA synchronization is not enabled .* on the connected manager\.$/,
  )
  const switched = await server.post('/api/yara/ruleset/enable/', { form: { name: 'local_only', publish: '1' } })
  assert.match(
    switched.json.message,
    /^Ruleset enabled successfully; not published: YARA synchronization is not enabled/,
  )
  await manager.post('/api/appliances/here/enable/')
  await until(
    async () => (await save('enabled_again', 'admin')).status === 200,
    () => 'the appliance knows that it is enabled',
  )
})

test('users publish where the setting says so', async () => {
  const { json } = await manager.post('/api/appliances/', { json: { name: 'open' } })
  const open = await TestServer.start({ managerUrl: manager.url, managerToken: json.token, syncPublishers: 'users' })
  const form = { name: 'of_a_user', content: rule('of_a_user'), publish: 'true' }
  const saved = await open.post('/api/yara/ruleset/', { as: 'ana', form })
  assert.equal(saved.status, 200)
  // Nobody has started to talk to the manager here.
  assert.equal(saved.json.detail.published.state, 'waiting')
  await open.saveRuleset('of_an_administrator', rule('a'))
  assert.equal((await open.post('/api/yara/publish/ruleset/of_an_administrator/', { as: 'ana' })).status, 401)
  assert.equal((await open.post('/api/yara/publish/all/', { as: 'ana' })).json.detail.rulesets, 1)
  await open.stop()
})

test('appliances are added, listed and removed by administrators of the manager alone', async () => {
  assert.equal((await manager.post('/api/appliances/', { as: 'ana', json: { name: 'x' } })).status, 403)
  assert.equal((await manager.post('/api/appliances/', { json: { name: 'here' } })).status, 409)
  assert.equal((await manager.post('/api/appliances/', { json: { name: 'no spaces' } })).status, 400)
  const { json } = await manager.get('/api/appliances/', { as: 'ana' })
  assert.deepEqual(json.results.map(({ name, state }: Json) => `${name} ${state}`)[1], 'open PendingNew')
  assert.equal((await manager.delete('/api/appliances/open/')).status, 200)
  assert.equal((await manager.delete('/api/appliances/open/')).status, 404)
})

test('what no appliance would ask is refused by the manager, and changes nothing', async () => {
  const { json: made } = await manager.post('/api/appliances/', { json: { name: 'odd' } })
  const headers = { authorization: `Token ${made.token}` }
  const nonce = 'a'.repeat(32)
  const report = {
    ...{ sequence: 0, digest: '', rulesets: 0, waiting: 0, engine: '', version: '', problem: '' },
    ...{ out_of_sync: [], invalid: [] },
  }
  const follow = { nonce, after: 0, chain: '', wait: 0, report }
  const publish = {
    ...{ nonce, change: '0f0e0d0c-0000-4000-8000-000000000000', name: 'odd_one', replaces: 0, known: 0, chain: '' },
    ...{ enabled: true, author: 'eve', deleted: false, text: rule('odd') },
  }
  const before = await shared()
  for (const [path, sound, odd] of [
    ['follow/', follow, { nonce: 'a' }],
    ['follow/', follow, { after: -1 }],
    ['follow/', follow, { after: 'x' }],
    ['follow/', follow, { chain: 'zz' }],
    ['follow/', follow, { wait: 51 }],
    ['follow/', follow, { report: { ...report, out_of_sync: Array.from({ length: 101 }, (_, at) => `r${at}`) } }],
    ['follow/', follow, { report: { ...report, engine: 'x'.repeat(201) } }],
    ['snapshot/', { nonce, after_name: '' }, { nonce: '' }],
    ['publish/', publish, { name: '../odd' }],
    ['publish/', publish, { name: '' }],
    ['publish/', publish, { name: 'x'.repeat(201) }],
    ['publish/', publish, { change: 'once' }],
    ['publish/', publish, { text: '' }],
    ['publish/', publish, { deleted: true }],
    ['publish/', publish, { replaces: -1 }],
    ['publish/', publish, { author: 'x'.repeat(201) }],
  ] as const) {
    const answer = await manager.post(`/api/manager/v1/${path}`, { as: null, headers, json: { ...sound, ...odd } })
    assert.equal(answer.status, 400, `${path} ${JSON.stringify(odd).slice(0, 80)}: ${answer.text.slice(0, 200)}`)
  }
  const asked = { as: null, headers } as const
  const publishing = (change: object) =>
    manager.post('/api/manager/v1/publish/', { ...asked, json: { ...publish, ...change } })
  // Nothing of that name was there, or the log has another past.
  for (const [change, kind] of [
    [{ name: 'local_only' }, 'replaced'],
    [{ known: 1, chain: 'b'.repeat(64) }, 'behind'],
  ] as const)
    assert.equal(JSON.parse((await publishing(change)).json.payload).kind, kind)
  assert.equal((await manager.get(`/api/manager/v1/texts/${'0'.repeat(64)}/`, asked)).status, 404)
  assert.equal((await manager.get('/api/manager/v1/texts/odd/', asked)).status, 400)
  assert.equal((await manager.get('/api/manager/v1/identity/', { as: 'admin' })).status, 401)
  assert.equal((await manager.get('/api/manager/v1/identity/', { as: null })).status, 401)
  assert.deepEqual(await shared(), before)
  assert.equal((await manager.delete('/api/appliances/odd/')).status, 200)
})

test('a manager over HTTPS is followed where its authority is trusted, and only there', async (t) => {
  const folder = folderWith(t)
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-days', '2']
  try {
    const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject]
    execFileSync('openssl', made, { stdio: 'ignore' })
  } catch (error) {
    if (process.env.BACKTRAIL_NO_SKIPS === '1') throw error
    return t.skip('openssl is not there to make a certificate')
  }
  const secure = await TestServer.start({ role: 'manager', tlsKey: key, tlsCert: cert })
  const managerToken = await secure.appliance.manager.add('here')
  for (const [managerCa, problem] of [
    ['', /certificate is not trusted/],
    [cert, null],
  ] as const) {
    const one = await TestServer.start({ managerUrl: secure.url, managerToken, managerCa, syncPoll: 1_000 })
    one.appliance.publishing.start()
    let status: Json
    await until(
      async () => {
        status = (await one.get('/api/shared-rulesets/')).json
        return problem ? problem.test(status.problem ?? '') : status.last_contact !== null
      },
      () => `the manager is ${problem ? 'not trusted' : 'known'}: ${JSON.stringify(status)}`,
    )
    assert.equal(status.last_contact === null, problem !== null)
    await one.stop()
  }
  await secure.stop()
})
