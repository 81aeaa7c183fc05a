import assert from 'node:assert/strict'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { backtrail, backtrailTo, folderWith, startServer } from './running.ts'

const TOKEN = 'a-token-for-the-test'

/** What `backtrail login` prints, as it comes. */
async function approve(server: string, stderr: () => string, decision: boolean): Promise<void> {
  const headers = { authorization: `Token ${TOKEN}`, 'content-type': 'application/json' }
  for (;;) {
    const [, code] = /enter the code (\S+)\n/.exec(stderr()) ?? []
    if (code) {
      const body = JSON.stringify({ user_code: code, approve: decision })
      assert.equal((await fetch(`${server}/api/users/admin/device/`, { method: 'POST', headers, body })).status, 204)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('whoever logs in with a browser works through the server without a token, until the log-out', {
  timeout: 120_000,
}, async (t) => {
  const folder = folderWith(t)
  const server = await startServer(t, ['--data', join(folder, 'data')], { env: { BACKTRAIL_ADMIN_TOKEN: TOKEN } })
  const env = { XDG_CONFIG_HOME: join(folder, 'config') }
  const at = ['--server', server.url]
  const without = await backtrailTo(3, ['users', 'list', ...at], { env })
  assert.match(without.stderr, /--token \(BACKTRAIL_TOKEN\) is needed .* or a log-in: "backtrail login --server http/)

  let seen = ''
  const watch = (piece: string) => (seen += piece)
  const login = backtrail(['login', '--days', '3', '--name', 'a laptop', ...at], { env, onStderr: watch })
  await approve(server.url, () => seen, true)
  const { code, stderr, stdout } = await login
  assert.equal(code, 0, stderr)
  assert.equal(stdout, '')
  assert.match(
    stderr,
    new RegExp(`^Open ${server.url}/device in a browser and enter the code \\S+\nor open ${server.url}/device\\?code=`),
  )
  assert.match(stderr, /\nLogged in as admin until \d{4}-.*Z; the token is in .*credentials\.json\n$/)
  const file = join(env.XDG_CONFIG_HOME, 'backtrail/credentials.json')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const { token } = JSON.parse(readFileSync(file, 'utf8')).servers[server.url]
  assert.ok(!stderr.includes(token))

  const tokens = await backtrailTo(0, ['users', 'token', 'admin', '--list', '--server', `${server.url}/`], { env })
  assert.match(tokens.stdout, /log-in from a laptop/)
  chmodSync(file, 0o644)
  assert.match((await backtrailTo(3, ['users', 'list', ...at], { env })).stderr, /Others can read .*chmod 600/)
  chmodSync(file, 0o600)

  await backtrailTo(0, ['logout', ...at], { env })
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { servers: {} })
  const me = await fetch(`${server.url}/api/users/me/`, { headers: { authorization: `Token ${token}` } })
  assert.equal(me.status, 403)
  assert.match((await backtrailTo(0, ['logout', ...at], { env })).stderr, /There was no log-in/)

  seen = ''
  const refused = backtrail(['login', ...at], { env, onStderr: watch })
  await approve(server.url, () => seen, false)
  const ended = await refused
  assert.equal(ended.code, 1)
  assert.match(ended.stderr, /backtrail: .*The log-in was refused\.\n$/)
  assert.match((await backtrailTo(3, ['login'], { env })).stderr, /--server \(BACKTRAIL_URL\) is needed/)
  assert.match((await backtrailTo(3, ['login', '--days', '400', ...at], { env })).stderr, /--days must be/)
})

test('a server that answers something else cannot write on the terminal', async (t) => {
  const answers = [
    { verification_uri: 'http://x/', verification_uri_complete: 'http://x/', user_code: 'AB\u001b[2J' },
    { verification_uri: '\u001b[2Jhttp://x/', verification_uri_complete: 'http://x/', user_code: 'AB' },
    { verification_uri: 'javascript:alert(1)', verification_uri_complete: 'http://x/', user_code: 'AB' },
  ]
  const http = createServer((_request, answer) => {
    answer.setHeader('content-type', 'application/json')
    answer.end(JSON.stringify({ ...answers[0], device_code: 'x', expires_in: 600, interval: 2 }))
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    http.closeAllConnections()
    http.close()
  })
  const env = { XDG_CONFIG_HOME: folderWith(t) }
  const at = ['--server', `http://127.0.0.1:${(http.address() as AddressInfo).port}`]
  while (answers.length > 0) {
    const { stderr } = await backtrailTo(1, ['login', ...at], { env })
    assert.match(stderr, /The server gave no (?:code to enter|address to open)/)
    assert.ok(!stderr.includes('\u001b'))
    answers.shift()
  }
})
