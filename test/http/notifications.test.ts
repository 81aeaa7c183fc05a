/** Users are notified by webhooks: of what, when, in which shape, and where to. */
import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Json, TestServer, type User } from './harness.ts'
import { assertSigned, WebhookReceiver } from './webhook-receiver.ts'

const DAY = 86_400_000_000
const finds = (rule: string) => `rule ${rule} { strings: $a = "${rule} is looked for" condition: $a }`

let server: TestServer
let receiver: WebhookReceiver
before(async () => {
  receiver = await WebhookReceiver.start()
  server = await TestServer.start({ webhookNetworks: ['127.0.0.1'], publicUrl: 'https://backtrail.example/bt' })
  server.appliance.notifications.start()
})
after(async () => {
  await server?.stop()
  await receiver?.stop()
})

/** Adds a channel whose path names it; gives what the server answers. */
async function addChannel(name: string, more: object = {}, as: User = 'ana'): Promise<Json> {
  const json = { name, kind: 'webhook', address: receiver.url(`/${name}`), events: ['match'], ...more }
  const { status, json: added, text } = await server.post('/api/notifications/channels/', { as, json })
  assert.equal(status, 201, text)
  return added
}

const channelOf = async (id: number, as: User = 'ana'): Promise<Json> =>
  (await server.get(`/api/notifications/channels/${id}/`, { as })).json

const deliveriesOf = async (id: number): Promise<Json[]> =>
  (await server.get(`/api/notifications/channels/${id}/deliveries/`, { as: 'ana' })).json.results

async function until<T>(read: () => Promise<T>, isSo: (value: T) => boolean): Promise<T> {
  const deadline = Date.now() + 120_000
  for (;;) {
    const value = await read()
    if (isSo(value)) return value
    assert.ok(Date.now() < deadline, `it becomes so; it is ${JSON.stringify(value)}`)
    await sleep(50)
  }
}

/** Changes rows behind the server's back: times that a test cannot wait for. */
function change(sql: string, ...values: (number | string)[]): void {
  const database = new DatabaseSync(server.databaseFile)
  database.exec('PRAGMA busy_timeout = 30000; PRAGMA foreign_keys = ON')
  database.prepare(sql).run(...values)
  database.close()
}

test('a new match is sent to whoever wants it, signed by the Standard Webhooks specification', async () => {
  await server.saveRuleset('first', finds('first'), 'ana')
  await server.saveRuleset('second', finds('second'), 'ben')
  const mine = await addChannel('mine')
  assert.match(mine.secret, /^whsec_[\w+/]{43}=$/)
  assert.equal((await channelOf(mine.id)).secret, undefined)
  await addChannel('chosen', { rulesets: ['second'] })
  await addChannel('all', { rulesets: 'all', kind: 'slack' })
  await addChannel('teams', { kind: 'teams' })
  await addChannel('of-ben', {}, 'ben')
  await addChannel('no-matches', { events: ['hunt'] })

  const name = 'evil *<!channel> [x](y)\u202e.exe'
  await server.upload('in here first is looked for', name)
  const [message] = await receiver.of('/mine', 1)
  assert.ok(message)
  assertSigned(message, mine.secret)
  assert.equal(message.json.type, 'matches.found')
  assert.deepEqual(message.json.data.counts, { matches: 1, local_retro_runs: 0, hunts: 0, suspensions: 0 })
  const [match] = message.json.data.matches
  assert.deepEqual([match.ruleset, match.rules], ['first', ['first']])
  assert.equal(match.sample.url, `https://backtrail.example/bt/samples/${match.sample.sha1}`)
  const [slack] = await receiver.of('/all', 1)
  assert.equal(slack?.json.text, '1 new match of first')
  assert.equal(slack?.headers['webhook-signature'], undefined)
  for (const block of slack?.json.blocks.slice(0, 2) ?? []) assert.equal(block.text.type, 'plain_text')
  const [teams] = await receiver.of('/teams', 1)
  const { contentType, content } = teams?.json.attachments[0] ?? assert.fail('no card')
  assert.equal(contentType, 'application/vnd.microsoft.card.adaptive')
  assert.ok(content.body.every(({ type }: Json) => type === 'RichTextBlock'))
  assert.ok(
    !JSON.stringify([slack?.json, teams?.json]).includes('\u202e'),
    'names are shown without signs that turn texts',
  )

  await server.upload('in here second is looked for', 'second.exe')
  const [chosen] = await receiver.of('/chosen', 1)
  assert.equal(chosen?.json.data.matches[0].ruleset, 'second')
  await receiver.of('/of-ben', 1)
  // Known already: no news.
  await server.post(`/api/samples/${match.sample.sha1}/analyze/`)
  await server.appliance.reanalysis.idle()
  await receiver.of('/all', 2)
  assert.equal((await receiver.of('/mine', 1)).length, 1)
  assert.equal((await receiver.of('/no-matches', 0)).length, 0)
})

