/**
 * Backups: taken while a server works on its folder, killed half-way, damaged, and restored elsewhere. What was
 * acknowledged before is there afterwards, or it is said that it is not.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { backtrail, backtrailTo, binary, folderWith } from '../cli/running.ts'
import { chosenSeed, type Random, randomFrom } from '../planner/random.ts'
import { change, demandConsistency, filesIn, rows } from './data-folder.ts'
import { KillableServer, sha256, until } from './killable-server.ts'
import { makeMarkedFolder, markedContent, marks } from './marked-folder.ts'

const SAMPLES = 20
const isLong = process.env.BACKTRAIL_LONG === '1'
const KILLS = isLong ? 16 : 2
const slow = { timeoutMs: 300_000 }

const prepared = mkdtempSync(join(tmpdir(), 'backtrail-backup-'))
let contents: readonly Buffer[] = []
let random: Random

/** A data folder at rest, with samples of which each second one is marked, a ruleset that finds these, and a backup. */
before(async (t) => {
  const seed = chosenSeed()
  console.log(`seed: ${seed}`)
  random = randomFrom(seed)
  contents = await makeMarkedFolder(t as TestContext, join(prepared, 'data'), random, SAMPLES)
  await backtrailTo(0, ['backup', join(prepared, 'backup'), '--data', join(prepared, 'data')])
})
after(() => rmSync(prepared, { recursive: true, force: true }))

const freshContent = (n: number): Buffer => markedContent(random, n)

/** Copies of the prepared data folder and its backup. */
function copies(t: TestContext): { readonly folder: string; readonly data: string; readonly backup: string } {
  const folder = folderWith(t)
  for (const name of ['data', 'backup']) cpSync(join(prepared, name), join(folder, name), { recursive: true })
  return { folder, data: join(folder, 'data'), backup: join(folder, 'backup') }
}

const contentOf = (backup: string, hex: string): string => join(backup, 'contents', hex.slice(0, 2), hex)
const hexOf = (n: number): string => sha256(contents[n] as Buffer)
const firstHex = (): string => hexOf(0)

async function huntedIn(data: string, ...how: string[]): Promise<string[]> {
  const rules = join(data, '..', 'marks.yar')
  writeFileSync(rules, marks)
  const { stdout, stderr } = await backtrailTo(0, ['hunt', rules, ...how, '--data', data], slow)
  assert.doesNotMatch(stderr, /could not be scanned/)
  return (stdout.match(/\b[0-9a-f]{64}\b/g) ?? []).sort()
}

const marked = (of: readonly Buffer[]): string[] =>
  of
    .filter((content) => content.includes('the marked words'))
    .map(sha256)
    .sort()

test('a backup taken while samples come and go restores all that was acknowledged before, its matches and hunts', async (t) => {
  const folder = folderWith(t)
  const backup = join(folder, 'backup')
  const server = new KillableServer(t)
  await server.start()
  await server.demandRuleset('marks', marks)
  const staying = Array.from({ length: 30 }, (_, n) => freshContent(n))
  const gone = Array.from({ length: 4 }, (_, n) => freshContent(n))
  await server.untilProcessed(
    await Promise.all([...staying, ...gone].map((content, n) => server.take(content, `s-${n}`))),
  )
  for (const content of gone) {
    const { status } = await server.call('DELETE', `/api/samples/${sha256(content)}/`)
    assert.equal(status, 200)
  }

  let taken = 0
  let removed = 0
  let isOver = false
  const load = async () => {
    while (!isOver) {
      const hex = await server.take(freshContent(taken), `load-${taken++}`)
      if (taken % 2 === 0) continue
      const { status, json } = await server.call('DELETE', `/api/samples/${hex}/`)
      assert.equal(status, 200, JSON.stringify(json))
      removed++
    }
  }
  const loading = Promise.all([load(), load(), load()])
  const acknowledged = [...staying]
  try {
    await backtrailTo(0, ['backup', backup, '--data', server.data], slow)
    const between = Array.from({ length: 6 }, (_, n) => freshContent(n))
    for (const [n, content] of between.entries()) await server.take(content, `between-${n}`)
    acknowledged.push(...between)
    const { stdout } = await backtrailTo(0, ['backup', backup, '--data', server.data], slow)
    assert.match(stdout, /is a backup of .*: \d+ samples? with .*, \d+ segments?; \d+ files? with .* were new/)
  } finally {
    isOver = true
    await loading
  }
  t.diagnostic(`${taken} samples came and ${removed} went meanwhile`)
  assert.ok(taken > 10 && removed > 5, 'there was no load to speak of')
  assert.equal(existsSync(join(backup, 'unfinished')), false)
  await server.stop()

  const data = join(folder, 'restored', 'data')
  await backtrailTo(0, ['restore', backup, '--data', data], slow)
  const { stdout } = await backtrailTo(0, ['check', '--data', data], slow)
  assert.match(stdout, /the database, \d+ contents and \d+ segments? checked/)
  const restored = new KillableServer(t, [], data)
  await restored.start()
  await restored.untilIdle()
  assert.equal(await restored.rulesetStatus('marks'), 'active')
  const hashes = acknowledged.map(sha256)
  assert.deepEqual((await restored.processedOf(hashes)).sort(), hashes.toSorted())
  assert.deepEqual(await restored.processedOf(gone.map(sha256)), [])
  for (const hash of hashes.slice(0, 5)) assert.equal(await restored.downloaded(hash), hash)
  await restored.stop()
  const matches = rows(
    data,
    'SELECT DISTINCT lower(hex(samples.sha256)) AS hex FROM matches JOIN samples ON samples.id = matches.sample_id',
  ).map(({ hex }) => String(hex))
  const expected = marked(acknowledged)
  assert.deepEqual(
    expected.filter((hex) => !matches.includes(hex)),
    [],
  )
  const found = await huntedIn(data)
  assert.deepEqual(found, await huntedIn(data, '--no-index'))
  assert.deepEqual(found, matches.toSorted())
  await demandConsistency(data)
})

