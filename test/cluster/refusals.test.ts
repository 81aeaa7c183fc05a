/** Combinations of database, object store and data folder that cannot be sound are refused at the start, with a sentence. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { newDatabase, noServer } from '../../src/store/postgres/server.fixture.ts'
import { lockServer } from '../../src/store/postgres/server-lock.ts'
import { ObjectServer } from '../../src/store/s3/object-server.fixture.ts'
import { backtrailTo, folderWith, startServer } from '../cli/running.ts'
import { freePort } from '../free-port.ts'
import { skipWithout } from '../http/harness.ts'
import { flagsOf, newCluster, noCluster } from './cluster.ts'

const database = 'postgres://backtrail@127.0.0.1:1/backtrail'
const wrong: Readonly<Record<string, { readonly flags: readonly string[]; readonly says: RegExp }>> = {
  'PostgreSQL with files': { flags: ['--database', database], says: /--database .* needs --store/ },
  'an object store with SQLite': { flags: ['--store', 's3://bucket/x'], says: /--store .* needs --database/ },
  'another database than PostgreSQL': {
    flags: ['--database', 'mysql://x/y', '--store', 's3://bucket/x'],
    says: /--database .* must be an address that starts with postgres/,
  },
  'another store than S3': {
    flags: ['--database', database, '--store', 'file:///x'],
    says: /--store .* must be an address that starts with s3/,
  },
  'a bucket of no possible name': {
    flags: ['--database', database, '--store', 's3://B_cket/x'],
    says: /--store must be s3:\/\/ with the name of a bucket/,
  },
  'an endpoint alone': { flags: ['--store-endpoint', 'http://x'], says: /--store-endpoint is of no use without/ },
  'an endpoint that is none': {
    flags: ['--database', database, '--store', 's3://bucket/x', '--store-endpoint', 'x'],
    says: /--store-endpoint .* must be an address/,
  },
}

for (const [what, { flags, says }] of Object.entries(wrong)) {
  test(`${what} is refused`, async (t) => {
    const data = join(folderWith(t), 'data')
    const { stderr } = await backtrailTo(3, ['serve', '--data', data, '--port', '0', ...flags])
    assert.match(stderr, says)
    assert.doesNotMatch(stderr, /\n\s+at /)
  })
}

test('a database that nobody answers for is named at once, without its password', async (t) => {
  const objects = await ObjectServer.start(t)
  const data = join(folderWith(t), 'data')
  const address = 'postgres://backtrail:very-secret@127.0.0.1:1/backtrail'
  const place = ['--database', address, '--store', 's3://bucket/x', '--store-endpoint', objects.settings().endpoint]
  const { stderr } = await backtrailTo(1, [
    'serve',
    '--data',
    data,
    '--port',
    '0',
    ...place,
    '--store-path-style',
    'on',
  ])
  assert.match(stderr, /PostgreSQL cannot be used: .*ECONNREFUSED/)
  assert.doesNotMatch(stderr, /very-secret/)
})

/** Listens, and never says anything. */
async function silentServer(t: TestContext): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

test('an object store that is away, silent or without the bucket is named within seconds, before the database is asked', async (t) => {
  const objects = await ObjectServer.start(t)
  objects.fail(() => ({ status: 404, code: 'NoSuchBucket' }))
  for (const [endpoint, says] of [
    ['http://127.0.0.1:1', /s3:\/\/bucket\/x\/ cannot be used: .*ECONNREFUSED.*--store-endpoint/],
    [await silentServer(t), /s3:\/\/bucket\/x\/ cannot be used: it did not answer within 8 seconds/],
    [objects.settings().endpoint, /s3:\/\/bucket\/x\/ cannot be used: NoSuchBucket/],
  ] as const) {
    const data = join(folderWith(t), 'data')
    const place = ['--database', database, '--store', 's3://bucket/x', '--store-endpoint', endpoint]
    const { stderr } = await backtrailTo(1, [
      'serve',
      '--data',
      data,
      '--port',
      '0',
      ...place,
      '--store-path-style',
      'on',
    ])
    assert.match(stderr, says)
  }
})

