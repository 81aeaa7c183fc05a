/** Users are notified by mail: in which words, to whom, and what happens when the mail server does not take them. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { MailPost } from '../../src/notifications/mail-post.ts'
import { type Json, TestServer, type User } from './harness.ts'
import { MailReceiver } from './mail-receiver.ts'

const finds = (rule: string) => `rule ${rule} { strings: $a = "${rule} is looked for" condition: $a }`

let receiver: MailReceiver
let server: TestServer
let folder: string
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'backtrail-mail-'))
  writeFileSync(join(folder, 'password'), 'of the relay\n')
  receiver = await MailReceiver.start({ user: 'relay', password: 'of the relay' })
  server = await TestServer.start({
    mailServer: `smtp://relay@127.0.0.1:${receiver.port}`,
    mailPasswordFile: join(folder, 'password'),
    mailFrom: 'backtrail@here.example',
    mailDomains: ['here.example', '*.teams.example'],
    publicUrl: 'https://backtrail.example/bt',
  })
  server.appliance.notifications.start()
})
after(async () => {
  await server?.stop()
  await receiver?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function add(address: string, more: object = {}, as: User = 'ana', on = server) {
  const json = { name: `to ${address}`, kind: 'e-mail', address, events: ['match'], ...more }
  return on.post('/api/notifications/channels/', { as, json })
}

const deliveriesOf = async (id: number): Promise<Json[]> =>
  (await server.get(`/api/notifications/channels/${id}/deliveries/`, { as: 'ana' })).json.results

test('a new match comes by mail, in plain sentences, from the server’s address', async () => {
  await server.saveRuleset('first', finds('first'), 'ana')
  const { status, json: channel } = await add('ana@here.example', { name: 'to me' })
  assert.equal(status, 201)
  await server.upload('in here first is looked for', 'evil\u202e <b>name.exe')
  const [mail] = await receiver.mails(1)
  assert.ok(mail)
  assert.deepEqual([mail.from, mail.to], ['backtrail@here.example', ['ana@here.example']])
  assert.equal(mail.headers.subject, '1 new match of first')
  assert.equal(mail.headers.from, 'Backtrail <backtrail@here.example>')
  assert.equal(mail.headers['auto-submitted'], 'auto-generated')
  assert.match(mail.headers['content-type'] ?? '', /^text\/plain/)
  assert.match(mail.text, /^first \/ first: [0-9a-f]{64} evil\ufffd <b>name\.exe$/m)
  assert.match(mail.text, /^https:\/\/backtrail\.example\/bt\/$/m)
  assert.match(mail.text, /your channel to me in Backtrail/)
  const [delivery] = await deliveriesOf(channel.id)
  assert.deepEqual([delivery?.state, delivery?.status, delivery?.problem], ['delivered', null, null])
  assert.equal(mail.headers['message-id'], `<${delivery?.message_id}@here.example>`)
})

test('what the mail server does not take is told, and sent again with the same id', async () => {
  const { json: channel } = await add('full@here.example')
  receiver.refuse('full@here.example', 452, 'the mailbox is full')
  const { json: tested } = await server.post(`/api/notifications/channels/${channel.id}/test/`, { as: 'ana' })
  assert.equal(tested.state, 'failed')
  assert.match(tested.problem, /^127\.0\.0\.1 did not take the mail: .*452.*the mailbox is full/)
  await server.upload('first is looked for once more', 'again.exe')
  await receiver.refused('full@here.example', 2)
  receiver.accept('full@here.example')
  const mail = await receiver.mailTo('full@here.example')
  const delivered = (await deliveriesOf(channel.id)).find(({ state }) => state !== 'failed')
  assert.equal(mail.headers['message-id'], `<${delivered?.message_id}@here.example>`)
  assert.ok(delivered?.attempts >= 1)
})

for (const [what, address] of [
  ['no address', 'ana'],
  ['two addresses', 'ana@here.example, ben@here.example'],
  ['a name', 'Ana <ana@here.example>'],
  ['a line of its own', 'ana@here.example\r\nBcc: ben@here.example'],
  ['a domain that is none', 'ana@-here.example'],
  ['a quoted part', '"ana b"@here.example'],
  ['a web address', 'https://here.example'],
] as const) {
  test(`${what} is no address of a mail`, async () => {
    const { status, json } = await add(address)
    assert.equal(status, 400)
    assert.equal(json.error ?? json.code, 'notification.invalid')
  })
}

test('mails go to the domains that the settings allow, and to no other', async () => {
  for (const address of ['ana@HERE.example', 'ana@red.teams.example']) assert.equal((await add(address)).status, 201)
  for (const address of ['ana@elsewhere.example', 'ana@teams.example', 'ana@nothere.example']) {
    const { status, json } = await add(address)
    assert.deepEqual([status, json.error], [400, 'notification.refused'], address)
  }
})

test('a server without a mail server says so', async () => {
  const without = await TestServer.start()
  try {
    const { status, json } = await add('ana@here.example', {}, 'ana', without)
    assert.equal(status, 400)
    assert.match(json.message, /sends no mails.*--mail-server/)
  } finally {
    await without.stop()
  }
})

test('beyond this machine nothing is said before the connection is encrypted by who is believed', async () => {
  const open = { port: receiver.port, user: 'relay', password: 'of the relay', from: 'b@here.example', domains: ['*'] }
  const mail = { to: 'ana@here.example', subject: 's', text: 't', id: 'msg_1' }
  const before = receiver.logIns
  for (const [host, ca] of [
    ['127.0.0.1', null],
    ['localhost', null],
  ] as const) {
    const post = new MailPost({ ...open, host, ca, encryption: 'starttls' })
    await assert.rejects(post.send(mail, AbortSignal.timeout(60_000)), /did not take the mail/)
  }
  assert.equal(receiver.logIns, before)
})