test('ends of hunts and of Local Retro runs are sent, and that a ruleset was suspended', async () => {
  const events = ['local-retro', 'hunt', 'suspension']
  await addChannel('ends', { events })
  await addChannel('ends-of-ben', { events }, 'ben')
  const json = { title: 'looks for first', rules: [{ name: 'a', content: finds('first') }] }
  const hunt = await server.post('/api/hunts/', { as: 'ana', json })
  assert.equal(hunt.status, 201, hunt.text)
  const [ended] = await receiver.of('/ends', 1)
  assert.equal(ended?.json.type, 'hunt.ended')
  const { id, title, state, matches } = ended?.json.data.hunts[0] ?? {}
  assert.deepEqual(
    { id, title, state, matches },
    { id: hunt.json.id, title: 'looks for first', state: 'completed', matches: 1 },
  )

  const start = await server.post('/api/uploads/local-retro-hunt/', { as: 'ben', form: { operation: 'START' } })
  assert.equal(start.status, 200, start.text)
  for (const [path, count] of [
    ['/ends', 2],
    ['/ends-of-ben', 1],
  ] as const) {
    const run = (await receiver.of(path, count)).at(-1)
    assert.equal(run?.json.type, 'local-retro.ended')
    assert.equal(run?.json.data.local_retro_runs[0].state, 'completed')
  }

  const live = await server.appliance.rulesets.liveSet()
  const ruleset = live.rulesets.find(({ name }) => name === 'first') ?? assert.fail('first runs')
  const error = { ruleset: ruleset.key, reason: 'quarantine', message: 'it never ends', rules: [] } as const
  await server.appliance.rulesets.reportScanErrors(1, [error as never])
  const suspended = (await receiver.of('/ends', 3)).at(-1)
  assert.equal(suspended?.json.type, 'ruleset.suspended')
  assert.match(suspended?.json.data.suspensions[0].reason, /it never ends/)
  assert.equal((await receiver.of('/ends-of-ben', 1)).length, 1)
  await server.saveRuleset('first', `${finds('first')} `, 'ana')
})