test('the folder of a killed server is backed up with what its log holds, and a server starts meanwhile', async (t) => {
  const { folder, data } = copies(t)
  const server = new KillableServer(t, [], data)
  await server.start()
  const extra = Array.from({ length: 6 }, (_, n) => freshContent(200 + n))
  for (const [n, content] of extra.entries()) await server.take(content, `extra-${n}`)
  await server.kill()
  assert.ok(statSync(join(data, 'backtrail.db-wal')).size > 0)
  const backup = join(folder, 'new')
  const child = spawn(binary, ['backup', backup, '--data', data], { stdio: 'ignore' })
  const ended = once(child, 'close')
  // From here on the contents are copied, or more.
  await until(
    () => existsSync(join(backup, 'unfinished')) || child.exitCode !== null,
    () => 'the backup has begun',
  )
  await server.start()
  const [code] = await ended
  assert.equal(code, 0)
  await server.stop()
  const restored = new KillableServer(t, [], join(folder, 'restored'))
  await backtrailTo(0, ['restore', backup, '--data', restored.data])
  await restored.start()
  await restored.untilProcessed([...contents, ...extra].map(sha256))
  await restored.stop()
  await demandConsistency(restored.data)
})

test('a backup that is killed is recognised, leaves the earlier one whole, and is completed by the next', async (t) => {
  const { folder, data, backup } = copies(t)
  const fresh = join(folder, 'fresh')
  change(data, "UPDATE samples SET name = 'changed since'")
  const seen = { killed: 0, whole: 0, none: 0 }
  for (let round = 0; round < KILLS; round++) {
    const to = round % 2 === 0 ? fresh : backup
    const child = spawn(binary, ['backup', to, '--data', data, '--verify'], { stdio: 'ignore' })
    const ended = once(child, 'close')
    await Promise.race([sleep(100 + random.below(1_500)), ended])
    child.kill('SIGKILL')
    const [code] = await ended
    if (code === null) seen.killed++
    const { code: whole, stdout, stderr } = await backtrail(['restore', to, '--dry-run'])
    if (whole === 0) seen.whole++
    else {
      seen.none++
      assert.equal(to, fresh, `the earlier backup is not whole any more: ${stderr}`)
      assert.match(stderr, /never completed|There is no backup/, stdout)
      const refused = await backtrailTo(1, ['restore', to, '--data', join(folder, 'never')])
      assert.match(refused.stderr, /never completed|There is no backup/)
    }
  }
  t.diagnostic(JSON.stringify(seen))
  for (const [n, to] of [fresh, backup].entries()) {
    await backtrailTo(0, ['backup', to, '--data', data])
    assert.deepEqual(
      readdirSync(to)
        .map((name) => name.replace(/-[\w-]+\.db/, '.db'))
        .sort(),
      ['backup.json', 'contents', 'database.db', 'lock.db', 'segments'],
    )
    const restored = join(folder, `restored-${n}`)
    await backtrailTo(0, ['restore', to, '--data', restored])
    assert.deepEqual(rows(restored, 'SELECT DISTINCT name FROM samples'), [{ name: 'changed since' }])
    await demandConsistencyOf(restored)
  }
})