test('a data folder that has samples of its own is not made a part of a cluster', async (t) => {
  const data = join(folderWith(t), 'data')
  mkdirSync(data)
  writeFileSync(join(data, 'backtrail.db'), '')
  const { stderr } = await backtrailTo(3, [
    ...['serve', '--data', data, '--port', '0'],
    ...['--database', database, '--store', 's3://bucket/x'],
  ])
  assert.match(stderr, /has a database of its own/)
})

test('backups of data folders are refused where the settings name a cluster', async (t) => {
  const env = { BACKTRAIL_DATABASE: database, BACKTRAIL_STORE: 's3://bucket/x' }
  const folder = folderWith(t)
  for (const command of [
    ['backup', join(folder, 'to')],
    ['restore', folder],
  ]) {
    const { stderr } = await backtrailTo(3, command, { env })
    assert.match(stderr, /docs\/cluster\.md/)
  }
})

test('a data folder of a server of a cluster does not start alone', { skip: noCluster }, async (t) => {
  const data = join(folderWith(t), 'data')
  const server = await startServer(t, ['--data', data, ...flagsOf(await newCluster())])
  await server.stop()
  const { stderr } = await backtrailTo(3, ['serve', '--data', data, '--port', '0'])
  assert.match(stderr, /belongs to a server of the database postgres:/)
})

test('the prefix of another cluster is refused', { skip: noCluster }, async (t) => {
  const [one, two] = [await newCluster(), await newCluster()]
  const folder = folderWith(t)
  const server = await startServer(t, ['--data', join(folder, 'one'), ...flagsOf(one)])
  await server.stop()
  const mixed = flagsOf({ ...two, store: one.store })
  const { stderr } = await backtrailTo(1, ['serve', '--data', join(folder, 'two'), '--port', '0', ...mixed])
  assert.match(stderr, /belong to another cluster/)
})

const hasPgBouncer = spawnSync('pgbouncer', ['--version']).status === 0

test('a proxy that pools transactions is refused, and one that pools sessions is not', {
  skip: noServer || skipWithout(hasPgBouncer, 'there is no pgbouncer (apt-get install pgbouncer)'),
}, async (t) => {
  const url = await newDatabase()
  await assert.rejects(lockServer(await pooled(t, url, 'transaction')), {
    code: 'database.unusable',
    message: /pools transactions/,
  })
  await (await lockServer(await pooled(t, url, 'session'))).release()
})

/** The address of a PgBouncer before a database on a socket. */
async function pooled(t: TestContext, url: string, mode: 'transaction' | 'session'): Promise<string> {
  const [, name = '', host = ''] = /^postgres:\/\/backtrail@\/(\w+)\?host=(.*)$/.exec(url) ?? []
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-pgbouncer-'))
  await chmod(folder, 0o755)
  const port = await freePort()
  writeFileSync(join(folder, 'users'), '"backtrail" ""\n')
  const configuration = `[databases]
${name} = host=${decodeURIComponent(host)} dbname=${name} user=backtrail
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
auth_file = ${join(folder, 'users')}
pool_mode = ${mode}
ignore_startup_parameters = options,extra_float_digits
`
  writeFileSync(join(folder, 'pgbouncer.ini'), configuration)
  // It has to reach the socket, so it runs as whoever PostgreSQL runs as.
  const { uid, gid } = statSync(decodeURIComponent(host))
  const asOwner = process.getuid?.() === 0 ? [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'] : []
  const child: ChildProcess = spawn(
    'setpriv',
    ['--pdeathsig=KILL', ...asOwner, 'pgbouncer', join(folder, 'pgbouncer.ini')],
    { stdio: 'ignore' },
  )
  t.after(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  await untilAnswered(port)
  return `postgres://backtrail@127.0.0.1:${port}/${name}`
}

async function untilAnswered(port: number): Promise<void> {
  for (const started = performance.now(); ; await delay(20)) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (performance.now() - started > 60_000) throw error
    } finally {
      socket.destroy()
    }
  }
}
