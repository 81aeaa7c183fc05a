/**
 * Damage to the database itself, and folders whose parts are of different instants: a start refuses with what to do, or
 * says what is missing; nothing is called complete or repaired that is not.
 */
import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, type TestContext, test } from 'node:test'
import { folderWith, backtrail as run, backtrailTo as runTo } from '../cli/running.ts'
import { change, rows } from './data-folder.ts'
import { KillableServer, sha256, until } from './killable-server.ts'
import { processesNaming } from './processes.ts'

// There are many of them, and the machine may be busy.
const slow = { timeoutMs: 180_000 }
const backtrail = (parameters: readonly string[]) => run(parameters, slow)
const backtrailTo = (code: number, parameters: readonly string[]) => runTo(code, parameters, slow)

const prepared = mkdtempSync(join(tmpdir(), 'backtrail-damaged-database-'))
const rules = join(prepared, 'marks.yar')
const SAMPLES = 12
const contents = Array.from({ length: SAMPLES }, (_, n) =>
  Buffer.from(`sample number ${n} ${n % 2 === 0 ? 'the marked words' : 'other words'} ${'.'.repeat(200 + n)}`),
)
const marked = contents
  .filter((_, n) => n % 2 === 0)
  .map(sha256)
  .sort()

before(async () => {
  const files = join(prepared, 'files')
  cpSync(folderOf(contents), files, { recursive: true })
  writeFileSync(rules, 'rule marked { strings: $a = "the marked words" condition: $a }')
  await backtrailTo(0, ['ingest', files, '--data', join(prepared, 'data')])
})
after(() => rmSync(prepared, { recursive: true, force: true }))

function folderOf(files: readonly Buffer[]): string {
  const folder = mkdtempSync(join(prepared, 'written-'))
  for (const [n, bytes] of files.entries()) writeFileSync(join(folder, `file-${n}`), bytes)
  return folder
}

function copy(t: TestContext): string {
  const data = join(folderWith(t), 'data')
  cpSync(join(prepared, 'data'), data, { recursive: true })
  return data
}

const hashesIn = (stdout: string): string[] => (stdout.match(/\b[0-9a-f]{64}\b/g) ?? []).sort()

function rootOf(data: string, name: string): number {
  return Number(rows(data, `SELECT rootpage FROM sqlite_schema WHERE name = '${name}'`)[0]?.rootpage)
}

/** Changes bytes of a page of the closed database; pages are counted from 1. */
function overwrite(data: string, page: number, at: number, bytes: Uint8Array): void {
  const file = openSync(join(data, 'backtrail.db'), 'r+')
  writeSync(file, bytes, 0, bytes.length, (page - 1) * 4096 + at)
  closeSync(file)
}

/** An index page without entries, as if there never had been any. */
const emptyLeaf = Buffer.concat([Buffer.from([10, 0, 0, 0, 0, 16, 0, 0]), Buffer.alloc(4088)])

const indexDamages: Readonly<Record<string, (data: string) => void>> = {
  'the entries of an index are not counted any more': (data) =>
    overwrite(data, rootOf(data, 'samples_processed'), 3, Buffer.from([0, 0])),
  'an index that hunts use is empty, and well-formed': (data) =>
    overwrite(data, rootOf(data, 'samples_processed'), 0, emptyLeaf),
  'a page of an index is garbage': (data) =>
    overwrite(data, rootOf(data, 'samples_by_sha1'), 0, Buffer.alloc(4096, 0xab)),
}
const tableDamages: Readonly<Record<string, (data: string) => void>> = {
  'page 2 was overwritten': (data) => overwrite(data, 2, 0, Buffer.alloc(4096, 0x5a)),
  'a page of a table is garbage': (data) => overwrite(data, rootOf(data, 'samples'), 0, Buffer.alloc(4096, 0xab)),
  'a table has lost its rows': (data) => {
    const leaf = Buffer.from(emptyLeaf)
    leaf[0] = 13
    overwrite(data, rootOf(data, 'samples'), 0, leaf)
  },
  'the second half was cut off': (data) => cutTo(data, (bytes) => bytes / 2),
  'all but the first page was cut off': (data) => cutTo(data, () => 4096),
  'the end was cut off within a page': (data) => cutTo(data, (bytes) => bytes - 3 * 4096 - 100),
}

function cutTo(data: string, rest: (bytes: number) => number): void {
  const file = join(data, 'backtrail.db')
  truncateSync(file, Math.floor(rest(statSync(file).size)))
}

/** Most of the time of these tests is that of programs that start, and wait for each other's disk. */
const atOnce = { concurrency: 3 }

describe('damaged indices', atOnce, () => {
  for (const [how, damage] of Object.entries(indexDamages)) {
    test(`a database of which ${how} is refused, found by check, made anew on request, and then misses nothing`, async (t) => {
      const data = copy(t)
      damage(data)
      const { code, stderr, stdout } = await backtrail(['serve', '--port', '0', '--data', data])
      assert.equal(code, 1, stdout + stderr)
      assert.match(stderr, /backtrail\.db is damaged: .*backtrail check/)
      assert.doesNotMatch(stderr, /\n {4}at /, 'a stack is no explanation')
      const found = await backtrailTo(1, ['check', '--data', data])
      assert.match(found.stderr, /database: .*\n[\s\S]*--rebuild/)
      const { stdout: rebuilt } = await backtrailTo(0, ['check', '--rebuild', '--data', data])
      assert.match(rebuilt, /made anew from its tables and is sound/)
      const hunt = await backtrailTo(0, ['hunt', rules, '--no-index', '--data', data])
      assert.deepEqual(hashesIn(hunt.stdout), marked)
    })
  }
})

