/**
 * Damage to our own files: cut off, flipped, missing, garbage. The next start repairs it or says what is wrong and what
 * to do; a hunt never misses a match because of it without saying so.
 */
import assert from 'node:assert/strict'
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { ProcessRecord } from '../../src/store/sqlite/process-record.ts'
import { backtrail } from '../cli/running.ts'
import { chosenSeed, type Random, randomFrom } from '../planner/random.ts'
import { change, demandConsistency, filesIn, rows, underWay } from './data-folder.ts'
import { type Json, KillableServer, sha256, until } from './killable-server.ts'
import { makeMarkedFolder, marks } from './marked-folder.ts'

const SAMPLES = 24

const prepared = mkdtempSync(join(tmpdir(), 'backtrail-damaged-'))
let contents: readonly Buffer[] = []
let random: Random

/** A data folder at rest, with samples of which each second one is marked, a ruleset that finds these, and a segment. */
before(async (t) => {
  const seed = chosenSeed()
  console.log(`seed: ${seed}`)
  random = randomFrom(seed)
  contents = await makeMarkedFolder(t as TestContext, join(prepared, 'data'), random, SAMPLES)
  await demandConsistency(join(prepared, 'data'))
})
after(() => rmSync(prepared, { recursive: true, force: true }))

/** A copy of the prepared folder, and a server for it that does not run yet. */
function copy(t: TestContext): KillableServer {
  const server = new KillableServer(t)
  cpSync(join(prepared, 'data'), server.data, { recursive: true })
  return server
}

const marked = () =>
  contents
    .filter((_, n) => n % 2 === 0)
    .map((content) => `marked ${sha256(content)}`)
    .sort()

const blobOf = (server: KillableServer, content: Buffer) => {
  const hex = sha256(content)
  return join(server.data, 'blobs', hex.slice(0, 2), hex)
}

/** The path of the largest segment file. */
function segmentOf(server: KillableServer): string {
  const [largest] = filesIn(server.data, 'index')
    .map((name) => join(server.data, 'index', name))
    .sort((a, b) => statSync(b).size - statSync(a).size)
  return largest ?? assert.fail('there is no segment')
}

/** Hunts with a ruleset that is saved only now, so that nothing but the hunt can have found its matches. */
async function huntAnew(server: KillableServer): Promise<string[]> {
  await server.demandRuleset('again', `${marks} // again`)
  await server.startRetro()
  await server.retroCompleted()
  return server.matchesOf('again')
}

async function untilIndexed(server: KillableServer): Promise<void> {
  let stats: Json
  await until(
    async () => {
      stats = (await server.call('GET', '/api/index/')).json
      return stats.damaged === 0 && stats.unindexed.samples === 0
    },
    () => `the index is whole again: ${JSON.stringify(stats)}`,
  )
}

const journalHas = (server: KillableServer, words: RegExp) =>
  server.logged.some(({ level, ...line }) => level !== 'info' && words.test(JSON.stringify(line)))