/** Of a folder that no server has made complete yet. */
async function demandConsistencyOf(data: string): Promise<void> {
  await backtrailTo(0, ['check', '--data', data])
  await demandConsistency(data)
}

const firstSegment = (backup: string): string =>
  join(backup, 'segments', readdirSync(join(backup, 'segments'))[0] as string)

interface Damage {
  /** `hex` is of a content, for damages of one. */
  readonly damage: (backup: string, hex: string) => void
  readonly says: RegExp
}

const ofContents: Readonly<Record<string, Damage>> = {
  'lacks a content': {
    damage: (backup, hex) => rmSync(contentOf(backup, hex)),
    says: /content [0-9a-f]{64} is missing/,
  },
  'has a content that was cut off': {
    damage: (backup, hex) => truncateSync(contentOf(backup, hex), 100),
    says: /content [0-9a-f]{64} has 100 bytes instead of \d+/,
  },
  'has a content that was changed': {
    damage: (backup, hex) => flip(contentOf(backup, hex)),
    says: /content [0-9a-f]{64} was changed/,
  },
}
const changedSegment: Damage = {
  damage: (backup) => flip(firstSegment(backup)),
  says: /segment [\w.-]+\.segment was changed/,
}
const lackingSegment: Damage = {
  damage: (backup) => rmSync(firstSegment(backup)),
  says: /segment [\w.-]+\.segment is missing/,
}
const damages: Readonly<Record<string, Damage>> = {
  ...ofContents,
  'has a segment that was changed': changedSegment,
  'lacks a segment': lackingSegment,
}

function flip(path: string): void {
  const bytes = readFileSync(path)
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
  writeFileSync(path, bytes)
}

// What the next test has all of together comes by itself only here.
for (const [how, { damage, says }] of Object.entries(isLong ? damages : { 'lacks a segment': lackingSegment })) {
  test(`a backup that ${how} is refused with what is wrong`, async (t) => {
    const { folder, backup } = copies(t)
    damage(backup, firstHex())
    const { stderr } = await backtrailTo(1, ['restore', backup, '--data', join(folder, 'restored')])
    assert.match(stderr, says)
    assert.match(stderr, /is not whole.*--partial/)
  })
}

test('of a backup with damages of several kinds, all are named, and --partial restores the rest', async (t) => {
  const { folder, backup } = copies(t)
  const all = [...Object.values(ofContents), changedSegment]
  // Each of another sample with the mark.
  for (const [n, { damage }] of all.entries()) damage(backup, hexOf(2 * n))
  const demandAll = (stderr: string) => {
    for (const { says } of all) assert.match(stderr, says)
  }
  const restored = join(folder, 'restored')
  demandAll((await backtrailTo(1, ['restore', backup, '--dry-run'])).stderr)
  const refused = await backtrailTo(1, ['restore', backup, '--data', restored])
  demandAll(refused.stderr)
  assert.match(refused.stderr, /is not whole.*--partial/)
  const start = await backtrailTo(1, ['serve', '--port', '0', '--data', restored])
  assert.match(start.stderr, /restore into .* did not come to its end/)
  demandAll((await backtrailTo(1, ['restore', backup, '--partial', '--data', restored])).stderr)
  const { stdout, stderr } = await backtrailTo(0, ['hunt', '-', '--no-index', '--data', restored], { input: marks })
  assert.equal(stdout.trim().split('\n').length, SAMPLES / 2 - 3)
  assert.match(stderr, /3 samples could not be scanned/)
})

