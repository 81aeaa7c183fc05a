/** What holds for every request: log-in, ids and logs, proxies, limits, slow clients, TLS, closing, the reference. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Rulesets } from '../../src/rulesets/index.ts'
import { until } from '../faults/killable-server.ts'
import { type Json, passwords, TestServer } from './harness.ts'

let server: TestServer

before(async () => {
  server = await TestServer.start({ loginLimit: 8, trustProxy: ['loopback'] })
})
after(() => server.stop())

async function withServer(
  start: Parameters<typeof TestServer.start>,
  use: (server: TestServer) => Promise<void>,
): Promise<void> {
  const other = await TestServer.start(...start)
  try {
    await use(other)
  } finally {
    await other.stop()
  }
}

/** A connection that is spoken to by hand. `received` grows; `ended` resolves when the server has closed it. */
function dial(url: string): {
  socket: Socket
  received: () => string
  ended: Promise<void>
  until(pattern: RegExp): Promise<void>
} {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
    socket.emit('more')
  })
  socket.on('error', () => {})
  return {
    socket,
    received: () => text,
    ended: new Promise((resolve) => socket.once('close', () => resolve())),
    async until(pattern) {
      while (!pattern.test(text)) await new Promise((resolve) => socket.once('more', resolve))
    },
  }
}

test('a name and a password give a token that works; anything else is 400; too many tries are 429', async () => {
  const logIn = (call: Json) => server.post('/api-token-auth/', { as: null, ...call })
  const { status, json } = await logIn({ form: { username: 'ana', password: passwords.ana } })
  assert.equal(status, 200)
  assert.deepEqual(Object.keys(json), ['token'])
  const own = await server.get('/api/yara/v2/rulesets/', {
    as: null,
    headers: { authorization: `Token ${json.token}` },
  })
  assert.equal(own.status, 200)
  const lower = await server.get('/api/yara/v2/rulesets/', {
    as: null,
    headers: { authorization: `token  ${json.token}` },
  })
  assert.equal(lower.status, 200)
  for (const call of [
    { form: { username: 'ana', password: 'wrong' } },
    { form: { username: 'nobody', password: passwords.ana } },
    { form: { username: 'ana' } },
    { json: {} },
  ]) {
    const refused = await logIn(call)
    assert.equal(refused.status, 400)
    assert.ok(refused.json.message)
  }
  const statuses: number[] = []
  for (let n = 0; n < 6; n++) statuses.push((await logIn({ form: { username: 'ben', password: 'wrong' } })).status)
  assert.equal(statuses.at(-1), 429)
  const throttled = await logIn({ form: { username: 'ben', password: passwords.ben } })
  assert.equal(throttled.status, 429)
  assert.ok(Number(throttled.headers['retry-after']) > 0)
})

test('every answer carries a request id, and the log line with it holds no token, password, query or body', async () => {
  await server.post('/api-token-auth/', { as: null, form: { username: 'ana', password: 'secret-password' } })
  const { headers } = await server.post('/api/yara/ruleset/?token=secret-query', {
    as: 'ana',
    form: { name: 'logged_rules', content: 'rule secret_body { condition: false }' },
  })
  const id = String(headers['x-request-id'])
  assert.match(id, /^[\da-f-]{36}$/)
  const line = server
    .logged()
    .split('\n')
    .find((each) => each.includes(id))
  const { method, path, status, user } = JSON.parse(line ?? '{}')
  assert.deepEqual(
    { method, path, status, user },
    { method: 'POST', path: '/api/yara/ruleset/', status: 200, user: 'ana' },
  )
  for (const secret of [...Object.values(server.tokens), 'secret-password', 'secret-query', 'secret_body']) {
    assert.ok(!server.logged().includes(secret), 'a secret was logged')
  }
})

