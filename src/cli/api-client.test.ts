import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { Failure } from '../errors/index.ts'
import { ApiClient, UnreadableFile } from './api-client.ts'

const folder = mkdtempSync(join(tmpdir(), 'backtrail-client-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A server that answers with the handlers in turn, the last one for ever. */
async function serve(t: TestContext, ...handlers: ((request: IncomingMessage, response: ServerResponse) => void)[]) {
  let asked = 0
  const server = createServer((request, response) => {
    handlers[Math.min(asked, handlers.length - 1)]?.(request, response)
    asked += 1
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const client = new ApiClient({
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    token: 'secret',
    pauses: [1, 1, 1],
  })
  return { client, server, asked: () => asked }
}

const answer = (status: number, body: unknown, headers: Record<string, string> = {}) => {
  return (request: IncomingMessage, response: ServerResponse) => {
    request.resume()
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body))
  }
}

const failsWith = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof Failure && error.code === code && message.test(error.message)

test('a request carries the token, the query and the JSON body, and gives the answer', async (t) => {
  const { client } = await serve(t, (request, response) => {
    let body = ''
    request.on('data', (piece) => (body += piece))
    request.on('end', () => {
      const { method, url, headers } = request
      response.end(JSON.stringify({ method, url, token: headers.authorization, type: headers['content-type'], body }))
    })
  })
  assert.deepEqual(await client.request('/api/x/', { method: 'POST', query: { a: 'b c', n: 2 }, json: { k: [1] } }), {
    method: 'POST',
    url: '/api/x/?a=b+c&n=2',
    token: 'Token secret',
    type: 'application/json',
    body: '{"k":[1]}',
  })
})

test('a busy server is asked again, after the pause that it names', async (t) => {
  const { client, asked } = await serve(
    t,
    answer(503, {}, { 'retry-after': '0' }),
    answer(429, {}),
    answer(200, { fine: true }),
  )
  assert.deepEqual(await client.request('/'), { fine: true })
  assert.equal(asked(), 3)
})

test('a server that stays busy, or asks for too much patience, is given up with its own words', async (t) => {
  const busy = await serve(t, answer(503, { message: 'The storage is full.' }))
  await assert.rejects(
    busy.client.request('/api/'),
    failsWith('server.refused', /503 to \/api\/: The storage is full\./),
  )
  assert.equal(busy.asked(), 4)
  const slow = await serve(t, answer(429, {}, { 'retry-after': '3600' }))
  await assert.rejects(slow.client.request('/'), failsWith('server.refused', /429/))
  assert.equal(slow.asked(), 1)
})

test('a refusal is not asked again, and tells status and message', async (t) => {
  const { client, asked } = await serve(t, answer(401, { code: 401, message: 'Core ruleset cannot be updated' }))
  await assert.rejects(client.request('/a/'), failsWith('server.refused', /answered 401 to \/a\/: Core ruleset cannot/))
  assert.equal(asked(), 1)
})

test("a refusal that tells its code comes back as the server's own failure", async (t) => {
  const { client } = await serve(
    t,
    answer(400, { code: 400, error: 'rules.invalid', message: 'No.', detail: { diagnostics: [1] } }),
  )
  await assert.rejects(client.request('/a/'), (error) => {
    assert.ok(error instanceof Failure)
    assert.equal(error.code, 'rules.invalid')
    assert.deepEqual(error.detail, { diagnostics: [1] })
    return /^http:.*: No\.$/.test(error.message)
  })
})

test('an answer without a body is undefined, and JSON lines come one by one', async (t) => {
  const { client } = await serve(
    t,
    (_request, response) => response.writeHead(204).end(),
    (_request, response) => {
      response.write('{"n":1}\n{"n":')
      setImmediate(() => response.end('2,"ü":"ü"}\n'))
    },
  )
  assert.equal(await client.request('/', { method: 'DELETE' }), undefined)
  assert.deepEqual(await Array.fromAsync(client.lines('/')), [{ n: 1 }, { n: 2, ü: 'ü' }])
})

test('an answer that is not from a Backtrail is told as it is', async (t) => {
  const { client } = await serve(t, answer(404, '<h1>Nothing here</h1>'))
  await assert.rejects(client.request('/a/'), failsWith('server.refused', /Nothing here<\/h1> Is this a Backtrail/))
})

test('an address where nothing listens is told at once', async (t) => {
  const { client, server } = await serve(t, answer(200, {}))
  server.close()
  await assert.rejects(client.request('/'), failsWith('server.unreachable', /nothing listens there/))
})

test('a server that hangs up on a request that changes something is not sent it twice', async (t) => {
  const { client, asked } = await serve(t, answer(200, {}), (request) => void request.socket.destroy())
  await client.request('/')
  await assert.rejects(client.request('/', { method: 'POST', json: {} }), failsWith('server.unreachable', /./))
  assert.equal(asked(), 2)
})

test('an upload arrives whole, after an attempt that was cut off too', async (t) => {
  const content = randomBytes(3_000_001)
  const path = join(folder, 'sample')
  writeFileSync(path, content)
  const { client, asked } = await serve(
    t,
    answer(200, {}),
    (request) => request.once('data', () => request.socket.destroy()),
    async (request, response) => {
      const body = await new Response(request as never, {
        headers: request.headers as Record<string, string>,
      }).formData()
      const file = body.get('file') as File
      response.end(
        JSON.stringify({ name: file.name, comment: body.get('comment'), sha256: digest(await file.bytes()) }),
      )
    },
  )
  await client.request('/')
  let hash = createHash('sha256')
  const seen = await client.upload('/api/submit/file/', {
    source: path,
    name: 'a "b"\nc.exe',
    fields: { comment: 'ünï' },
    watch: () => {
      const attempt = createHash('sha256')
      hash = attempt
      return (piece) => void attempt.update(piece)
    },
  })
  assert.deepEqual(seen, { name: 'a "b"\nc.exe', comment: 'ünï', sha256: digest(content) })
  assert.equal(hash.digest('hex'), digest(content))
  assert.equal(asked(), 3)
})

test('a file that became a link, or went, is told as unreadable', async (t) => {
  const { client } = await serve(t, answer(200, {}))
  symlinkSync('/etc/passwd', join(folder, 'link'))
  const send = (name: string) => client.upload('/', { source: join(folder, name), name })
  await assert.rejects(send('link'), (error) => error instanceof UnreadableFile && /symbolic links/.test(error.message))
  await assert.rejects(send('gone'), (error) => error instanceof UnreadableFile && /no such file/.test(error.message))
})

test('an abort ends a request and the pauses between attempts', async (t) => {
  const { client } = await serve(t, answer(503, {}, { 'retry-after': '60' }))
  const abort = new AbortController()
  const request = client.request('/', { signal: abort.signal })
  setImmediate(() => abort.abort())
  await assert.rejects(request, { name: 'AbortError' })
})

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
