/**
 * A cluster that is set up, upgraded and restored as docs/cluster.md shows. Real processes and a real PostgreSQL; objects are in
 * memory, as in `several-servers.test.ts`.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { newDatabase, postgresProgram, noServer as skip } from '../../src/store/postgres/server.fixture.ts'
import { ObjectServer } from '../../src/store/s3/object-server.fixture.ts'
import { backtrail, backtrailTo, folderWith, root, startServer } from '../cli/running.ts'
import { skipWithout } from '../http/harness.ts'
import { stepsOf, takeSteps } from '../shown-commands.ts'
import { Client, type Json, sha256, token, until } from './client.ts'
import { type ClusterSettings, flagsOf, variablesOf } from './cluster.ts'
import { Rows } from './rows.ts'
import { startNode } from './running-nodes.ts'

const page = readFileSync(join(root, 'docs/cluster.md'), 'utf8')
const ends: (() => unknown)[] = []
after(() => Promise.all(ends.map((end) => end())))
const objects = skip ? null : await ObjectServer.start({ after: (end) => void ends.push(end) })

/** A new database and a prefix of its own. */
async function newPlace(prefix: string): Promise<ClusterSettings> {
  const { store = '', endpoint = '' } = objects?.settings(prefix) ?? {}
  const database = await newDatabase()
  return { database, store, storeEndpoint: endpoint, storePathStyle: 'on', storeCredentials: '' }
}

const start = (t: TestContext, place: ClusterSettings, more: readonly string[] = [], command?: string) =>
  startServer(
    t,
    ['--data', join(folderWith(t), 'data'), '--rate-limit', '0', '--hunt-work', 'nodes', ...flagsOf(place), ...more],
    { env: { BACKTRAIL_ADMIN_TOKEN: token }, ...(command !== undefined && { command }) },
  )

const quick = 'rule quick { strings: $a = "the marked words" condition: $a }'
/** Every second has the mark. */
const sampleOf = (n: number) =>
  `sample ${n} ${n % 2 === 0 ? 'the marked words' : 'other words'} ${randomBytes(2_000).toString('base64')}`

/** Uploads so many; gives the SHA-256 of those with the mark, sorted. */
async function takeSome(client: Client, count: number): Promise<string[]> {
  const samples = Array.from({ length: count }, (_, n) => sampleOf(n))
  await client.processed(await Promise.all(samples.map((sample) => client.take(sample))))
  return samples
    .filter((_, n) => n % 2 === 0)
    .map(sha256)
    .sort()
}

/** This program as a newer version of itself, whose tables have one column more; gives its command. */
function newerVersion(t: TestContext): string {
  const folder = folderWith(t)
  for (const part of ['bin', 'src', 'dist', 'package.json'])
    if (existsSync(join(root, part))) cpSync(join(root, part), join(folder, part), { recursive: true })
  for (const part of ['node_modules', 'web']) symlinkSync(join(root, part), join(folder, part))
  const description = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...description, version: '9.0.0' }))
  const step = 'ALTER TABLE settings ADD COLUMN of_a_newer_version text;'
  for (const part of ['src', 'dist'])
    if (existsSync(join(folder, part)))
      writeFileSync(join(folder, part, 'store/postgres/migrations/9000-of-a-newer-version.sql'), step)
  const mark = join(folder, 'dist/.built-from')
  if (existsSync(mark)) utimesSync(mark, new Date(), new Date())
  return `${join(folder, 'bin/backtrail')} serve`
}

