import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { CloudClient } from './client.ts'

/** A cloud that cuts every kept connection in the moment when the next question comes on it. */
async function startForgetfulCloud(t: TestContext) {
  const asked: string[] = []
  const answered = new Map<Socket, number>()
  let cuts = 0
  const server = createServer(({ socket, method }, response) => {
    const before = answered.get(socket) ?? 0
    answered.set(socket, before + 1)
    if (before > 0) {
      cuts += 1
      return void socket.resetAndDestroy()
    }
    asked.push(method ?? '')
    response.end(method === 'GET' ? '[]' : '{"ruleset_name":"told_rules"}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = new CloudClient({ url, user: 'ana', password: 'secret', proxy: null, ca: null, timeoutMs: 5_000 })
  t.after(async () => {
    client.close()
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  return { client, asked, cuts: () => cuts }
}

test('a question that meets the end of a kept connection is asked again', async (t) => {
  const { client, asked, cuts } = await startForgetfulCloud(t)
  for (let time = 0; time < 3; time++) assert.equal(await client.count(), 0)
  assert.deepEqual(asked, ['GET', 'GET', 'GET'])
  assert.equal(cuts(), 2, 'no connection was kept')
})

test('what changes something goes over a connection of its own, where no earlier one’s end can cut it', async (t) => {
  const { client, asked, cuts } = await startForgetfulCloud(t)
  await client.count()
  for (let time = 0; time < 3; time++) await client.create('told_rules', 'rule told { condition: true }')
  assert.deepEqual(asked, ['GET', 'POST', 'POST', 'POST'])
  assert.equal(cuts(), 0)
})

/** What a cloud sends before it closes the connection. */
const cut = {
  'by its length': 'content-length: 100\r\n\r\n[]',
  'by its last piece': 'transfer-encoding: chunked\r\n\r\n2\r\n[]\r\n',
}
for (const [how, sent] of Object.entries(cut)) {
  test(`an answer that is not whole ${how} is none, although what came makes sense`, async (t) => {
    const server = createServer(({ socket }) => void socket.end(`HTTP/1.1 200 OK\r\n${sent}`))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const client = new CloudClient({ url, user: 'ana', password: 'secret', proxy: null, ca: null, timeoutMs: 5_000 })
    t.after(async () => {
      client.close()
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    })
    await assert.rejects(client.count(), { code: 'cloud.unreachable' })
  })
}
