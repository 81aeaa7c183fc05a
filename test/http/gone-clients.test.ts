/**
 * Clients that give a request up, or read its answer slowly. The first is nobody's fault and so no error in the log; the
 * second gets everything.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { TestServer } from './harness.ts'

const silenceMs = 3_000
const HITS = 60_000
/** Bytes that a slow reader takes before it pauses. */
const AT_ONCE = 512 * 1024

let server: TestServer
let large: string
let hunt: number
let running: number

before(async () => {
  server = await TestServer.start({ role: 'both' }, undefined, {
    headersMs: 20_000,
    formMs: 20_000,
    silenceMs,
    lingerMs: 1_000,
  })
  await server.appliance.accounts.users.add({
    name: 'acme',
    password: 'a long tenant password',
    role: 'tenant',
    contributes: true,
  })
  large = await server.upload(randomBytes(24_000_000), 'large.bin')
  const ask = async (content: string): Promise<number> =>
    (await server.post('/api/hunts/', { json: { rules: [{ name: 'text', content }] } })).json.id
  hunt = await ask('rule r { condition: true }')
  await server.appliance.adHocHunts.settled(hunt)
  const database = new DatabaseSync(server.databaseFile)
  database
    .prepare(
      `INSERT INTO hunt_hits (hunt_id, sample_id, ruleset, rule, tags, strings)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       SELECT hunt_id, sample_id, ruleset, 'rule_' || i, '[]', '[]' FROM hunt_hits, n WHERE hunt_id = ?`,
    )
    .run(HITS - 1, hunt)
  database.close()
  running = await ask('rule long { condition: for any i in (0..200000000) : ( i < 0 ) }')
})
after(() => server.stop())

interface Ask {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Bytes that the client says it sends. */
  readonly length?: number
}

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'multipart/form-data; boundary=B' }
const filePart = '--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
const tenant = { authorization: `Basic ${Buffer.from('acme:a long tenant password').toString('base64')}` }
const manyStrings = `rule m { strings: ${Array.from({ length: 40 }, (_, n) => `$s${n} = "stringsto${n}" xor`).join(' ')} condition: any of them }`
const slowText = JSON.stringify({
  rules: [
    { name: 'slow', content: 'rule s { condition: for any i in (0..50000000) : ( i < 0 ) }' },
    { name: 'many', content: manyStrings },
  ],
})

function open(path: string, { method = 'GET', headers = {}, body, length }: Ask): ClientRequest {
  const outgoing = httpRequest(server.url + path, {
    method,
    agent: false,
    headers: {
      authorization: `Token ${server.tokens.admin}`,
      ...(body !== undefined && { 'content-length': String(length ?? Buffer.byteLength(body)) }),
      ...headers,
    },
  })
  outgoing.on('error', () => undefined)
  if (body === undefined) outgoing.end()
  else outgoing.write(body)
  return outgoing
}

/** Resolves when a line of the log says so, or with false after a minute. */
async function untilLogged(wanted: (line: Record<string, unknown>) => boolean, from: number): Promise<boolean> {
  const end = Date.now() + 60_000
  while (Date.now() < end) {
    const lines = server.logged().slice(from).split('\n').filter(Boolean)
    if (lines.some((line) => wanted(JSON.parse(line)))) return true
    await pause(20)
  }
  return false
}

type Moment = 'at once' | 'while the server works' | 'in the middle of the answer'

