/** What stands in the way of a start is said in a sentence, with what to do; nothing goes on running, and no stack is shown. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { backtrail, backtrailTo, folderWith, startServer } from './running.ts'

const folderIn = (data: string, name: string) => mkdirSync(join(data, name), { recursive: true })
const fileIn = (data: string, name: string, content: string) => {
  mkdirSync(data, { recursive: true })
  writeFileSync(join(data, name), content)
}

const obstacles: Readonly<Record<string, { readonly make: (data: string) => void; readonly says: RegExp }>> = {
  'the data folder is a file': {
    make: (data) => writeFileSync(data, 'x'),
    says: /data cannot be used: .*a file.*--data/,
  },
  'the data folder is below a file': {
    make: (data) => writeFileSync(dirname(data), 'x'),
    says: /cannot be used: .*--data/,
  },
  'the data folder is a link that leads nowhere': {
    make: (data) => symlinkSync('/nowhere/at/all', data),
    says: /data cannot be used: .*link.*--data/,
  },
  'lock.db is garbage': {
    make: (data) => fileIn(data, 'lock.db', 'garbage, and no database '.repeat(50)),
    says: /lock\.db.* is damaged\. When no other Backtrail .* remove that file/,
  },
  'lock.db is a folder': { make: (data) => folderIn(data, 'lock.db'), says: /lock\.db cannot be opened/ },
  'backtrail.db is a folder': {
    make: (data) => folderIn(data, 'backtrail.db'),
    says: /backtrail\.db cannot be opened .*must be a file/,
  },
  'backtrail.db is garbage': {
    make: (data) => fileIn(data, 'backtrail.db', 'garbage, and no database '.repeat(50)),
    says: /backtrail\.db is damaged or no database at all.*backup/,
  },
  ...Object.fromEntries(
    ['blobs', 'scratch', 'index'].map((name) => [
      `${name} is a file`,
      {
        make: (data: string) => fileIn(data, name, 'x'),
        says: new RegExp(`${name}.* cannot be used: .*(file|folder)`),
      },
    ]),
  ),
}

for (const [how, { make, says }] of Object.entries(obstacles)) {
  test(`${how}: a start says so, and ends`, async (t) => {
    const folder = folderWith(t)
    const data = how.includes('below') ? join(folder, 'file', 'data') : join(folder, 'data')
    make(data)
    const { code, stdout, stderr } = await backtrail(['serve', '--port', '0', '--data', data, '--log-level', 'silent'])
    assert.ok(code === 1 || code === 3, `${code}: ${stdout}${stderr}`)
    assert.match(stderr, says)
    assert.doesNotMatch(stderr, /\n {4}at |a defect/)
  })
}

test('a data folder on a file system that can only be read is refused with what to do', {
  skip: spawnSync('mount', ['--help']).status !== 0 || process.getuid?.() !== 0 ? 'only root may mount' : false,
}, async (t) => {
  const folder = folderWith(t)
  const { status, stderr: reason } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', folder])
  if (status !== 0) return t.skip(`nothing can be mounted here: ${reason}`)
  try {
    for (const data of [folder, join(folder, 'data')]) {
      const { code, stderr } = await backtrail(['serve', '--port', '0', '--data', data, '--log-level', 'silent'])
      assert.equal(code, 1, stderr)
      assert.match(stderr, /cannot be (used|opened).*(read|written)/)
      assert.doesNotMatch(stderr, /\n {4}at |a defect/)
    }
  } finally {
    spawnSync('umount', ['-l', folder])
  }
})

test('owner.json that is garbage or a folder is nothing to stop at', async (t) => {
  for (const make of [
    (data: string) => fileIn(data, 'owner.json', 'garbage'),
    (data: string) => folderIn(data, 'owner.json/deep'),
  ]) {
    const data = join(folderWith(t), 'data')
    make(data)
    await backtrailTo(0, ['users', 'list', '--data', data])
  }
})

/** Paths in a folder that others than its user have any right to. */
function open(folder: string): string[] {
  return ['.', ...readdirSync(folder, { recursive: true }).map(String)].filter(
    (name) => (statSync(join(folder, name)).mode & 0o077) !== 0,
  )
}

test('whatever rights a data folder had, others have none after a start, nor to what comes later', async (t: TestContext) => {
  const folder = folderWith(t, { 'sample.bin': 'a sample' })
  const data = join(folder, 'data')
  await backtrailTo(0, ['ingest', join(folder, 'sample.bin'), '--data', data], { timeoutMs: 180_000 })
  assert.deepEqual(open(data), [])
  spawnSync('chmod', ['-R', 'a+rX', data])
  assert.notDeepEqual(open(data), [])
  const env = { BACKTRAIL_ADMIN_TOKEN: 'token' }
  const server = await startServer(t, ['--data', data], { env })
  const form = new FormData()
  form.append('file', new Blob(['another sample']), 'another.bin')
  const headers = { authorization: 'Token token' }
  assert.equal((await fetch(`${server.url}/api/submit/file/`, { method: 'POST', headers, body: form })).status, 201)
  assert.deepEqual(open(data), [])
  assert.equal(await server.stop(), 0)
})

test('a data folder below /proc, where none can be made, is refused in a sentence', async () => {
  const { stderr } = await backtrailTo(1, ['serve', '--port', '0', '--data', '/proc/backtrail'])
  assert.match(stderr, /\/proc\/backtrail cannot be used: .*--data/)
})