test('what was not taken is sent again with the same id, and a redirection is not followed', async () => {
  const again = await addChannel('again')
  const answers = [500, 302]
  receiver.answer = ({ path }, response) => {
    const status = path === '/again' ? (answers.shift() ?? 204) : 200
    response.writeHead(status, { location: receiver.url('/elsewhere') }).end()
  }
  await server.upload('first is looked for again', 'again.exe')
  const tries = await receiver.of('/again', 3)
  assert.equal(new Set(tries.map(({ headers }) => headers['webhook-id'])).size, 1)
  for (const one of tries) assertSigned(one, again.secret)
  const [delivery] = await until(
    () => deliveriesOf(again.id),
    ([one]) => one.state === 'delivered',
  )
  assert.deepEqual([delivery.attempts, delivery.status, delivery.problem], [3, 204, null])
  assert.equal((await receiver.of('/elsewhere', 0)).length, 0)

  receiver.answer = (_, response) => response.writeHead(410).end()
  const gone = await addChannel('gone')
  await server.upload('first is looked for, and gone', 'gone.exe')
  const { refused } = await until(
    () => channelOf(gone.id),
    ({ refused }) => refused !== null,
  )
  assert.match(refused, /answers 410/)
  const [failed] = await deliveriesOf(gone.id)
  assert.equal(failed.state, 'failed')
  receiver.answer = (_, response) => response.end()
  const { secret: _, ...spec } = { ...gone }
  const { name, kind, address, events, rulesets, digest_minutes, daily_limit } = spec
  const json = { name, kind, address, events, rulesets, digest_minutes, daily_limit }
  const saved = await server.call('PUT', `/api/notifications/channels/${gone.id}/`, { as: 'ana', json })
  assert.equal(saved.json.refused, null)
  const retry = `/api/notifications/channels/${gone.id}/deliveries/${failed.id}/retry/`
  assert.equal((await server.post(retry, { as: 'ana' })).status, 202)
  await until(
    () => deliveriesOf(gone.id),
    ([one]) => one.state === 'delivered',
  )
  assert.equal((await server.post(retry, { as: 'ana' })).json.error, 'notification.invalid')
})

test('a digest, a daily limit and a mute collect what happens, and say so', async () => {
  const digest = await addChannel('digest', { digest_minutes: 60 })
  const limited = await addChannel('limited', { daily_limit: 1 })
  const muted = await addChannel('muted', { muted_until: new Date(Date.now() + 3_600_000).toISOString() })
  await server.upload('first is looked for, number one', 'one.exe')
  const [last] = await receiver.of('/limited', 1)
  assert.deepEqual([last?.json.data.last_today, last?.json.data.held_back], [true, null])
  await server.upload('first is looked for, number two', 'two.exe')
  const held = await until(
    () => channelOf(limited.id),
    ({ pending }) => pending === 1,
  )
  assert.equal(Date.parse(held.held_until) % 86_400_000, 0, 'until midnight')
  assert.equal(held.sent_today, 1)
  assert.equal((await channelOf(muted.id)).pending, 2)
  assert.equal((await channelOf(digest.id)).pending, 2)
  for (const path of ['/digest', '/muted']) assert.equal((await receiver.of(path, 0)).length, 0)

  change('UPDATE notification_events SET created = created - 3600000000 WHERE channel_id = ?', digest.id)
  change('UPDATE notification_channels SET muted_until = ? WHERE id = ?', Date.now() * 1_000, muted.id)
  change('UPDATE notification_events SET created = created - ? WHERE channel_id = ?', DAY, limited.id)
  change('UPDATE notification_channels SET day = day - 1 WHERE id = ?', limited.id)
  for (const [path, count, heldBack, events] of [
    ['/digest', 1, null, 2],
    ['/muted', 1, 'muted', 2],
    ['/limited', 2, 'daily-limit', 1],
  ] as const) {
    const message = (await receiver.of(path, count)).at(-1)
    assert.equal(message?.json.type, 'notifications.digest', path)
    assert.equal(message?.json.data.held_back, heldBack, path)
    assert.equal(message?.json.data.counts.matches, events, path)
    assert.deepEqual(message?.json.data.rulesets, [{ name: 'first', matches: events }], path)
  }
})

