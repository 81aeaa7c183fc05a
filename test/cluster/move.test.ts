/** `backtrail move` with real processes, PostgreSQL and Ceph: a data folder into a cluster, and back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { contentFile } from '../../src/store/index.ts'
import { backtrail, backtrailTo, binary, folderWith, root, startServer } from '../cli/running.ts'
import { type Json, sha256 } from '../http/harness.ts'
import { chosenSeed } from '../planner/random.ts'
import { until } from '../until.ts'
import { type ClusterSettings, flagsOf, newCluster, noCluster } from './cluster.ts'

const skip = noCluster
const token = 'a'.repeat(40)
const env = { BACKTRAIL_ADMIN_TOKEN: token }
const timeoutMs = 300_000

const rules = {
  live: 'rule live { strings: $a = "segment" nocase $b = /sampl(e|es) / condition: $a and #b > 1 }',
  retro:
    'rule retro { strings: $a = "plan" fullword $b = { 63 6f 6e 73 74 ?? } condition: all of them and filesize < 20KB }',
  hunt: 'rule hunt { strings: $a = "literal" $b = "xor" wide ascii condition: any of them }',
}

function moveFlags(way: 'to' | 'from', folder: string, cluster: ClusterSettings): string[] {
  const other = way === 'to' ? '--from' : '--to'
  const names = { '--database': `--${way}-database`, '--store': `--${way}-store` } as Readonly<Record<string, string>>
  return ['move', other, folder, ...flagsOf(cluster).map((flag) => names[flag] ?? flag)]
}

async function ask(url: string, path: string, sent?: Json): Promise<Json> {
  const answer = await fetch(url + path, {
    headers: { authorization: `Token ${token}`, ...(sent && { 'content-type': 'application/json' }) },
    ...(sent && { method: 'POST', body: JSON.stringify(sent) }),
  })
  assert.ok(answer.status < 300, `${path}: ${answer.status} ${await answer.clone().text()}`)
  return answer.json()
}

const LONG_MS = 200_000

const retroState = async (url: string): Promise<string> =>
  (await ask(url, '/api/uploads/local-retro-hunt/')).status.state

async function runRetro(url: string): Promise<void> {
  await ask(url, '/api/uploads/local-retro-hunt/', { operation: 'START' })
  await until(async () => (await retroState(url)) === 'COMPLETED', 'Local Retro has ended', LONG_MS)
}

/** What an ad-hoc hunt finds. */
async function hunted(url: string): Promise<string[]> {
  const sent = { rules: [{ name: 'hunt', content: rules.hunt }] }
  const { id } = await ask(url, '/api/hunts/', sent)
  await until(async () => (await ask(url, `/api/hunts/${id}/`)).state === 'completed', 'the hunt has ended', LONG_MS)
  const { results } = await ask(url, `/api/hunts/${id}/results/?limit=1000`)
  return results.map(({ rule, sha256, filename }: Json) => `${rule} ${sha256} ${filename}`).sort()
}

/** A folder as a server leaves it, and what a server says of it. Made once; each test has a copy of its own. */
async function filledFolder(t: TestContext): Promise<{ readonly data: string; readonly expected: Json }> {
  filled ??= fill(t)
  const { data: original, expected } = await filled
  const data = join(folderWith(t), 'data')
  cpSync(original, data, { recursive: true })
  return { data, expected }
}

const ofAll = mkdtempSync(join(tmpdir(), 'backtrail-move-'))
after(() => rmSync(ofAll, { recursive: true, force: true }))
let filled: ReturnType<typeof fill> | undefined

/** A small real corpus in a data folder: sources of this checkout, matched live and by Local Retro. */
async function fill(t: TestContext): Promise<{ readonly data: string; readonly expected: Json }> {
  const data = join(ofAll, 'data')
  const server = await startServer(t, ['--data', data], { env })
  await ask(server.url, '/api/yara/ruleset/', { name: 'live_rules', content: rules.live })
  for (const folder of ['src/planner', 'src/index']) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (!entry.isFile()) continue
      const multipart = new FormData()
      const content = readFileSync(join(root, folder, entry.name))
      multipart.append('file', new Blob([content as unknown as string]), entry.name)
      multipart.append('tags', 'ä tag')
      const sent = { method: 'POST', body: multipart, headers: { authorization: `Token ${token}` } }
      assert.equal((await fetch(`${server.url}/api/submit/file/`, sent)).status, 201)
    }
  }
  await until(
    async () => {
      const { intake } = await ask(server.url, '/api/health/')
      return intake.queued + intake.processing === 0
    },
    'everything is processed',
    LONG_MS,
  )
  await ask(server.url, '/api/yara/ruleset/', { name: 'retro_rules', content: rules.retro })
  await runRetro(server.url)
  assert.equal(await server.stop(), 0)
  const expected = await answersOf(t, ['--data', data])
  for (const some of ['live', 'retro', 'hunt']) assert.ok(expected[some].length > 5, some)
  return { data, expected }
}