test('addresses of pages show what the client used: behind a trusted proxy its own, else the Host header', async () => {
  for (let n = 0; n < 3; n++) await server.saveRuleset(`address_${n}`, 'rule r { condition: false }')
  const nextFor = async (headers: Record<string, string>, from = server) =>
    (await from.get('/api/yara/v2/rulesets/?page=1&page_size=1', { headers })).json.next
  const path = '/api/yara/v2/rulesets/?page=2&page_size=1&type=my&status=all&source=all'
  assert.equal(await nextFor({}), server.url + path)
  assert.equal(await nextFor({ host: 'hunt.example.org:8443' }), `http://hunt.example.org:8443${path}`)
  const forwarded = {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'yara.example.org',
    'x-forwarded-prefix': '/backtrail/',
    'x-forwarded-for': '192.0.2.1',
  }
  assert.equal(await nextFor(forwarded), `https://yara.example.org/backtrail${path}`)
  for (const bad of ['javascript:alert(1)', '//evil.example', '/a b', '/<x>']) {
    assert.equal(await nextFor({ ...forwarded, 'x-forwarded-prefix': bad }), `https://yara.example.org${path}`)
  }
  for (const host of ['evil"/>', 'a b', 'x@y', '']) {
    assert.ok((await nextFor({ host })).startsWith(`${server.url}/api/`), host)
  }
  await withServer([{ trustProxy: [] }], async (other) => {
    for (let n = 0; n < 2; n++) await other.saveRuleset(`address_${n}`, 'rule r { condition: false }')
    assert.ok((await nextFor(forwarded, other)).startsWith(`${other.url}/api/`))
  })
})

test('one address may make only so many requests in a minute', async () => {
  await withServer([{ rateLimit: 5 }], async (limited) => {
    const statuses: number[] = []
    for (let n = 0; n < 7; n++) statuses.push((await limited.get('/api/yara/v2/rulesets/')).status)
    assert.deepEqual(statuses, [200, 200, 200, 200, 200, 429, 429])
    const refused = await limited.get('/api/yara/v2/rulesets/')
    assert.ok(refused.json.message)
    assert.ok(Number(refused.headers['retry-after']) > 0)
  })
})

test('clients that send slowly are cut off, with a message where they can read one', { timeout: 60_000 }, async () => {
  // Nobody waits for the silence.
  const times = { headersMs: 300, formMs: 300, silenceMs: 3_600_000, lingerMs: 300 }
  await withServer([{}, undefined, times], async (strict) => {
    const post = (length: number, token = strict.tokens.admin) =>
      `POST /api/yara/ruleset/ HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${token}\r\n` +
      `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${length}\r\n\r\n`

    const headers = dial(strict.url)
    headers.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Never-Ends: ')
    await headers.ended
    assert.match(headers.received(), /^HTTP\/1\.1 408 [\s\S]*"error":"request\.timeout"/)

    const form = dial(strict.url)
    form.socket.write(`${post(1000)}name=never_ends`)
    await form.until(/\}$/)
    await form.ended
    assert.match(form.received(), /^HTTP\/1\.1 408 [\s\S]*"error":"request\.timeout"/)

    const refused = dial(strict.url)
    refused.socket.write(`${post(1000, 'wrong')}name=refused_early`)
    await refused.ended
    assert.match(refused.received(), /^HTTP\/1\.1 403 [\s\S]*"message":"Invalid token\."/)
  })
})

test('a refused upload is answered before its body has come, and what comes is thrown away', async () => {
  const client = dial(server.url)
  client.socket.write(
    'POST /api/submit/file/ HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=X\r\nContent-Length: 3000000\r\n\r\n',
  )
  await client.until(/"message"/)
  assert.match(client.received(), /^HTTP\/1\.1 403 /)
  client.socket.write(Buffer.alloc(3_000_000))
  client.socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  await client.ended
  assert.match(client.received(), /HTTP\/1\.1 200 [\s\S]*"status":"ok"/)
})