test('addresses that are not public are refused when they are saved and when they are connected to', async () => {
  const cases: readonly (readonly [address: string, code: string, message: RegExp])[] = [
    ['https://10.0.0.1/', 'notification.refused', /10\.0\.0\.1.*not a public one; --webhook-networks/],
    ['https://169.254.169.254/latest/', 'notification.refused', /not a public one/],
    ['http://192.168.1.1/', 'notification.refused', /nothing is sent without https/],
    ['https://[::1]/', 'notification.refused', /not a public one/],
    ['https://[fe80::1]/', 'notification.refused', /not a public one/],
    ['https://[::ffff:10.0.0.1]/', 'notification.refused', /not a public one/],
    ['https://0x7f.2/', 'notification.refused', /127\.0\.0\.2/],
    ['https://2130706434/', 'notification.refused', /127\.0\.0\.2/],
    ['http://93.184.215.14/', 'notification.refused', /nothing is sent without https/],
    ['https://no-such-host.invalid/', 'notification.unreachable', /no-such-host\.invalid cannot be reached/],
    ['ftp://127.0.0.1/', 'notification.invalid', /starts with https/],
    ['file:///etc/passwd', 'notification.invalid', /starts with https/],
    ['https://user:word@127.0.0.1/', 'notification.invalid', /password/],
  ]
  for (const [address, code, message] of cases) {
    const json = { name: 'x', kind: 'webhook', address, events: ['match'] }
    const refused = await server.post('/api/notifications/channels/', { as: 'ana', json })
    assert.deepEqual(
      [refused.json.error, message.test(refused.json.message)],
      [code, true],
      `${address}: ${refused.text}`,
    )
  }
  const moved = await addChannel('moved')
  for (const address of ['https://10.255.255.1/', 'http://127.0.0.2/', 'http://[::1]:1/']) {
    change('UPDATE notification_channels SET address = ? WHERE id = ?', address, moved.id)
    const tested = await server.post(`/api/notifications/channels/${moved.id}/test/`, { as: 'ana' })
    assert.equal(tested.json.state, 'failed', tested.text)
    assert.match(tested.json.problem, /has the address .*--webhook-networks can permit it/)
  }
})

test('a channel is its user’s alone, is tested at once, and what is done to it is in the audit log', async () => {
  const own = await addChannel('own', { secret: `whsec_${Buffer.alloc(24, 7).toString('base64')}` })
  assert.equal(own.secret, `whsec_${Buffer.alloc(24, 7).toString('base64')}`)
  const path = `/api/notifications/channels/${own.id}/`
  const tested = await server.post(`${path}test/`, { as: 'ana' })
  assert.deepEqual([tested.json.state, tested.json.title], ['delivered', 'A test of Backtrail'])
  const [message] = await receiver.of('/own', 1)
  assert.ok(message)
  assertSigned(message, own.secret)
  for (const as of ['ben', 'admin'] as const) {
    assert.equal((await server.get(path, { as })).json.error, 'notification.not-found')
    assert.equal((await server.post(`${path}test/`, { as })).json.error, 'notification.not-found')
    assert.equal((await server.delete(path, { as })).json.error, 'notification.not-found')
  }
  const json = { name: 'x', kind: 'webhook', address: receiver.url('/'), events: ['match'] }
  for (const wrong of [
    { ...json, name: ' ' },
    { ...json, events: [] },
    { ...json, rulesets: [] },
    { ...json, secret: 'whsec_short' },
    { ...json, secret: 'secret' },
  ]) {
    const { json: answer } = await server.post('/api/notifications/channels/', { as: 'ana', json: wrong })
    assert.equal(answer.error, 'notification.invalid', JSON.stringify(wrong))
  }
  const unknown = await server.post('/api/notifications/channels/', {
    as: 'ana',
    json: { ...json, rulesets: ['none'] },
  })
  assert.equal(unknown.json.error, 'ruleset.not-found')
  assert.equal((await server.delete(path, { as: 'ana' })).status, 204)
  const { results } = (await server.get(`/api/audit/?user=ana&subject=${own.id}`)).json
  const operations = results
    .filter(({ subjects }: Json) => subjects[0] === String(own.id))
    .map(({ operation }: Json) => operation)
  assert.deepEqual(operations, ['removeChannel', 'testChannel'])
  const metrics = (await server.get('/metrics', { as: null, isDocumented: false })).text
  assert.match(metrics, /backtrail_notifications_total\{outcome="delivered"\} [1-9]/)
  assert.match(metrics, /backtrail_notifications_waiting \d/)

  await server.delete('/api/users/ben/')
  const left = new DatabaseSync(server.databaseFile, { readOnly: true })
  const row = left.prepare("SELECT count(*) AS count FROM notification_channels WHERE name LIKE '%of-ben'").get()
  left.close()
  assert.deepEqual({ ...row }, { count: 0 })
})