describe('damaged tables', atOnce, () => {
  for (const [how, damage] of Object.entries(tableDamages)) {
    test(`a database of which ${how} is refused at once, and is never said to be made anew`, async (t) => {
      const data = copy(t)
      damage(data)
      const bytes = readFileSync(join(data, 'backtrail.db'))
      const { code, stderr } = await backtrail(['serve', '--port', '0', '--data', data])
      assert.equal(code, 1, stderr)
      assert.deepEqual(processesNaming(data), [])
      assert.match(stderr, /backtrail\.db .*damaged.*backup/)
      assert.doesNotMatch(stderr, /\n {4}at /, 'a stack is no explanation')
      const { stdout, stderr: report } = await backtrailTo(1, ['check', '--rebuild', '--data', data])
      assert.match(report, /cannot be made anew[\s\S]*backup/)
      assert.doesNotMatch(stdout, /anew/)
      assert.deepEqual(readFileSync(join(data, 'backtrail.db')), bytes, 'the damaged database was changed')
    })
  }
})

test('damage that comes while the server runs fails the hunts that meet it, and health says so', async (t) => {
  const data = copy(t)
  const server = new KillableServer(t, [], data)
  await server.start()
  // A row that the list of samples does not have: as pages of different instants beside each other do.
  const database = new DatabaseSync(join(data, 'backtrail.db'))
  database.exec('UPDATE sample_counts SET samples = samples + 1')
  database.close()
  await server.demandRuleset('marks', readFileSync(rules, 'utf8'))
  await server.startRetro()
  await until(
    async () => !['STARTING', 'RUNNING'].includes((await server.retro()).state),
    () => 'the hunt ends',
  )
  assert.equal((await server.retro()).state, 'STOPPED', 'a hunt that covers less than it counts is complete')
  const { json: health } = await server.call('GET', '/api/health/')
  assert.equal(health.database.state, 'damaged')
  assert.match(health.database.problems[0], /lists 12 processed samples and counts 13/)
  const { status, json } = await server.call('GET', '/healthz')
  assert.equal(status, 503)
  assert.equal(json.error, 'database.damaged')
  await server.stop()
})

test('contents that are missing, changed or have no sample are found by check, told by health, and come back when sent', async (t) => {
  const data = copy(t)
  const [changed, missing, ...others] = contents.filter((_, n) => n % 2 === 0) as [Buffer, Buffer, ...Buffer[]]
  const blobOf = (content: Buffer) => join(data, 'blobs', sha256(content).slice(0, 2), sha256(content))
  writeFileSync(blobOf(changed), Buffer.from(changed).fill('x', 0, 5))
  rmSync(blobOf(missing))
  const stray = Buffer.from('a content without a sample')
  writeFileSync(blobOf(stray), stray)
  const { stderr } = await backtrailTo(1, ['check', '--data', data])
  assert.match(stderr, new RegExp(`sample ${sha256(changed)}: the content has other bytes`))
  assert.match(stderr, new RegExp(`sample ${sha256(missing)}: its content is missing`))
  assert.match(stderr, new RegExp(`content ${sha256(stray)} has no sample`))
  assert.ok(existsSync(join(data, 'damaged', sha256(changed))), 'the changed content was not kept')
  for (const how of [[], ['--no-index']]) {
    const hunt = await backtrailTo(0, ['hunt', rules, ...how, '--data', data])
    assert.deepEqual(hashesIn(hunt.stdout), others.map(sha256).sort())
    assert.match(hunt.stderr, /2 samples/)
  }
  const server = new KillableServer(t, [], data)
  await server.start()
  await until(
    async () => (await server.call('GET', '/api/health/')).json.contents?.missing === 2,
    () => 'health tells of the missing contents',
  )
  const { json } = await server.call('GET', '/api/health/')
  assert.equal(json.contents.strays, 1)
  assert.ok(json.journal.some(({ kind }: { kind: string }) => kind === 'contents-differ'))
  assert.ok(json.journal.some(({ kind }: { kind: string }) => kind === 'content-damaged'))
  for (const content of [changed, missing, stray]) await server.take(content, 'sent again')
  for (const content of [changed, missing]) assert.equal(await server.downloaded(sha256(content)), sha256(content))
  await server.stop()
  const { stdout } = await backtrailTo(0, ['check', '--data', data])
  assert.match(stdout, /13 contents/)
})

test('samples that name a segment which is not there are indexed anew, and hunts find them', async (t) => {
  const data = copy(t)
  change(data, 'DELETE FROM segments')
  for (const file of readdirSync(join(data, 'index'))) rmSync(join(data, 'index', file))
  const { stdout } = await backtrailTo(0, ['hunt', rules, '--data', data])
  assert.deepEqual(hashesIn(stdout), marked)
})
