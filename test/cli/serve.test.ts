import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../free-port.ts'
import { until } from '../until.ts'
import { backtrailTo, folderWith, startServer } from './running.ts'

const asking = (url: string, token: string) =>
  fetch(`${url}/api/yara/v2/rulesets/`, { headers: { authorization: `Token ${token}` } })

test('the first start prints address, user, password and token once, and they work', async (t) => {
  const data = join(folderWith(t), 'data')
  const first = await startServer(t, ['--data', data])
  const [, user, password, token = ''] =
    /user +(\S+)\n +password +(\S+)\n +API token +(\S+)\n/.exec(first.stdout()) ?? assert.fail(first.stdout())
  assert.equal(user, 'admin')
  assert.equal((await asking(first.url, token)).status, 200)
  const logIn = await fetch(`${first.url}/api-token-auth/`, {
    method: 'POST',
    body: new URLSearchParams({ username: 'admin', password: password ?? '' }),
  })
  assert.equal(logIn.status, 200)
  assert.equal(await first.stop(), 0)
  assert.ok(!first.stderr().includes(token) && !first.stderr().includes(password ?? ''), 'a secret is in the log')

  const second = await startServer(t, ['--data', data])
  assert.equal(second.stdout(), `Backtrail is ready at ${second.url}\n`)
  assert.equal((await asking(second.url, token)).status, 200)
  assert.equal(await second.stop('SIGINT'), 0)
})

test('BACKTRAIL_ADMIN_TOKEN chooses the first token, and is printed nowhere', async (t) => {
  const env = { BACKTRAIL_ADMIN_TOKEN: 'chosen-by-the-script' }
  const server = await startServer(t, ['--data', join(folderWith(t), 'data')], { env })
  assert.match(server.stdout(), /API token +the one in BACKTRAIL_ADMIN_TOKEN\n/)
  assert.equal((await asking(server.url, 'chosen-by-the-script')).status, 200)
  assert.equal(await server.stop(), 0)
  assert.ok(!`${server.stdout()}${server.stderr()}`.includes('chosen-by-the-script'))
})

test('whoever finds the server healthy finds the administrator\u2019s token working', async (t) => {
  const port = await freePort()
  const env = { BACKTRAIL_ADMIN_TOKEN: 'chosen-by-the-script' }
  const url = `http://127.0.0.1:${port}`
  const starting = startServer(t, ['--data', join(folderWith(t), 'data'), '--port', String(port)], { env })
  let first = 0
  for (let tries = 0; first === 0; tries += 1) {
    assert.ok(tries < 20_000, 'it did not get healthy')
    const healthy = await fetch(`${url}/healthz`).catch(() => null)
    if (healthy?.status === 200) first = (await asking(url, 'chosen-by-the-script')).status
    else await pause(2)
  }
  assert.equal(first, 200)
  assert.equal(await (await starting).stop(), 0)
})

test('a process that hangs while it stops is ended when the grace and two seconds are over', async () => {
  const module = JSON.stringify(new URL('../../src/cli/stop-limit.ts', import.meta.url).href)
  const script = `
    import { limitStopping } from ${module}
    process.stdout.write('hangs')
    limitStopping(500)
    for (;;) await null`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = text(child.stderr)
  await once(child.stdout, 'data')
  const since = performance.now()
  const [, signal] = await once(child, 'exit')
  assert.equal(signal, 'SIGKILL')
  assert.match(await said, /stopping took longer than 2\.5 s, so the process was ended/)
  const took = performance.now() - since
  assert.ok(took > 1_500 && took < 10_000, `it took ${took} ms`)
})

test('a signal to npm start reaches the server, which drains and exits with 0', async (t) => {
  const parameters = ['--data', join(folderWith(t), 'data')]
  const server = await startServer(t, parameters, { command: 'npm start --' })
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  assert.equal(await server.stop(), 0)
  await assert.rejects(fetch(`${server.url}/healthz`), 'the server is still there')
})