test('who has a large body refused gets the answer, also with a connection that is to be closed behind it', async () => {
  const body = Buffer.alloc(20_000_000, '[')
  for (const wanted of ['close', 'keep-alive']) {
    const outgoing = request(`${server.url}/api/yara/ruleset/enable/`, {
      method: 'POST',
      headers: {
        authorization: `Token ${server.tokens.admin}`,
        'content-type': 'application/json',
        'content-length': body.length,
        connection: wanted,
      },
    })
    outgoing.end(body)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    let text = ''
    for await (const piece of answer) text += piece
    assert.equal(answer.statusCode, 413)
    assert.match(text, /larger than this appliance accepts/)
  }
})

test('closing takes nothing new, lets what is under way end, and cuts what does not in time', async () => {
  const gate = Promise.withResolvers<void>()
  const entered = Promise.withResolvers<void>()
  let inside = 0
  const held = (rulesets: Rulesets): Rulesets =>
    Object.assign(Object.create(rulesets), {
      content: async (name: string) => {
        if (++inside === 2) entered.resolve()
        await (name === 'for_ever' ? new Promise(() => {}) : gate.promise)
        return 'the content'
      },
    })
  await withServer([{ shutdownGrace: 400 }, ({ rulesets }) => ({ rulesets: held(rulesets) })], async (closing) => {
    const ask = (name: string) =>
      `GET /api/yara/ruleset/content/?name=${name} HTTP/1.1\r\nHost: x\r\nAuthorization: Token ${closing.tokens.admin}\r\n\r\n`
    const [slow, stuck] = [dial(closing.url), dial(closing.url)]
    slow.socket.write(ask('slow_one'))
    stuck.socket.write(ask('for_ever'))
    await entered.promise
    const closed = closing.app.close()
    while (closing.app.server.listening) await new Promise(setImmediate)
    await assert.rejects(closing.get('/healthz'), { code: 'ECONNREFUSED' })
    gate.resolve()
    await slow.ended
    assert.match(slow.received(), /^HTTP\/1\.1 200 [\s\S]*Connection: close[\s\S]*the content/i)
    await closed
    await stuck.ended
    assert.equal(stuck.received(), '')
  })
})

test('a hunt that is followed while the server stops is not told to have ended: it goes on after the next start', async () => {
  const other = await TestServer.start()
  await other.upload('some sample', 'sample.txt')
  const slow = 'rule slow { condition: for all i in (0..100000000) : ( i >= 0 ) }'
  const { json: hunt } = await other.post('/api/hunts/', { json: { rules: [{ name: 'slow', content: slow }] } })
  const followed = await fetch(`${other.url}/api/hunts/${hunt.id}/events/`, {
    headers: { authorization: `Token ${other.tokens.admin}` },
  })
  const reader = followed.body?.pipeThrough(new TextDecoderStream()).getReader()
  assert.ok(reader)
  const first = await reader.read()
  assert.match(first.value ?? '', /^event: progress\n/)
  const stopped = other.stop()
  let rest = ''
  for (let next = await reader.read(); !next.done; next = await reader.read()) rest += next.value
  await stopped
  assert.doesNotMatch(rest, /^event: end$/m)
})

test('with a key and a certificate the server speaks TLS', {
  skip: spawnSync('openssl', ['version']).status !== 0 && 'openssl is not installed',
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-tls-'))
  const [tlsKey, tlsCert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '1',
    '-subj',
    '/CN=localhost',
    '-keyout',
    tlsKey,
    '-out',
    tlsCert,
  ])
  assert.equal(made.status, 0, String(made.stderr))
  await withServer([{ tlsKey, tlsCert }], async (secure) => {
    const body = await new Promise<string>((resolve, reject) => {
      const path = `${secure.url}/api/yara/v2/rulesets/`
      httpsRequest(
        path,
        { rejectUnauthorized: false, agent: false, headers: { authorization: `Token ${secure.tokens.admin}` } },
        async (answer) => {
          resolve(String(Buffer.concat(await answer.toArray())))
        },
      )
        .on('error', reject)
        .end()
    })
    assert.equal(JSON.parse(body).count, 0)
  })
  rmSync(folder, { recursive: true })
})