test('a client that gives up at any moment leaves no warning and no error in the log', {
  timeout: 300_000,
}, async () => {
  const cases: readonly [string, Moment, () => string, Ask?][] = [
    ['a download', 'in the middle of the answer', () => `/api/samples/${large}/download/`],
    ['bytes', 'at once', () => `/api/samples/${large}/bytes/?offset=0&length=65536`],
    ['a zip', 'at once', () => `/api/samples/${large}/download/zip/`],
    ['a zip', 'while the server works', () => `/api/samples/${large}/download/zip/`],
    ['a zip', 'in the middle of the answer', () => `/api/samples/${large}/download/zip/`],
    [
      'a zip of a selection',
      'while the server works',
      () => '/api/samples/selection/download/',
      { method: 'POST', headers: json, body: `{"hash_values":["${'HASH'}"]}` },
    ],
    ['an export', 'in the middle of the answer', () => `/api/hunts/${hunt}/export/?format=jsonl`],
    ['an export', 'at once', () => `/api/hunts/${hunt}/export/?format=csv`],
    ['events', 'in the middle of the answer', () => `/api/hunts/${running}/events/`],
    ['events', 'at once', () => `/api/hunts/${running}/events/`],
    ['the entropy', 'while the server works', () => `/api/samples/${large}/entropy/`],
    ['the entropy', 'at once', () => `/api/samples/${large}/entropy/`],
    ['a check', 'at once', () => '/api/check/', { method: 'POST', headers: json, body: '{}' }],
    ['an explanation', 'at once', () => '/api/hunts/explain/', { method: 'POST', headers: json, body: slowText }],
    [
      'an explanation',
      'while the server works',
      () => '/api/hunts/explain/',
      { method: 'POST', headers: json, body: slowText },
    ],
    [
      'an upload',
      'while the server works',
      () => '/api/submit/file/',
      { method: 'POST', headers: form, body: filePart + 'x'.repeat(500_000), length: 9_000_000 },
    ],
    [
      'an upload',
      'at once',
      () => '/api/uploads/',
      { method: 'POST', headers: form, body: '--B\r\nContent-Disp', length: 9_000_000 },
    ],
    [
      'a contribution',
      'while the server works',
      () => `/api/spex/upload/${'0'.repeat(40)}`,
      { method: 'POST', headers: { ...tenant, 'content-type': 'application/octet-stream' }, body: 'x', length: 9_000 },
    ],
    [
      'a body of JSON',
      'while the server works',
      () => '/api/hunts/',
      { method: 'POST', headers: json, body: '{"rules":[', length: 9_000 },
    ],
    [
      'a form',
      'while the server works',
      () => '/api/yara/ruleset/',
      { method: 'POST', headers: form, body: '--B\r\nContent-Dis', length: 9_000 },
    ],
    [
      'a saving',
      'while the server works',
      () => '/api/yara/ruleset/',
      { method: 'POST', headers: json, body: JSON.stringify({ name: 'given_up', content: manyStrings }) },
    ],
  ]
  for (const [what, moment, path, asked = {}] of cases) {
    const from = server.logged().length
    const body = typeof asked.body === 'string' ? asked.body.replace('HASH', large) : asked.body
    const outgoing = open(path(), { ...asked, ...(body !== undefined && { body }) })
    if (moment === 'in the middle of the answer') {
      const incoming = await new Promise<IncomingMessage>((resolve) => outgoing.once('response', resolve))
      await new Promise((resolve) => incoming.once('data', resolve))
      incoming.on('error', () => undefined)
    } else if (moment === 'while the server works') await pause(150)
    else {
      await new Promise((resolve) => outgoing.once('socket', (socket) => socket.once('connect', resolve)))
      await pause(1)
    }
    outgoing.destroy()
    const url = path().split('?')[0]
    const isDone = await untilLogged((line) => line.msg === 'request' && line.path === url, from)
    assert.ok(isDone, `${what}, given up ${moment}, has no end`)
  }
  await server.appliance.intake.idle()
  const lines = server.logged().split('\n').filter(Boolean)
  assert.deepEqual(
    lines.filter((line) => JSON.parse(line).level >= 40),
    [],
  )
  // The saving goes on without the client, and has its entry when it is done.
  const entriesOfSaving = async () => (await server.get('/api/audit/?subject=given_up')).json.results
  const end = Date.now() + 60_000
  while (Date.now() < end && (await entriesOfSaving()).length === 0) await pause(50)
  assert.deepEqual(
    (await entriesOfSaving()).map(({ status, address }: Record<string, unknown>) => [status, address]),
    [[200, '127.0.0.1']],
  )
  const requests = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  assert.deepEqual(
    requests.filter(({ from }) => from !== '127.0.0.1').map(({ path }) => path),
    [],
  )
})

test('a client that reads a large export slowly gets all of it, and a zip that takes its time comes whole', async () => {
  const whole = async (path: string): Promise<Buffer> => {
    const outgoing = open(path, {})
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve).once('error', reject)
    })
    assert.equal(incoming.statusCode, 200)
    const chunks: Buffer[] = []
    let sinceAPause = 0
    for await (const chunk of incoming) {
      chunks.push(chunk)
      sinceAPause += chunk.length
      // Some hundred kilobytes at once: the system asks for more only when there is much room again.
      if (sinceAPause < AT_ONCE) continue
      sinceAPause = 0
      await pause(silenceMs / 12)
    }
    return Buffer.concat(chunks)
  }
  // Several times as long as a connection may be silent.
  const text = (await whole(`/api/hunts/${hunt}/export/?format=jsonl`)).toString()
  assert.equal(text.split('\n').filter(Boolean).length, HITS)
  const zip = await whole(`/api/samples/${large}/download/zip/`)
  assert.ok(zip.length >= 24_000_000, `${zip.length} bytes`)
  // The end of a zip's directory.
  assert.ok(zip.subarray(-22).indexOf('PK\x05\x06') === 0)
})