test('a request under way is answered after the signal, and new ones are not accepted', async (t) => {
  const data = join(folderWith(t), 'data')
  const server = await startServer(t, ['--data', data], { env: { BACKTRAIL_ADMIN_TOKEN: 'token' } })
  const upload = await beginUpload(server.url)
  const ended = server.stop()
  await until(() => server.stderr().includes('stopping'), 'it is stopping')
  upload.finish()
  assert.match(await upload.answer, /^HTTP\/1.1 201 /)
  assert.equal(await ended, 0)
})

test('a second signal ends a server that waits for a request', async (t) => {
  const data = join(folderWith(t), 'data')
  const server = await startServer(t, ['--data', data], { env: { BACKTRAIL_ADMIN_TOKEN: 'token' } })
  const upload = await beginUpload(server.url)
  server.child.kill('SIGTERM')
  await until(() => server.stderr().includes('stopping'), 'it is stopping')
  // Signals within a second are one wish, so this one comes later.
  await pause(1_200)
  assert.equal(await server.stop(), 130)
  await upload.answer
})

test('a port in use is said, and status 3', async (t) => {
  const folder = folderWith(t)
  const server = await startServer(t, ['--data', join(folder, 'one')])
  const { port } = new URL(server.url)
  const { stderr } = await backtrailTo(3, [
    'serve',
    '--port',
    port,
    '--data',
    join(folder, 'two'),
    '--log-level',
    'silent',
  ])
  assert.equal(
    stderr,
    `backtrail: Port ${port} on 127.0.0.1 is in use by another program; choose another with --port, or 0 for a free one.\n`,
  )
  assert.equal(await server.stop(), 0)
})

test('a folder that a server has is locked for others, and the message names the server', async (t) => {
  const data = join(folderWith(t), 'data')
  const server = await startServer(t, ['--data', data])
  for (const command of [
    ['serve', '--port', '0', '--log-level', 'silent'],
    ['users', 'list'],
    ['index', 'stats'],
  ]) {
    const { stderr } = await backtrailTo(4, [...command, '--data', data])
    assert.equal(
      stderr,
      `backtrail: The data folder ${data} is locked by the server at ${server.url} (process ${server.child.pid}); work through it with --server, or stop it first.\n`,
    )
  }
  assert.equal(await server.stop(), 0)
  await backtrailTo(0, ['users', 'list', '--data', data])
})

test('events are logged as JSON lines, or as text', async (t) => {
  const data = join(folderWith(t), 'data')
  const asJson = await startServer(t, ['--data', data])
  await asJson.stop()
  const events = asJson.stderr().trim().split('\n')
  for (const line of events) assert.equal(typeof JSON.parse(line).msg, 'string')
  assert.ok(events.some((line) => JSON.parse(line).msg === 'stopped'))
  const asText = await startServer(t, ['--data', data, '--log-format', 'text'])
  await asText.stop()
  assert.match(asText.stderr(), /^\d\d:\d\d:\d\d info {2}stopped$/m)
})

/** An upload whose last bytes are held back. */
async function beginUpload(url: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  const end = '\r\n--x--\r\n'
  const part = '--x\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\ncontent'
  socket.write(
    `POST /api/submit/file/ HTTP/1.1\r\nhost: x\r\nauthorization: Token token\r\nconnection: close\r\n` +
      `content-type: multipart/form-data; boundary=x\r\ncontent-length: ${part.length + end.length}\r\n\r\n${part}`,
  )
  let answer = ''
  socket.setEncoding('utf8').on('data', (piece) => (answer += piece))
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  // The server has the request when it answers another one that came later.
  await fetch(`${url}/healthz`)
  return { finish: () => void socket.write(end), answer: once(socket, 'close').then(() => answer) }
}

test('a key or certificate that is none is told with its file, before anything is made', async (t) => {
  const folder = folderWith(t, { 'key.pem': 'no key', 'cert.pem': 'no certificate' })
  const data = join(folder, 'data')
  const files = ['--tls-key', join(folder, 'key.pem'), '--tls-cert', join(folder, 'cert.pem')]
  const { stderr } = await backtrailTo(3, ['serve', '--data', data, ...files])
  assert.match(stderr, /key\.pem and the certificate .*cert\.pem for HTTPS do not work: .*PEM/)
  assert.ok(!existsSync(data))
})