test('the OpenAPI document and its page are open, name every endpoint of the specification, and ask nobody else', async () => {
  const { json } = await server.get('/api/openapi.json', { as: null, isDocumented: false })
  assert.equal(json.openapi, '3.1.0')
  for (const [path, methods] of Object.entries({
    '/api/yara/v2/rulesets/': ['get'],
    '/api/yara/ruleset/content/': ['get'],
    '/api/yara/v2/ruleset/matches/': ['get'],
    '/api/yara/ruleset/': ['post', 'delete'],
    '/api/yara/ruleset/enable/': ['post'],
    '/api/yara/ruleset/disable/': ['post'],
    '/api/yara/ticloud/time/': ['get', 'post'],
    '/api/uploads/local-retro-hunt/': ['get', 'post'],
    '/api/yara/ruleset/{ruleset_name}/cloud-retro-hunt/': ['get', 'post'],
  })) {
    assert.deepEqual(Object.keys(json.paths[path] ?? {}).sort(), [...methods].sort(), path)
  }
  const page = await server.get('/api/docs/', { as: null, isDocumented: false })
  assert.equal(page.status, 200)
  const policy = String(page.headers['content-security-policy'])
  assert.match(policy, /default-src 'self'/)
  assert.doesNotMatch(policy, /https?:|upgrade-insecure-requests/)
  const parts = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address ?? '')
  assert.ok(parts.length >= 4)
  for (const address of parts) {
    assert.match(address, /^\.\/static\//)
    assert.equal(
      (await server.get(`/api/docs/${address.slice(2)}`, { as: null, isDocumented: false })).status,
      200,
      address,
    )
  }
})

test('metrics count requests by route and what the services hold, each server its own', async () => {
  await server.upload('a sample to be counted', 'counted.txt')
  await server.get('/api/samples/v3/00000000000000000000000000000000/classification/')
  const { text, headers, status } = await server.get('/metrics', { as: null })
  assert.equal(status, 200)
  assert.match(String(headers['content-type']), /^text\/plain/)
  assert.match(text, /^backtrail_samples\{classification="unknown"\} 1$/m)
  assert.match(text, /^backtrail_sample_bytes 22$/m)
  assert.match(text, /^backtrail_intake_samples\{state="queued"\} 0$/m)
  assert.match(text, /^backtrail_worker_restarts_total\{cause="timeout"\} 0$/m)
  assert.match(text, /^backtrail_tasks_total\{outcome="done"\} [1-9]/m)
  assert.match(text, /route="\/api\/samples\/v3\/:hash\/classification\/",status="404"\} 1$/m)
  assert.doesNotMatch(text, /0{32}/)
  const rules = [{ name: 'asks', content: 'rule a { strings: $ = "to be counted" condition: any of them }' }]
  const { json: asked } = await server.post('/api/hunts/', { json: { rules } })
  const stateOf = async () => (await server.get(`/api/hunts/${asked.id}/`)).json.state
  await until(
    async () => (await stateOf()) === 'completed',
    () => 'the hunt is over',
  )
  const { text: used } = await server.get('/metrics', { as: null })
  for (const name of ['segments', 'reads', 'read_bytes', 'processor_seconds'])
    assert.match(used, new RegExp(`^backtrail_index_${name}_total (?!0$)\\d`, 'm'))
  const hunts = async () =>
    /^backtrail_ad_hoc_hunts (\d+)$/m.exec((await server.get('/metrics', { as: null })).text)?.[1]
  const content =
    'rule slow { strings: $ = "counted" condition: any of them and for all i in (0..9000000000) : (i >= 0) }'
  const { json: hunt } = await server.post('/api/hunts/', { json: { rules: [{ name: 'endless', content }] } })
  assert.equal(await hunts(), '1')
  await server.delete(`/api/hunts/${hunt.id}/`)
  assert.equal(await hunts(), '0')
  await withServer([{}], async (other) => {
    assert.match((await other.get('/metrics', { as: null })).text, /^backtrail_samples\{classification="unknown"\} 0$/m)
  })
})