const damages: Readonly<Record<string, (path: string) => void>> = {
  'is cut in half': (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
  'is missing': (path) => rmSync(path),
  'is garbage of the same size': (path) => writeFileSync(path, random.bytes(statSync(path).size)),
  'has flipped bits all over': (path) => {
    const bytes = readFileSync(path)
    for (let at = 64; at < bytes.length; at += 128) bytes[at] = (bytes[at] ?? 0) ^ 0x10
    writeFileSync(path, bytes)
  },
}

for (const [how, damage] of Object.entries(damages)) {
  test(`a segment that ${how} is told of and made anew, and a hunt misses nothing meanwhile`, async (t) => {
    const server = copy(t)
    damage(segmentOf(server))
    await server.start()
    assert.deepEqual(await huntAnew(server), marked())
    await untilIndexed(server)
    assert.ok(journalHas(server, /segment of the index is damaged/), 'nothing was said of the damage')
    assert.ok(rows(server.data, "SELECT id FROM journal WHERE kind = 'segment-damaged'").length > 0)
    await server.stop()
    await demandConsistency(server.data)
  })
}

test('a quick check finds what is cut off or missing without reading it, and leaves the rest to the whole one', async (t) => {
  const server = copy(t)
  const quick = ['check', '--quick', '--data', server.data]
  const sound = await backtrail(quick)
  assert.equal(sound.code, 0, sound.stderr)
  assert.match(
    sound.stdout,
    /^the database, \d+ contents and \d+ segments? checked in passing: contents were not read\n$/,
  )
  const blobs = filesIn(server.data, 'blobs').map((name) => join(server.data, 'blobs', name))
  const [cut, gone, changed] = blobs.filter((path) => statSync(path).size > 10)
  assert.ok(cut && gone && changed)
  writeFileSync(changed, random.bytes(statSync(changed).size))
  const asLong = await backtrail(quick)
  assert.equal(asLong.code, 0, `a content that was changed is as long as before: ${asLong.stdout}`)
  truncateSync(cut, 5)
  rmSync(gone)
  const segment = segmentOf(server)
  truncateSync(segment, statSync(segment).size - 1)
  const { code, stderr } = await backtrail(quick)
  assert.equal(code, 1)
  assert.match(stderr, /\n2 contents missing or cut off, 0 changed/)
  for (const more of ['--rebuild', '--every=2']) assert.equal((await backtrail([...quick, more])).code, 3)
})

test('index check finds a flipped bit, names the segment, and the next check is content', async (t) => {
  const server = copy(t)
  const path = segmentOf(server)
  const bytes = readFileSync(path)
  const at = 64 + random.below(bytes.length - 64)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
  writeFileSync(path, bytes)
  const { code, stderr } = await backtrail(['index', 'check', '--data', server.data])
  assert.equal(code, 1, `the flipped bit at ${at} was not found`)
  assert.match(stderr, /segment \d+: .*damaged/)
  await server.start()
  await untilIndexed(server)
  await server.stop()
  await demandConsistency(server.data)
})

for (const [how, damage] of [
  ['is missing', (path: string) => rmSync(path)],
  ['is cut off', (path: string) => truncateSync(path, 10)],
] as const) {
  test(`a content that ${how} is told of by hunts and downloads, harms no other, and comes back with an upload`, async (t) => {
    const server = copy(t)
    const [lost] = contents
    assert.ok(lost)
    damage(blobOf(server, lost))
    await server.start()
    const found = await huntAnew(server)
    const others = marked().filter((match) => !match.endsWith(sha256(lost)))
    assert.deepEqual(found, others)
    assert.ok(journalHas(server, /a sample could not be scanned/), 'the hunt passed it over and said nothing')
    const check = await server.indexCheck()
    assert.equal(check.problems.length, 1)
    assert.match(
      check.problems[0].message,
      new RegExp(`content of sample ${sha256(lost)} cannot be read.*Send it again`),
    )
    if (how === 'is missing') {
      const { status, json } = await server.call('GET', `/api/samples/${sha256(lost)}/download/`)
      assert.equal(status, 410)
      assert.equal(json.error, 'sample.gone')
    }
    // Everything else works as before, and so does this sample once somebody sends it again.
    await server.take(lost, 'sent again')
    assert.equal(await server.downloaded(sha256(lost)), sha256(lost))
    await server.startRetro()
    await server.retroCompleted()
    assert.deepEqual(await server.matchesOf('again'), marked())
    await server.stop()
    await demandConsistency(server.data)
  })
}

test('a write-ahead log that was cut off takes back the latest commits and nothing else', async (t) => {
  const server = copy(t)
  await server.start()
  const late = Array.from({ length: 12 }, (_, n) => Buffer.from(`late ${n} the marked words ${n}`))
  for (const [n, content] of late.entries()) await server.untilProcessed([await server.take(content, `late-${n}`)])
  await server.kill()
  const log = join(server.data, 'backtrail.db-wal')
  assert.ok(statSync(log).size > 0, 'there is no log to cut')
  truncateSync(log, Math.floor(statSync(log).size * 0.5))
  await server.start()
  await server.untilIdle()
  const known = new Set(await server.processedOf([...contents, ...late].map(sha256)))
  for (const content of contents) assert.ok(known.has(sha256(content)), 'a sample of before is gone')
  assert.ok(known.size < contents.length + late.length, 'the cut took nothing back')
  for (const hash of known) assert.equal(await server.downloaded(hash), hash)
  // What the log had is unknown again, and not half known: it can be sent again.
  for (const [n, content] of late.entries()) {
    const { status, json } = await server.upload(content, `late-${n}`)
    assert.equal(status, 201, JSON.stringify(json))
    assert.equal(json.detail.known, known.has(sha256(content)))
  }
  await server.untilProcessed(late.map(sha256))
  const all = [...marked(), ...late.map((content) => `marked ${sha256(content)}`)].sort()
  assert.deepEqual(await server.matchesOf('marks'), all)
  assert.deepEqual(await huntAnew(server), all)
  await untilIndexed(server)
  await server.stop()
  await demandConsistency(server.data)
})

test('what a crash may leave in the folders is cleared, and nothing that is needed', async (t) => {
  const server = copy(t)
  const { data } = server
  const [first] = contents
  assert.ok(first)
  const orphan = Buffer.from('a content whose row was never committed')
  const forgotten = Buffer.from('a content that was about to be deleted')
  const gone = ProcessRecord.create(join(data, 'scratch', 'gone.db'))
  gone.add([forgotten, first, Buffer.from('never stored')].map((content) => Buffer.from(sha256(content), 'hex')))
  gone.close()
  writeFileSync(blobOf(server, forgotten), forgotten)
  mkdirSync(join(data, 'scratch', 'gone', 'unpacking', 'deep'), { recursive: true })
  writeFileSync(join(data, 'scratch', 'gone', 'unpacking', 'deep', 'member'), 'x')
  writeFileSync(join(data, 'scratch', 'gone', 'upload'), random.bytes(1_000))
  mkdirSync(join(data, 'scratch', 'gone', 'workers'))
  writeFileSync(join(data, 'scratch', 'gone', 'workers', 'worker-1.progress'), random.bytes(512))
  writeFileSync(join(data, 'scratch', 'garbage.db'), random.bytes(5_000))
  mkdirSync(join(data, 'scratch', 'folder.db', 'below'), { recursive: true })
  // Nobody's, and old.
  writeFileSync(join(data, 'scratch', 'nobody'), 'x')
  utimesSync(join(data, 'scratch', 'nobody'), 0, 0)
  // As earlier versions left it.
  for (const folder of ['incoming', 'doubts', 'workers']) mkdirSync(join(data, folder))
  writeFileSync(join(data, 'incoming', 'upload'), random.bytes(1_000))
  mkdirSync(join(data, 'incoming', 'unpacking', 'deep'), { recursive: true })
  writeFileSync(join(data, 'incoming', 'unpacking', 'deep', 'member'), 'x')
  writeFileSync(join(data, 'index', 'half.segment.writing'), random.bytes(500))
  writeFileSync(join(data, 'index', 'nobody.segment'), random.bytes(500))
  writeFileSync(blobOf(server, orphan), orphan)
  writeFileSync(join(data, 'doubts', 'note'), `${sha256(orphan)}\n${sha256(first)}\n${'0'.repeat(64)}\nabc`)
  writeFileSync(join(data, 'doubts', 'garbage'), random.bytes(300))
  writeFileSync(join(data, 'owner.json'), '{"pid": 1, "url"')
  writeFileSync(join(data, 'workers', 'worker-1.progress'), random.bytes(512))
  await server.start()
  assert.equal(server.repaired.uploadsCutShort, 4)
  assert.equal(server.repaired.forgotten, 2)
  assert.equal(server.repaired.removedFiles, 2)
  for (const content of [orphan, forgotten])
    assert.ok(!existsSync(blobOf(server, content)), 'a content without a row is still there')
  for (const folder of ['incoming', 'doubts', 'workers']) assert.ok(!existsSync(join(data, folder)), folder)
  assert.deepEqual(await huntAnew(server), marked())
  await server.stop()
  await demandConsistency(data)
})

test('stored plans that were damaged in any way are made anew, and miss nothing live or in a hunt', async (t) => {
  const damagedPlans: Readonly<Record<string, string>> = {
    whole: 'plan',
    cut_off: 'substr(plan, 1, length(plan) - 20)',
    garbage: "'no plan at all'",
    empty: "''",
    missing: 'NULL',
    header_only: 'substr(plan, 1, instr(plan, char(10)))',
    another_form: 'substr(plan, 1, instr(plan, char(10))) || \'{"rules":null}\'',
    never: 'replace(plan, \'"kind":"grams"\', \'"kind":"never"\')',
    another_gram: 'replace(plan, \'{"$u32":"\', \'{"$u32":"AAAA\')',
  }
  const server = copy(t)
  await server.start()
  for (const name of Object.keys(damagedPlans)) await server.demandRuleset(name, marks)
  await server.stop()
  for (const [name, expression] of Object.entries(damagedPlans)) {
    const which = `id = (SELECT revision_id FROM rulesets WHERE name = '${name}')`
    const [before] = rows(server.data, `SELECT plan FROM revisions WHERE ${which}`)
    change(server.data, `UPDATE revisions SET plan = ${expression} WHERE ${which}`)
    const isChanged = rows(server.data, `SELECT plan FROM revisions WHERE ${which}`)[0]?.plan !== before?.plan
    assert.equal(isChanged, name !== 'whole', `the plan of ${name} was not damaged`)
  }
  await server.start()
  const late = Buffer.from('late, and the marked words')
  await server.untilProcessed([await server.take(late, 'late')])
  for (const name of Object.keys(damagedPlans)) {
    assert.deepEqual(await server.matchesOf(name), [`marked ${sha256(late)}`], `the plan of ${name} missed it live`)
  }
  await server.startRetro()
  await server.retroCompleted()
  const all = [...marked(), `marked ${sha256(late)}`].sort()
  for (const name of Object.keys(damagedPlans)) {
    assert.deepEqual(await server.matchesOf(name), all, `the plan of ${name} missed some in the hunt`)
  }
  await server.stop()
  await demandConsistency(server.data)
})

for (const [how, damage] of [
  ['is cut off', (path: string) => truncateSync(path, 5_000)],
  ['is garbage', (path: string) => writeFileSync(path, random.bytes(20_000))],
  ['has lost its first page', (path: string) => overwrite(path, 0, Buffer.alloc(4096))],
  ['is empty', (path: string) => truncateSync(path, 0)],
  ['is missing', (path: string) => rmSync(path)],
] as const) {
  test(`a database that ${how} is refused with what to do, and the contents are left alone`, async (t) => {
    const server = copy(t)
    damage(join(server.data, 'backtrail.db'))
    const blobs = filesIn(server.data, 'blobs')
    const { code, stderr, stdout } = await backtrail(['serve', '--port', '0', '--data', server.data])
    assert.equal(code, 1, `${stdout}${stderr}`)
    assert.match(stderr, /backtrail\.db/)
    assert.match(stderr, /backup/)
    assert.doesNotMatch(stderr, /\n {4}at /, 'a stack is no explanation')
    assert.deepEqual(filesIn(server.data, 'blobs'), blobs)
    assert.deepEqual(underWay(server.data), [])
  })
}

function overwrite(path: string, position: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, position)
  closeSync(file)
}
