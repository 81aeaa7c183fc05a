/** An error in the log of the real program: message, stack and causes, in both formats and on the terminal. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { underWay } from '../faults/data-folder.ts'
import { until } from '../faults/killable-server.ts'
import { binary, folderWith, type Server, startServer } from './running.ts'

const token = 'token-of-this-test'
const message = 'finished samples could not be committed now, and are tried again'

/** A server that cannot write segments: a file stands where their folder was. */
async function serverWithoutIndexFolder(t: TestContext, format: string): Promise<Server> {
  const data = join(folderWith(t), 'data')
  const server = await startServer(t, ['--data', data, '--log-format', format], {
    env: { BACKTRAIL_ADMIN_TOKEN: token },
  })
  blockIndexFolder(data)
  const body = new FormData()
  body.append('file', new Blob(['a sample that cannot be indexed']), 'sample.txt')
  const headers = { authorization: `Token ${token}` }
  const { status } = await fetch(`${server.url}/api/submit/file/`, { method: 'POST', headers, body })
  assert.equal(status, 201)
  await until(
    () => server.stderr().includes(message),
    () => `the commit fails: ${server.stderr()}`,
  )
  return server
}

function blockIndexFolder(data: string): void {
  rmSync(join(data, 'index'), { recursive: true, force: true })
  writeFileSync(join(data, 'index'), 'in the way')
}

test('an error in the JSON log has its message, its code and its stack', async (t) => {
  const server = await serverWithoutIndexFolder(t, 'json')
  const lines = server
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const { level, samples, err } = lines.find(({ msg }) => msg === message)
  assert.deepEqual([level, samples, err.code], ['error', 1, 'ENOTDIR'])
  assert.match(err.message, /ENOTDIR: not a directory/)
  assert.match(err.stack, /ENOTDIR: not a directory.*\n\s+at /)
})

test('an error in the log as text has its message and its stack', async (t) => {
  const server = await serverWithoutIndexFolder(t, 'text')
  assert.match(server.stderr(), new RegExp(`error ${message}  samples=1\n.*ENOTDIR: not a directory.*\n\\s+at `))
})

test('a command on the data folder prints what was thrown beside what it was about', async (t) => {
  const folder = folderWith(t, { 'sample.bin': randomBytes(30_000_000) })
  const data = join(folder, 'data')
  const child = spawn(binary, ['ingest', '--data', data, join(folder, 'sample.bin')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.on('data', (text) => {
    stderr += text
  })
  await until(
    () => underWay(data).length > 0,
    () => `it copies: ${stderr}`,
  )
  blockIndexFolder(data)
  await until(
    () => stderr.includes(message),
    () => `it fails: ${stderr}`,
  )
  assert.match(stderr, new RegExp(`^backtrail: error: ${message}\n.*ENOTDIR: not a directory.*\n\\s+at `))
})
