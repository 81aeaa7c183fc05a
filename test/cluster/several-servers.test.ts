/**
 * Several servers on one database and one object store: one works, the others pass on what they are asked, and one of them
 * takes over. Real processes and a real PostgreSQL; objects are in memory, since they are not what this is about.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import {
  Agent,
  createServer,
  type IncomingMessage,
  type Server as Listening,
  type RequestListener,
  request,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import pg from 'pg'
import { pino } from 'pino'
import { standBy } from '../../src/appliance/index.ts'
import { type ForwardTarget, StandingByServer } from '../../src/http/index.ts'
import { readSettings } from '../../src/settings/index.ts'
import { DatabaseHealth, openPostgresTables } from '../../src/store/index.ts'
import { newDatabase, noServer as skip } from '../../src/store/postgres/server.fixture.ts'
import { ObjectServer } from '../../src/store/s3/object-server.fixture.ts'
import { backtrailTo, binary, folderWith, type Server, startServer } from '../cli/running.ts'
import { type Json, sha1 } from '../http/harness.ts'
import { until } from './client.ts'

// Servers outlive the tests that start them.
const ends: (() => unknown)[] = []
after(() => Promise.all(ends.map((end) => end())))
const file = { after: (end: () => unknown) => void ends.push(end) } as unknown as TestContext
const token = 'token-of-the-first-administrator-0123456789'
const keys = { AWS_ACCESS_KEY_ID: 'some', AWS_SECRET_ACCESS_KEY: 'secret' }
Object.assign(process.env, keys)

const cluster = skip ? null : { database: await newDatabase(), objects: await ObjectServer.start(file) }
const flags = () => [
  ...['--database', cluster?.database ?? '', '--store', 's3://bucket/prefix', '--store-path-style', 'on'],
  ...['--store-endpoint', cluster?.objects.settings().endpoint ?? ''],
]
const start = (...more: readonly string[]): Promise<Server> =>
  startServer(file, ['--data', join(folderWith(file), 'data'), ...flags(), ...more], {
    env: { ...keys, BACKTRAIL_ADMIN_TOKEN: token },
  })

interface Asked {
  readonly by?: string
  readonly json?: object
  readonly body?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Of this machine, that the connection comes from. */
  readonly from?: string
}

/** Asks once, by a connection of its own. */
function ask(of: Server, method: string, path: string, { by = token, json, body, headers, from }: Asked = {}) {
  return new Promise<{ readonly status: number; readonly text: string; readonly json: Json }>((resolve, reject) => {
    const sent = json === undefined ? body : JSON.stringify(json)
    const outgoing = request(of.url + path, {
      method,
      agent: false,
      ...(from && { localAddress: from }),
      headers: {
        authorization: `Token ${by}`,
        ...(json && { 'content-type': 'application/json' }),
        ...(sent !== undefined && { 'content-length': Buffer.byteLength(sent) }),
        ...headers,
      },
    })
    outgoing.on('error', reject)
    outgoing.on('response', (incoming) => {
      let text = ''
      incoming.setEncoding('utf8').on('data', (piece) => (text += piece))
      incoming.on('error', reject)
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          text,
          get json() {
            return JSON.parse(text)
          },
        }),
      )
    })
    outgoing.end(sent)
  })
}

const works = (server: Server) => () => /ready at/.test(server.stdout())
const standsBy = (server: Server) => /stands by at/.test(server.stdout()) && !/ready at/.test(server.stdout())

/** The ids of its processes. */
function childrenOf({ child }: Server): readonly string[] {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
  return children.split(' ').filter(Boolean)
}

async function upload(to: Server, content: string): Promise<void> {
  const multipart = new FormData()
  multipart.append('file', new Blob([content]), 'sample.txt')
  const headers = { authorization: `Token ${token}` }
  const { status } = await fetch(`${to.url}/api/submit/file/`, { method: 'POST', body: multipart, headers })
  assert.equal(status, 201)
}

const rule = (name: string) => `rule ${name} { strings: $a = "${name} here" condition: $a }`
const matchesOf = async (name: string, by: Server): Promise<string[]> =>
  (await ask(by, 'GET', `/api/yara/v2/ruleset/matches/?name=${name}`)).json.results.map((match: Json) => match.sha1)

async function saveRuleset(name: string, by: Server): Promise<void> {
  const form = new URLSearchParams({ name, content: rule(name) })
  const headers = { authorization: `Token ${token}` }
  const { status } = await fetch(`${by.url}/api/yara/ruleset/`, { method: 'POST', body: form, headers })
  assert.equal(status, 200)
}