/** What a server says of everything that was moved, and what it finds anew. */
async function answersOf(t: TestContext, place: readonly string[]): Promise<Json> {
  const server = await startServer(t, place, { env })
  const matches = async (name: string) =>
    (await ask(server.url, `/api/yara/v2/ruleset/matches/?name=${name}`)).results.map((one: Json) => one.sha1).sort()
  const before = { live: await matches('live_rules'), retro: await matches('retro_rules') }
  const hunt = await hunted(server.url)
  await runRetro(server.url)
  const answers = {
    ...before,
    retroAgain: await matches('retro_rules'),
    liveAgain: await matches('live_rules'),
    hunt,
    overview: (await ask(server.url, '/api/overview/')).samples,
    rulesets: (await ask(server.url, '/api/rulesets/')).results.map(({ last_matched: _, ...rest }: Json) => rest),
    tags: (await ask(server.url, '/api/samples/?page=1&page_size=500')).results,
  }
  assert.equal(await server.stop(), 0)
  return answers
}

/** Runs a move until it says that a phase has begun, and kills it then. */
async function killedIn(phase: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(binary, parameters, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const closed = once(child, 'close')
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (piece) => {
    said += piece
    // The program is a child of the shell that looks for Node.
    if (said.includes(`${phase}: `) && child.pid) process.kill(-child.pid, 'SIGKILL')
  })
  await closed
  assert.ok(said.includes(`${phase}: `), said)
}

const isLong = process.env.BACKTRAIL_LONG === '1'
const phases = ['contents', 'index', 'rows', 'comparison']
/** In the short run a move is killed in every second of them, on the way back in the others, or the other way round by the seed. */
const killedBy = (seed: number) => phases.filter((_, n) => isLong || n % 2 === seed % 2)

test('a folder in a cluster, and one made of a cluster, answer as the first one did, wherever the moves were killed; nothing starts before their end', {
  skip,
}, async (t) => {
  const seed = chosenSeed()
  t.diagnostic(`seed ${seed}`)
  const { data, expected } = await filledFolder(t)
  const cluster = await newCluster()
  const into = moveFlags('to', data, cluster)
  const inCluster = ['--data', join(folderWith(t), 'cache'), ...flagsOf(cluster)]
  for (const phase of isLong ? [...phases, 'rows'] : killedBy(seed)) await killedIn(phase, into)
  const blocked = await backtrailTo(1, ['serve', '--port', '0', '--data', data])
  assert.match(blocked.stderr, /are being moved to s3:.*did not come to its end\. Run "backtrail move" again/)
  const target = await backtrailTo(1, ['serve', '--port', '0', ...inCluster])
  assert.match(target.stderr, /is being moved into this database/)
  const { stdout, stderr } = await backtrailTo(0, into, { timeoutMs })
  assert.match(
    stdout,
    /is in s3:\/\/\S+ and its database now: [\d,]+ samples with .*, [1-9]\d* segments?, [\d,]+ rows\n$/,
  )
  // Rows may be there already.
  for (const phase of ['contents', 'index', 'comparison']) assert.match(stderr, new RegExp(`^${phase}: `, 'm'))

  const back = join(folderWith(t), 'back')
  const out = moveFlags('from', back, cluster)
  for (const phase of killedBy(seed + 1)) await killedIn(phase, out)
  assert.match((await backtrailTo(1, ['serve', '--port', '0', '--data', back])).stderr, /did not come to its end/)
  assert.match((await backtrailTo(1, ['serve', '--port', '0', ...inCluster])).stderr, /being moved/)
  await backtrailTo(0, out, { timeoutMs })
  await backtrailTo(0, ['check', '--data', back], { timeoutMs })
  assert.deepEqual(await answersOf(t, ['--data', back]), expected)
  // What was moved into it, and stayed as it was when that was moved out of it.
  assert.deepEqual(await answersOf(t, inCluster), expected)
  // The first source is as it was.
  assert.deepEqual(await answersOf(t, ['--data', data]), expected)
})

