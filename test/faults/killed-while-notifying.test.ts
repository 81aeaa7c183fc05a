/** The server is killed between a match and its notification, and while a notification is under way: none is lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertSigned, WebhookReceiver } from '../http/webhook-receiver.ts'
import { demandConsistency, rows } from './data-folder.ts'
import { type Json, KillableServer, until } from './killable-server.ts'

const finds = 'rule wanted { strings: $a = "this is wanted" condition: $a }'
const content = (n: number) => new TextEncoder().encode(`this is wanted, number ${n}`)

test('after a kill each match is notified of, with the id that it had when the server was killed', {
  timeout: 900_000,
}, async (t) => {
  const receiver = await WebhookReceiver.start()
  t.after(() => receiver.stop())
  const server = new KillableServer(t, ['--webhook-networks', '127.0.0.1'])
  await server.start()
  await server.demandRuleset('wanted', finds)
  const added = await server.call('POST', '/api/notifications/channels/', {
    name: 'killed',
    kind: 'webhook',
    address: receiver.url('/killed'),
    events: ['match'],
  })
  assert.equal(added.status, 201, JSON.stringify(added.json))

  // The receiver has the message, and nobody learns that it took it.
  receiver.answer = null
  const first = await server.take(content(1), 'one.exe')
  const [unanswered] = await receiver.of('/killed', 1)
  await server.kill()
  // Taken by a server that sends nothing: matches and their events are there when it is killed.
  receiver.answer = (_, response) => response.writeHead(503).end()
  await server.start()
  const second = await server.take(content(2), 'two.exe')
  await server.untilProcessed([second])
  const events = () => rows(server.data, 'SELECT count(*) AS count FROM notification_events')[0]?.count as number
  const waiting = () =>
    rows(server.data, "SELECT count(*) AS count FROM notification_deliveries WHERE state = 'waiting'")[0]
      ?.count as number
  assert.ok(events() + waiting() >= 2, 'the second match is an event or a message that waits')
  await server.kill()
  receiver.answer = (_, response) => response.end()
  await server.start()
  await until(
    () => waiting() + events() === 0,
    () => `all is delivered; ${waiting()} messages and ${events()} events wait`,
    240_000,
  )
  const ids = new Map<string, Set<string>>()
  for (const received of await receiver.of('/killed', 3)) {
    assertSigned(received, added.json.secret)
    for (const { sample } of received.json.data.matches as Json[]) {
      const known = ids.get(sample.sha256) ?? new Set()
      ids.set(sample.sha256, known.add(String(received.headers['webhook-id'])))
    }
  }
  assert.deepEqual([...ids.keys()].sort(), [first, second].sort())
  for (const [hash, known] of ids) assert.equal(known.size, 1, `${hash} has one id`)
  assert.deepEqual([...(ids.get(first) ?? [])], [unanswered?.headers['webhook-id']])
  await server.stop()
  await demandConsistency(server.data)
})