const hopeless: Readonly<Record<string, { readonly damage: (backup: string) => void; readonly says: RegExp }>> = {
  'has no manifest': { damage: (backup) => rmSync(join(backup, 'backup.json')), says: /There is no backup in/ },
  'has half a manifest': {
    damage: (backup) => truncateSync(join(backup, 'backup.json'), 200),
    says: /backup\.json is damaged/,
  },
  'has a manifest that leads elsewhere': {
    damage: (backup) => {
      const path = join(backup, 'backup.json')
      const manifest = JSON.parse(readFileSync(path, 'utf8'))
      writeFileSync(
        path,
        JSON.stringify({ ...manifest, database: { ...manifest.database, file: '../data/backtrail.db' } }),
      )
    },
    says: /backup\.json is damaged/,
  },
  'is of a newer version': {
    damage: (backup) => {
      const path = join(backup, 'backup.json')
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), schema: 1_000 }))
    },
    says: /of a newer Backtrail/,
  },
  'has a changed database': { damage: (backup) => flip(databaseIn(backup)), says: /its database .* was changed/ },
  'has no database': { damage: (backup) => rmSync(databaseIn(backup)), says: /its database .* is missing/ },
}

const databaseIn = (backup: string): string =>
  join(backup, readdirSync(backup).find((name) => name.startsWith('database-')) as string)

test('a backup without a sound manifest or database is refused, also with --partial, and nothing is made of it', async (t) => {
  const { folder, backup } = copies(t)
  for (const [how, { damage, says }] of Object.entries(hopeless)) {
    const broken = join(folder, 'broken')
    cpSync(backup, broken, { recursive: true })
    damage(broken)
    const { stderr } = await backtrailTo(1, ['restore', broken, '--partial', '--data', join(folder, 'restored')])
    assert.match(stderr, says, how)
    assert.equal(existsSync(join(folder, 'restored')), false, how)
    rmSync(broken, { recursive: true })
  }
})

test('a restore that is killed is no data folder, and is completed by the next', async (t) => {
  const { folder, backup } = copies(t)
  const restored = join(folder, 'restored')
  for (let round = 0; round < KILLS / 2; round++) {
    const child = spawn(binary, ['restore', backup, '--data', restored], { stdio: 'ignore' })
    const ended = once(child, 'close')
    await Promise.race([sleep(100 + random.below(900)), ended])
    child.kill('SIGKILL')
    await ended
    if (existsSync(join(restored, 'backtrail.db')) && !existsSync(join(restored, 'restoring'))) {
      rmSync(restored, { recursive: true })
    } else if (existsSync(join(restored, 'restoring'))) {
      assert.match(
        (await backtrailTo(1, ['hunt', '-', '--data', restored], { input: marks })).stderr,
        /did not come to its end/,
      )
    }
  }
  await backtrailTo(0, ['restore', backup, '--data', restored])
  assert.deepEqual(await huntedIn(restored), marked(contents))
  await demandConsistency(restored)
})

test('folders that a backup or a restore would spoil are refused, and stay as they were', async (t) => {
  const { folder, data, backup } = copies(t)
  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other', 'letter.txt'), 'mine')
  writeFileSync(join(folder, 'file'), 'mine')
  const refusals: readonly (readonly [string[], number, RegExp])[] = [
    [['backup', join(folder, 'other'), '--data', data], 3, /neither empty nor a backup/],
    [['backup', data, '--data', data], 3, /must not lie in each other/],
    [['backup', join(data, 'backup'), '--data', data], 3, /must not lie in each other/],
    [['backup', folder, '--data', data], 3, /must not lie in each other/],
    [['backup', join(folder, 'file'), '--data', data], 1, /is a file|a part of this path is a file/],
    [['backup', join(folder, 'new'), '--data', join(folder, 'nothing')], 3, /there is nothing to back up/],
    [['restore', backup, '--data', data], 3, /is not empty/],
    [['restore', backup, '--data', join(folder, 'other')], 3, /is not empty/],
    [['restore', join(folder, 'other'), '--data', join(folder, 'new')], 1, /There is no backup in/],
  ]
  for (const [parameters, code, says] of refusals) {
    const { stderr } = await backtrailTo(code, parameters)
    assert.match(stderr, says, parameters.join(' '))
    assert.doesNotMatch(stderr, /defect/)
  }
  assert.deepEqual(readdirSync(join(folder, 'other')), ['letter.txt'])
  assert.deepEqual(readdirSync(folder).sort(), ['backup', 'data', 'file', 'other'])
})