test('during an upgrade servers of the earlier version pass requests on to the newer one, and work themselves no more', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const cluster = await newPlace('upgrade')
  const rows = new Rows(cluster.database)
  t.after(() => rows.end())
  const first = await start(t, cluster)
  const node = await startNode(t, cluster)
  const marked = await takeSome(new Client(first.url), 6)
  await until(async () => /a node works for this server/.test(first.stderr()), 'the server knows the node')
  assert.deepEqual(await new Client(first.url).hunt(quick, false), marked)
  const done = async () => Number((await rows.rows(`SELECT done FROM nodes WHERE id = ${node.id}`))[0]?.done)
  await until(async () => (await done()) > 0, 'the node has done some')

  const command = newerVersion(t)
  const newer = await start(t, cluster, [], command)
  assert.match(newer.stdout(), /stands by at/)
  const { servers } = await new Client(newer.url).demand(200, 'GET', '/api/cluster/')
  assert.deepEqual(
    servers.map(({ version, role }: Json) => `${version === '9.0.0' ? 'newer' : 'earlier'} ${role}`),
    ['earlier works', 'newer stands by'],
  )
  assert.equal(await first.stop('SIGTERM'), 0)
  await until(() => /ready at/.test(newer.stdout()), 'the newer one works')

  const earlier = await start(t, cluster)
  assert.match(earlier.stdout(), /stands by at/)
  const client = new Client(earlier.url)
  await client.save('marks', quick)
  const later = await client.take('later: the marked words')
  await client.processed([later])
  assert.deepEqual(await client.matchesOf('marks'), [later])
  const before = await done()
  assert.deepEqual(await client.hunt(quick, false), [...marked, later].sort())
  assert.equal(await done(), before, 'a node of the earlier version is given nothing')
  const late = await backtrail(['node', '--cache', join(folderWith(t), 'cache'), ...flagsOf(cluster)])
  assert.match(late.stderr, /The database has schema 9000, and this program works with/)

  await newer.stop('SIGKILL')
  await until(() => earlier.child.exitCode !== null, 'it ends in place of working')
  assert.match(earlier.stderr(), /written by a newer Backtrail \(schema 9000/)
  await assert.rejects(start(t, cluster), /written by a newer Backtrail \(schema 9000/)
  const again = new Client((await start(t, cluster, [], command)).url)
  assert.deepEqual(await again.hunt(quick), [...marked, later].sort())
})

test('the page sets up a cluster from nothing as it shows', {
  skip: skip || skipWithout(spawnSync('openssl', ['version']).status === 0, 'openssl is not installed'),
  timeout: 180_000,
}, async (t) => {
  const steps = stepsOf(page)
  assert.ok(steps.length >= 7)
  const env = { ...variablesOf(await newPlace('page')), BACKTRAIL_WORKERS: '1' }
  const { servers } = await takeSteps(t, steps, { folder: folderWith(t), env })
  assert.equal(servers.size, 2)
})

/** Runs the line of the page that begins with a program of PostgreSQL. */
function runShown(program: string, folder: string, place: ClusterSettings): void {
  const [line = ''] = new RegExp(`^${program} .*$`, 'm').exec(page) ?? []
  const path = { PATH: `${postgresProgram('')}:${process.env.PATH}` }
  const { status, stderr } = spawnSync('bash', ['-c', line], {
    ...{ cwd: folder, encoding: 'utf8' },
    env: { ...process.env, ...path, ...variablesOf(place) },
  })
  assert.equal(status, 0, `${line}: ${stderr}`)
}

test('a dump of the running cluster and a later copy of the bucket make a cluster with all that was acknowledged before', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const cluster = await newPlace('backup')
  const server = await start(t, cluster)
  const client = new Client(server.url)
  await client.save('marks', quick)
  const before = await takeSome(client, 20)
  copyOf('backup', 'too-early')
  before.push(await client.take('acknowledged before: the marked words'))
  // Samples arrive all the while, and segments are merged.
  let isOver = false
  const arriving = (async () => {
    for (let n = 0; !isOver; n++) await client.take(`meanwhile ${n}: the marked words`)
  })()
  const folder = folderWith(t)
  runShown('pg_dump', folder, cluster)
  await client.take('acknowledged between the two: the marked words')
  const copied = copyOf('backup', 'restored')
  isOver = true
  await arriving
  assert.equal(await server.stop('SIGTERM'), 0)

  const restore = async (prefix: string) => {
    const restored = await newPlace(prefix)
    runShown('pg_restore', folder, restored)
    return restored
  }
  const restored = await restore('restored')
  const again = await start(t, restored)
  const other = new Client(again.url)
  const there = before.sort()
  await other.processed(there)
  const found = await other.hunt(quick)
  assert.deepEqual(
    there.filter((hash) => !found.includes(hash)),
    [],
  )
  assert.deepEqual(await other.matchesOf('marks'), found)
  const rows = new Rows(restored.database)
  t.after(() => rows.end())
  const contents = copied.filter((key) => key.includes('/contents/')).length
  const [{ count } = {}] = await rows.rows('SELECT count(*) FROM samples')
  // What came between the two has an object and no row: the janitor deletes it a day later.
  const strays = contents - Number(count)
  assert.ok(strays > 0)
  const { stderr } = await backtrailTo(1, ['check', '--server', again.url, '--token', token])
  assert.match(
    stderr,
    new RegExp(`^0 contents missing or cut off, 0 changed, ${strays} without a sample; 0 problems`, 'm'),
  )
  await again.stop('SIGTERM')

  // The other way round: rows of samples that the copy does not have.
  const wrong = await restore('too-early')
  const env = { ...variablesOf(wrong), BACKTRAIL_DATA: join(folderWith(t), 'data') }
  const missing = await backtrailTo(1, ['check'], { env })
  assert.match(missing.stderr, /^[1-9]\d* contents? missing or cut off/m)
})

/** As a copy of the bucket would be made: object by object. Gives the keys. */
function copyOf(prefix: string, to: string): string[] {
  const keys = [...(objects?.objects.keys() ?? [])].filter((key) => key.startsWith(`${prefix}/`))
  for (const key of keys) {
    const kept = objects?.objects.get(key)
    if (kept) objects?.objects.set(`${to}/${key.slice(prefix.length + 1)}`, kept)
  }
  return keys
}