test('what the folder has lost is named, and moved over in silence by nobody', { skip }, async (t) => {
  const { data } = await filledFolder(t)
  const cluster = await newCluster()
  const contents = ['gram.ts', 'signing.ts', 'merging.ts'].map((name) => readFileSync(join(root, 'src/index', name)))
  const [gone = '', changed = '', cut = ''] = contents.map(sha256)
  rmSync(join(data, contentFile(gone)))
  const bytes = Buffer.from(contents[1] ?? '')
  bytes[0] = (bytes[0] ?? 0) ^ 1
  writeFileSync(join(data, contentFile(changed)), bytes)
  truncateSync(join(data, contentFile(cut)), 10)
  const [segment = ''] = readdirSync(join(data, 'index'))
  const whole = readFileSync(join(data, 'index', segment))
  whole[whole.length >> 1] = (whole[whole.length >> 1] ?? 0) ^ 1
  writeFileSync(join(data, 'index', segment), whole)
  const says = [
    new RegExp(`sample ${gone}: its content is missing`),
    new RegExp(`sample ${changed}: its content was changed`),
    new RegExp(`sample ${cut}: its content has 10 bytes instead of`),
    new RegExp(`segment ${segment}: .*; its samples are indexed anew`),
  ]
  const refused = await backtrailTo(1, moveFlags('to', data, cluster), { timeoutMs })
  for (const sentence of [...says, /has lost some of what its rows name.*--partial/])
    assert.match(refused.stderr, sentence)
  const inCluster = ['--data', join(folderWith(t), 'cache'), ...flagsOf(cluster)]
  assert.match(
    (await backtrailTo(1, ['serve', '--port', '0', ...inCluster])).stderr,
    /is being moved into this database/,
  )
  // The folder itself can be mended meanwhile.
  const server = await startServer(t, ['--data', data], { env })
  assert.equal(await server.stop(), 0)
  const partial = await backtrailTo(1, [...moveFlags('to', data, cluster), '--partial'], { timeoutMs })
  for (const sentence of says.slice(0, 3)) assert.match(partial.stderr, sentence)
  assert.match(partial.stdout, /and its database now/)
  const { BACKTRAIL_TOKEN, ...place } = {
    BACKTRAIL_TOKEN: token,
    BACKTRAIL_DATABASE: cluster.database,
    BACKTRAIL_STORE: cluster.store,
    BACKTRAIL_STORE_ENDPOINT: cluster.storeEndpoint,
    BACKTRAIL_STORE_PATH_STYLE: cluster.storePathStyle,
    BACKTRAIL_STORE_CREDENTIALS: cluster.storeCredentials,
  }
  const check = await backtrail(['check', '--data', join(folderWith(t), 'other')], { env: place, timeoutMs })
  assert.equal(check.code, 1)
  for (const digest of [gone, changed, cut]) assert.ok((check.stdout + check.stderr).includes(digest), digest)
})

test('a move is refused while a server has the folder, into what is not empty, and from both sides', {
  skip,
}, async (t) => {
  const data = join(folderWith(t), 'data')
  const cluster = await newCluster()
  const into = moveFlags('to', data, cluster)
  assert.match((await backtrailTo(3, into)).stderr, /there is nothing to move/)
  const server = await startServer(t, ['--data', data], { env })
  assert.match((await backtrailTo(4, into)).stderr, /is locked by the server at/)
  await server.stop()
  const used = await newCluster()
  const inCluster = ['--data', join(folderWith(t), 'cache'), ...flagsOf(used)]
  const other = await startServer(t, inCluster, { env })
  assert.match((await backtrailTo(4, moveFlags('to', data, used))).stderr, /Another Backtrail server works on this/)
  assert.match((await backtrailTo(4, moveFlags('from', `${data}2`, used))).stderr, /Another Backtrail server works on/)
  await other.stop()
  assert.match((await backtrailTo(3, moveFlags('to', data, used))).stderr, /The database is not empty \(users has/)
  assert.match((await backtrailTo(3, moveFlags('from', data, used))).stderr, /is not empty; name a folder/)
  assert.match(
    (await backtrailTo(3, ['move', '--from', data, '--to', `${data}3`])).stderr,
    /from one side to the other/,
  )
  // Nothing was left behind by what was refused: the folder starts, and moves.
  await (await startServer(t, ['--data', data], { env })).stop()
  await backtrailTo(0, into, { timeoutMs })
  assert.match((await backtrailTo(3, into)).stderr, /is not empty/)
})