test('a later backup copies only what is new and drops what was deleted; links share the files; all is private', async (t) => {
  const { folder, data, backup } = copies(t)
  chmodSync(backup, 0o755)
  const server = new KillableServer(t, [], data)
  await server.start()
  const extra = freshContent(100)
  await server.untilProcessed([await server.take(extra, 'extra')])
  await server.call('DELETE', `/api/samples/${firstHex()}/`)
  const { stdout } = await backtrailTo(0, ['backup', backup, '--data', data])
  await server.stop()
  const [, files = ''] = /; (\d+) files? with .* were new/.exec(stdout) ?? []
  // The sample, and the segments that came of it.
  assert.ok(Number(files) >= 1 && Number(files) <= 4, stdout)
  assert.equal(existsSync(contentOf(backup, sha256(extra))), true)
  assert.equal(existsSync(contentOf(backup, firstHex())), false)
  for (const name of filesIn(backup, '.')) assert.equal(statSync(join(backup, name)).mode & 0o077, 0, name)

  const linked = join(folder, 'linked')
  await backtrailTo(0, ['backup', linked, '--link', '--data', data])
  const hex = sha256(extra)
  assert.equal(statSync(contentOf(linked, hex)).ino, statSync(join(data, 'blobs', hex.slice(0, 2), hex)).ino)
  assert.match(
    (await backtrailTo(0, ['backup', linked, '--link', '--data', data])).stdout,
    / 0 files with 0 bytes were new/,
  )
  assert.equal(statSync(linked).mode & 0o077, 0)

  const restored = join(folder, 'restored')
  await backtrailTo(0, ['restore', linked, '--data', restored])
  for (const name of filesIn(restored, '.')) assert.equal(statSync(join(restored, name)).mode & 0o077, 0, name)
  assert.notEqual(statSync(join(restored, 'blobs', hex.slice(0, 2), hex)).ino, statSync(contentOf(linked, hex)).ino)
})

test('damage in an earlier backup is found with --verify, and after a killed backup, and mended from the data folder', async (t) => {
  const { data, backup } = copies(t)
  flip(contentOf(backup, firstHex()))
  await backtrailTo(0, ['backup', backup, '--data', data])
  await backtrailTo(1, ['restore', backup, '--dry-run'])
  assert.match(
    (await backtrailTo(0, ['backup', backup, '--verify', '--data', data])).stdout,
    /; 1 file with .* was new|1 file with .* were new/,
  )
  await backtrailTo(0, ['restore', backup, '--dry-run'])
  // As a power cut leaves a file that was being copied.
  writeFileSync(join(backup, 'unfinished'), '')
  flip(contentOf(backup, firstHex()))
  await backtrailTo(0, ['backup', backup, '--data', data])
  await backtrailTo(0, ['restore', backup, '--dry-run'])
})

test('a content that the data folder has lost is named by the backup and by the restore, and hides nothing else', async (t) => {
  const { folder, data } = copies(t)
  const [lost, changed] = contents.slice(0, 2).map(sha256) as [string, string]
  const blob = (hex: string) => join(data, 'blobs', hex.slice(0, 2), hex)
  rmSync(blob(lost))
  flip(blob(changed))
  const backup = join(folder, 'new')
  const { stderr } = await backtrailTo(1, ['backup', backup, '--data', data])
  assert.match(stderr, new RegExp(`sample ${lost}: its content is missing`))
  assert.match(stderr, new RegExp(`sample ${changed}: its content was changed`))
  const restored = join(folder, 'restored')
  assert.match((await backtrailTo(0, ['restore', backup, '--data', restored])).stderr, /2 samples had lost the content/)
  const { stdout, stderr: said } = await backtrailTo(0, ['hunt', '-', '--no-index', '--data', restored], {
    input: marks,
  })
  assert.equal(stdout.trim().split('\n').length, SAMPLES / 2 - 1)
  assert.match(said, /2 samples could not be scanned/)
})

test('a damaged database is not backed up, and the earlier backup stays', async (t) => {
  const { data, backup } = copies(t)
  const path = join(data, 'backtrail.db')
  const bytes = readFileSync(path)
  bytes.fill(0, 4096 * 2, 4096 * 4)
  writeFileSync(path, bytes)
  const { stderr } = await backtrailTo(1, ['backup', backup, '--data', data])
  assert.match(stderr, /is damaged/)
  assert.doesNotMatch(stderr, /defect/)
  await backtrailTo(0, ['restore', backup, '--dry-run'])
  assert.equal(readdirSync(backup).filter((name) => name.startsWith('database-')).length, 1)
})