const servers = cluster && {
  first: await start(),
  second: await start(),
  passing: await start('--workers', '0'),
}
let { first, second, passing } = servers ?? ({} as Record<'first' | 'second' | 'passing', Server>)

test('the second server stands by, and says so', { skip }, async () => {
  assert.ok(works(first)())
  assert.ok(standsBy(second))
  assert.ok(standsBy(passing))
  assert.deepEqual((await ask(first, 'GET', '/healthz')).json, { status: 'ok' })
  await until(async () => (await ask(second, 'GET', '/healthz')).status === 200, 'it knows who works')
  assert.deepEqual((await ask(second, 'GET', '/healthz')).json, { status: 'stand-by' })
})

test('administrators see which server works and which stand by', { skip }, async () => {
  const { servers } = (await ask(passing, 'GET', '/api/cluster/')).json
  assert.deepEqual(
    servers.map(({ role, url }: Json) => [role, url]),
    [
      ['works', first.url],
      ['stands by', second.url],
      ['passes on', passing.url],
    ],
  )
  const { text } = await ask(passing, 'GET', '/metrics')
  assert.deepEqual(
    [...text.matchAll(/^backtrail_servers\{role="([^"]+)"\} (\d+)$/gm)].map(([, role, count]) => `${role} ${count}`),
    ['works 1', 'stands by 1', 'passes on 1', 'gone 0'],
  )
  const { stdout } = await backtrailTo(0, ['cluster', 'status', ...flags().slice(0, 4)])
  assert.match(
    stdout,
    new RegExp(`works .*${first.url}\\n.* stands by .*${second.url}\\n.* passes on .*${passing.url}`),
  )
})

test('whatever is asked of any server is answered by the cluster', { skip }, async () => {
  await saveRuleset('quince', second)
  await upload(passing, 'a quince here')
  await until(async () => (await matchesOf('quince', first)).length > 0, 'the sample is matched')
  assert.deepEqual(await matchesOf('quince', second), [sha1('a quince here')])
  assert.equal((await ask(second, 'HEAD', '/api/users/me/')).status, 200)
  assert.equal((await ask(second, 'GET', '/api/users/me/', { by: 'none' })).status, 403)
  assert.match((await ask(second, 'GET', '/')).text, /<!doctype html>/i)
  assert.equal((await ask(second, 'POST', '/api/users/', { json: { name: 'x y' } })).status, 400)
})

test('a token that is revoked on one server is refused by all at once', { skip }, async () => {
  const made = await ask(first, 'POST', '/api/users/admin/tokens/', { json: { label: 'revoked' } })
  const { token: by, id } = made.json
  for (const each of [first, second, passing])
    assert.equal((await ask(each, 'GET', '/api/users/me/', { by })).status, 200)
  assert.equal((await ask(second, 'DELETE', `/api/users/admin/tokens/${id}/`)).status, 204)
  for (const each of [first, second, passing])
    assert.equal((await ask(each, 'GET', '/api/users/me/', { by })).status, 403)
})

test('events of a hunt that was started on one server are followed on another', { skip }, async () => {
  const texts = [{ name: 'hunt', content: rule('quince') }]
  const { id } = (await ask(first, 'POST', '/api/hunts/', { json: { rules: texts } })).json
  const { text } = await ask(passing, 'GET', `/api/hunts/${id}/events/`)
  assert.match(text, new RegExp(sha1('a quince here')))
  assert.match(text, /event: end|"completed"/)
})

test('the server that works sees the client of the one that was asked, and believes nobody else who says so', {
  skip,
}, async () => {
  const from = '127.0.0.9'
  const made = await ask(second, 'POST', '/api/users/admin/tokens/', { json: { label: 'audited' }, from })
  assert.equal(made.status, 201)
  const { results } = (await ask(first, 'GET', '/api/audit/')).json
  assert.equal(results[0].address, from)
  const forged = { 'x-backtrail-forwarded': `10.0.0.1 ${'0'.repeat(64)}` }
  assert.equal((await ask(first, 'GET', '/api/users/me/', { headers: forged })).status, 503)
  assert.equal((await ask(second, 'GET', '/api/users/me/', { headers: forged })).status, 503)
})

test('a client that sends what is no request, or too large a one, hears it from a server that stands by too', {
  skip,
}, async () => {
  const { port } = new URL(second.url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.end('nonsense\r\n\r\n')
  let answer = ''
  for await (const piece of socket.setEncoding('utf8')) answer += piece
  assert.match(answer, /^HTTP\/1\.1 400 /)
  const large = { body: 'x'.repeat(3 << 20), headers: { 'content-type': 'application/json' } }
  assert.equal((await ask(second, 'POST', '/api/users/', large)).status, 413)
})

test('when the server that works is killed another one takes over, and no question goes without its answer', {
  skip,
}, async (t) => {
  await upload(first, 'before the kill: a medlar here')
  const statuses: number[] = []
  let isAsking = true
  const asking = [second, passing].map(async (server) => {
    while (isAsking) statuses.push((await ask(server, 'GET', '/api/users/me/')).status)
  })
  await until(() => statuses.length > 10, 'questions are asked')
  await until(() => childrenOf(second).length >= 2, 'those of a server that stands by run already')
  const workers = childrenOf(second)
  assert.deepEqual(childrenOf(passing), [])
  const begin = performance.now()
  await first.stop('SIGKILL')
  await saveRuleset('medlar', passing)
  t.diagnostic(`a ruleset was saved ${Math.round(performance.now() - begin)} ms after the kill`)
  await until(works(second), 'the second one works')
  assert.deepEqual(
    workers.filter((pid) => !childrenOf(second).includes(pid)),
    [],
    'it works with them',
  )
  isAsking = false
  await Promise.all(asking)
  assert.deepEqual([...new Set(statuses)], [200])
  assert.ok(standsBy(passing), 'one without workers takes nothing over')
  await upload(passing, 'after the kill: a medlar here')
  await until(async () => (await matchesOf('medlar', passing)).length > 0, 'the new one matches')
  assert.equal(
    (
      await ask(second, 'POST', '/api/uploads/local-retro-hunt/', {
        body: 'operation=START',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
    ).status,
    200,
  )
  await until(async () => (await matchesOf('medlar', second)).length === 2, 'what was acknowledged before is there')
})

test('a server that has only lost its session, as when PostgreSQL starts anew, goes on', { skip }, async (t) => {
  first = await start()
  assert.ok(standsBy(first))
  const client = new pg.Client(cluster?.database)
  await client.connect()
  t.after(() => client.end())
  const holder = async () => {
    const { rows } = await client.query(
      "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 1",
    )
    return rows[0]?.pid
  }
  const before = await holder()
  await client.query('SELECT pg_terminate_backend($1)', [before])
  // One that stands by may have it for a moment, to look.
  let [latest, looks] = [before, 0]
  await until(async () => {
    const now = await holder()
    looks = now !== undefined && now !== before && now === latest ? looks + 1 : 0
    latest = now
    return looks === 40
  }, 'somebody has the lock for long')
  await saveRuleset('sloe', passing)
  assert.doesNotMatch(first.stderr(), /takes over/)
  assert.ok(standsBy(first))
})

test('a server that stands by goes on when the one that works is asked to stop', { skip }, async () => {
  const [code, saved] = await Promise.all([second.stop('SIGTERM'), saveRuleset('loganberry', passing)])
  assert.equal(code, 0)
  assert.equal(saved, undefined)
  await until(works(first), 'the next one works')
  const rulesets = (await ask(passing, 'GET', '/api/yara/v2/ruleset/matches/?name=loganberry')).status
  assert.equal(rulesets, 200)
})

test('a server with settings of no use is refused when it comes, not when it is to take over', { skip }, async () => {
  const manager = ['--manager-url', 'https://127.0.0.1:1', '--manager-key', 'none']
  const { stderr } = await backtrailTo(
    3,
    ['serve', '--port', '0', '--data', join(folderWith(file), 'data'), ...flags(), ...manager],
    { env: { ...keys, BACKTRAIL_MANAGER_TOKEN: 'some' } },
  )
  assert.match(stderr, /--manager-key/)
})

test('a server that cannot begin to work ends, and leaves the database to others', { skip }, async (t) => {
  const unfit = await start()
  const client = new pg.Client(cluster?.database)
  await client.connect()
  t.after(() => client.end())
  await client.query('INSERT INTO backtrail.schema_steps (number) VALUES (4711)')
  try {
    assert.ok(standsBy(unfit))
    await first.stop('SIGKILL')
    await until(() => unfit.child.exitCode !== null, 'it ends')
    assert.match(unfit.stderr(), /newer Backtrail \(schema 4711/)
  } finally {
    await client.query('DELETE FROM backtrail.schema_steps WHERE number = 4711')
  }
  first = await start()
  assert.ok(works(first)())
})

test('a server that is stopped in its tracks loses the database, and ends when it goes on', {
  skip,
  timeout: 60_000,
}, async (t) => {
  const place = {
    ...{ data: join(folderWith(t), 'data'), database: cluster?.database ?? '', store: 's3://bucket/prefix' },
    ...{ storeEndpoint: cluster?.objects.settings().endpoint ?? '', storePathStyle: 'on' },
  }
  let logged = ''
  const write = (line: string) => {
    logged += line
  }
  const log = pino({}, { write })
  const standby = await standBy(readSettings(place, {}), log, { silentMs: 2_500 })
  assert.ok('turn' in standby)
  ends.push(() => standby.close())
  await until(() => standby.active !== null, 'it knows who works')
  // Of another machine 127.0.0.1 would be this one.
  const client = new pg.Client(cluster?.database)
  await client.connect()
  t.after(() => client.end())
  const { rows } = await client.query(
    `SELECT id, name FROM backtrail.servers WHERE term = (SELECT value FROM backtrail.settings WHERE key = 'server-term')`,
  )
  const rename = (name: string) =>
    client.query('UPDATE backtrail.servers SET name = $1 WHERE id = $2', [name, rows[0].id])
  await rename('elsewhere')
  await until(() => standby.active === null, 'it does not ask itself')
  assert.match(logged, /listens only for its own machine.*--host 0\.0\.0\.0/)
  await rename(rows[0].name)
  await until(() => standby.active !== null, 'it knows who works again')
  first.child.kill('SIGSTOP')
  const begin = performance.now()
  const { lock, release } = await standby.turn
  t.diagnostic(`another one had its database after ${Math.round(performance.now() - begin)} ms`)
  const { store } = await openPostgresTables(place.database, new DatabaseHealth(), lock.term)
  const ended = once(first.child, 'close')
  first.child.kill('SIGCONT')
  assert.deepEqual((await ended)[0], 4)
  assert.match(first.stderr(), /another server has worked on it meanwhile/)
  await store.close()
  await release()
})

test('a server that is stopped while it begins loses the database as well', { skip, timeout: 60_000 }, async (t) => {
  const client = new pg.Client(cluster?.database)
  await client.connect()
  t.after(() => client.end())
  // It has the lock, and cannot go on.
  await client.query('BEGIN')
  await client.query('LOCK TABLE backtrail.revisions IN ACCESS EXCLUSIVE MODE')
  const data = join(folderWith(t), 'data')
  const child = spawn(binary, ['serve', '--port', '0', '--data', data, ...flags()], {
    env: { ...process.env, ...keys, BACKTRAIL_WORKERS: '1' },
    stdio: 'ignore',
  })
  const ended = once(child, 'close')
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const active = `SELECT url FROM backtrail.servers WHERE term = (SELECT value FROM backtrail.settings WHERE key = 'server-term')`
  await until(async () => (await client.query(active)).rows[0]?.url === '', 'it is listed, without an address yet')
  const log = pino({ level: 'silent' })
  const place = {
    ...{ data: join(folderWith(t), 'data'), database: cluster?.database ?? '', store: 's3://bucket/prefix' },
    ...{ storeEndpoint: cluster?.objects.settings().endpoint ?? '', storePathStyle: 'on' },
  }
  const standby = await standBy(readSettings(place, {}), log, { silentMs: 2_500 })
  assert.ok('turn' in standby)
  t.after(() => standby.close())
  assert.equal(standby.active, null, 'nothing can be passed on to it')
  child.kill('SIGSTOP')
  const { release } = await standby.turn
  await release()
})

/** Listens on a free port of this machine. */
async function listening(t: TestContext, server: Listening): Promise<string> {
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A server that stands by in this process; those that work are of the test. */
async function frontOf(t: TestContext, target: () => ForwardTarget) {
  const settings = { tlsKey: '', tlsCert: '', basePath: '', shutdownGrace: 0 }
  const log = pino({ level: 'silent' })
  const front = new StandingByServer({ settings, log, target, isConnected: () => true, waitMs: 1_000 })
  t.after(() => front.close(0))
  await front.listen('127.0.0.1', 0)
  const { port } = front.server.address() as AddressInfo
  return { front, port, url: `http://127.0.0.1:${port}` } as const
}

const plain = async (t: TestContext, term: string, answer: RequestListener): Promise<ForwardTarget> => ({
  ...{ url: `http://${await listening(t, createServer(answer))}`, certificate: '', term },
})

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  let body = ''
  for await (const piece of incoming.setEncoding('latin1')) body += piece
  return body
}

test('what is under way with a server that hangs ends when another one works', { timeout: 60_000 }, async (t) => {
  let received = 0
  const hanging = await plain(t, 'first', (incoming, response) => {
    received++
    if (incoming.url === '/events') response.write('event: one')
  })
  const working = await plain(t, 'second', (_incoming, response) => response.end('answered'))
  let target = hanging
  const { url } = await frontOf(t, () => target)
  const events = await fetch(`${url}/events`)
  const question = fetch(url)
  const order = fetch(url, { method: 'POST', body: 'do it' })
  await until(() => received === 3, 'all were received')
  target = working
  await assert.rejects(events.text())
  assert.equal(await (await question).text(), 'answered')
  assert.equal((await order).status, 503)
  assert.match(await (await order).text(), /whether it was done is not known/)
})

test('a request is passed on whole, whatever it says of its connection', async (t) => {
  const received: unknown[] = []
  const target = await plain(t, 'term', async (incoming, response) => {
    received.push([incoming.headers['x-forwarded-for'], incoming.headers['x-own'], await bodyOf(incoming)])
    response.end()
  })
  const { port } = await frontOf(t, () => target)
  const socket = connect(port, '127.0.0.1')
  const named = 'content-length, transfer-encoding, host, x-forwarded-for, x-own, close'
  socket.write(
    `GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.1\r\nX-Own: 1\r\nConnection: ${named}\r\n` +
      'Content-Length: 4\r\n\r\nGET ',
  )
  let answer = ''
  for await (const piece of socket.setEncoding('latin1')) answer += piece
  assert.match(answer, /^HTTP\/1\.1 200 /)
  assert.deepEqual(received, [['10.0.0.1', undefined, 'GET ']])
})

test('who sends on after the answer has it, also on a connection that is closed then', {
  timeout: 60_000,
}, async (t) => {
  const target = await plain(t, 'term', (_incoming, response) => response.writeHead(413).end('too large'))
  const { port } = await frontOf(t, () => target)
  for (const header of ['', 'x-backtrail-forwarded: none\r\n']) {
    const socket = connect(port, '127.0.0.1').setEncoding('latin1')
    const whole = 8 << 20
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}Content-Length: ${whole}\r\n\r\nx`)
    const [answer] = await once(socket, 'data')
    assert.match(answer, header === '' ? /^HTTP\/1\.1 413 / : /^HTTP\/1\.1 503 /)
    const ended = once(socket.resume(), 'end')
    socket.write('x'.repeat(whole - 1))
    await ended
    assert.ok(socket.bytesWritten > whole)
  }
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /healthz HTTP/1.0\r\n\r\n')
  let answer = ''
  for await (const piece of socket.setEncoding('latin1')) answer += piece
  assert.match(answer, /^HTTP\/1\.1 200 /)
})

test('a server that stands by ends as soon as all is answered, though clients keep their connections', {
  timeout: 60_000,
}, async (t) => {
  const { promise: asked, resolve } = Promise.withResolvers<() => void>()
  const target = await plain(t, 'term', (_incoming, response) => {
    response.write('begun')
    resolve(() => response.end())
  })
  const { front, url } = await frontOf(t, () => target)
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const outgoing = request(url, { agent }).end()
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
  let isClosed = false
  const closing = front.close(600_000).then(() => {
    isClosed = true
  })
  const answer = await asked
  answer()
  assert.equal(await bodyOf(incoming), 'begun')
  await until(() => isClosed, 'it has ended')
  await closing
})

test('a server is known by its certificate, and by no other of the same authority', {
  skip: spawnSync('openssl', ['version']).status !== 0 && 'openssl is not installed',
}, async (t) => {
  const folder = folderWith(t, { extensions: 'basicConstraints=CA:FALSE' })
  const openssl = (...parameters: string[]) => {
    const { status, stderr } = spawnSync('openssl', parameters, { cwd: folder, encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=authority')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const [one, other] = ['one', 'other'].map((name, serial) => {
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', '/CN=server')
    const signed = ['-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', `${serial + 1}`]
    openssl('x509', ...signed, '-days', '2', '-extfile', 'extensions', '-out', `${name}.pem`)
    return { key: read(`${name}.key`), cert: read(`${name}.pem`) + read('ca.pem') }
  })
  assert.ok(one && other)
  const url = `https://${await listening(
    t,
    createTlsServer(one, (_incoming, response) => response.end('answered')),
  )}`
  let certificate = one.cert
  const front = await frontOf(t, () => ({ url, certificate, term: 'term' }))
  assert.equal(await (await fetch(front.url)).text(), 'answered')
  certificate = other.cert
  assert.equal((await fetch(front.url)).status, 503)
})
