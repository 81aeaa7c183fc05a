/**
 * Nodes of a cluster work on hunts and examine samples that arrive: with real PostgreSQL, Ceph and processes, and whatever
 * becomes of the nodes.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { storedZip } from '../../src/archives/stored-zip.fixture.ts'
import { DatabaseHealth } from '../../src/store/database-health.ts'
import type { Store } from '../../src/store/index.ts'
import { openStoreOfNode } from '../../src/store/postgres/store.ts'
import { backtrail, backtrailTo, folderWith, startServer } from '../cli/running.ts'
import { type Json, sha1, TestServer } from '../http/harness.ts'
import { asManyFacts, linuxPrograms } from '../programs/built-programs.ts'
import { until } from './client.ts'
import { type ClusterSettings, flagsOf, newCluster, noCluster } from './cluster.ts'
import { type RunningNode, startNode } from './running-nodes.ts'

const skip = noCluster
let cluster: ClusterSettings
let server: TestServer
let store: Store

/** Every third has the mark. */
const samples = Array.from(
  { length: 45 },
  (_, n) =>
    `sample ${n} ${n % 3 === 0 ? 'the marked words' : 'other words'} ${randomBytes(8_000 + n).toString('base64')}`,
)
const marked = samples
  .filter((_, n) => n % 3 === 0)
  .map((text) => sha1(text))
  .sort()

before(async () => {
  if (noCluster !== false) return
  cluster = await newCluster()
  server = await TestServer.start({ ...cluster, huntWork: 'nodes', intakeWork: 'nodes' })
  store = await openStoreOfNode(cluster.database, new DatabaseHealth())
  await ingest(server)
})
after(async () => {
  for (const end of ends.reverse()) await end()
  await store?.close()
  await server?.stop()
})

/** Nodes live on from one test to the next: each takes its time to start. */
let running: RunningNode[] = []
const ends: (() => unknown)[] = []
const ofTheFile = { after: (end: () => unknown) => void ends.push(end) } as unknown as TestContext

async function ingest(into: TestServer): Promise<void> {
  await Promise.all(
    samples.map(async (content, n) => {
      const multipart = new FormData()
      multipart.append('file', new Blob([content]), `sample-${n}.txt`)
      assert.equal((await into.post('/api/submit/file/', { multipart })).status, 201)
    }),
  )
  await into.appliance.intake.idle()
  await into.appliance.segments.settled()
}

/** Takes some hundredths of a second on each sample. */
const slow = `
rule slow {
  strings: $a = "the marked words"
  condition: for all i in (0..4000000) : ( i >= 0 ) and $a
}`
/** The check of a text does not meet a sample with the mark. */
const endless =
  'rule endless { strings: $a = "the marked words" condition: $a and for all i in (0..90000000000) : ( i >= 0 ) }'
const quick = 'rule quick { strings: $a = "the marked words" $b = /sample [0-9]+/ condition: all of them }'
const named = 'rule named { strings: $a = "the marked words" condition: $a and filename matches /-[0-9]\\.txt$/ }'

async function beginHunt(content: string, useIndex: boolean, of = server): Promise<number> {
  const texts = [{ name: 'hunt', content }]
  const request = { texts, selection: {}, title: null, partial: false, useIndex }
  const by = await of.appliance.accounts.users.operator()
  return (await of.appliance.adHocHunts.create(by, request)).id
}

/** `rule sha1 name strings`, sorted, once the hunt has ended. */
async function foundBy(id: number, of = server): Promise<string[]> {
  await of.appliance.adHocHunts.settled(id)
  const { state, failure } = await of.appliance.adHocHunts.get(id)
  assert.equal(state, 'completed', failure ?? '')
  const found: string[] = []
  for await (const { sha1, rule, strings, filename } of of.appliance.adHocHunts.allHits(id))
    found.push(`${rule} ${sha1} ${filename} ${JSON.stringify(strings)}`)
  assert.equal(new Set(found).size, found.length, 'a hit was stored twice')
  return found.sort()
}

const sha1sOf = (found: readonly string[]) => found.map((each) => each.split(' ')[1]).sort()

async function retroFinds(name: string, text: string, of: TestServer): Promise<string[]> {
  await of.saveRuleset(name, text)
  await of.post('/api/uploads/local-retro-hunt/', { form: { operation: 'START' } })
  await of.appliance.localRetro.idle()
  const { json } = await of.get(`/api/yara/v2/ruleset/matches/?name=${name}`)
  return json.results.map((match: Json) => match.sha1).sort()
}

const isKnown = (node: { readonly id: number }) => () => server.logged().includes(`"node":${node.id},`)
const countsOf = async (id: number) => (await store.nodes.list()).find((node) => node.id === id)
const heldBy = async (id: number) => (await store.huntParts.heldBy(id)).length

/** So many nodes, no more and no fewer: those that run already first. */
async function haveNodes(count: number): Promise<readonly RunningNode[]> {
  running = running.filter(({ child }) => child.exitCode === null && child.signalCode === null)
  for (const node of running.splice(count)) await node.stop('SIGKILL')
  const more = Array.from({ length: count - running.length }, () => startNode(ofTheFile, cluster))
  running.push(...(await Promise.all(more)))
  for (const node of running) await until(isKnown(node), `the server knows node ${node.id}`)
  return running
}

test('hunts of all kinds find the same with one and with three nodes as with SQLite and files', { skip }, async () => {
  const answersOf = async (of: TestServer, round: number) => ({
    quick: await foundBy(await beginHunt(quick, true, of), of),
    named: await foundBy(await beginHunt(named, true, of), of),
    whole: await foundBy(await beginHunt(quick, false, of), of),
    retro: await retroFinds(`retro_${round}`, quick, of),
  })
  const alone = await TestServer.start()
  let expected: Json
  try {
    await ingest(alone)
    expected = await answersOf(alone, 0)
  } finally {
    await alone.stop()
  }
  assert.deepEqual(sha1sOf(expected.quick), marked)
  assert.ok(expected.named.length > 0 && expected.named.length < marked.length)
  for (const [round, nodes] of [1, 3].entries()) {
    await haveNodes(nodes)
    assert.deepEqual(await answersOf(server, round), expected, `with ${nodes} nodes`)
  }
  const counts = await store.nodes.list()
  assert.equal(counts.length, 3)
  // Each takes part: what is not offered is done by nobody else.
  assert.ok(
    counts.every(({ done, refused, failed }) => done > 0 && refused === 0 && failed === 0),
    JSON.stringify(counts),
  )
})

test('a node that is killed in the middle of a hunt changes nothing, and its parts go on before it was silent for long', {
  skip,
}, async () => {
  const [first, second] = await haveNodes(2)
  assert.ok(first && second)
  const done = (await countsOf(second.id))?.done ?? 0
  const hunt = await beginHunt(slow, false)
  await until(async () => (await heldBy(first.id)) > 0, 'the node has parts')
  await first.stop('SIGKILL')
  const killed = performance.now()
  await until(async () => (await heldBy(first.id)) === 0, 'its parts are given up')
  const took = performance.now() - killed
  // Its silence would be noticed after five seconds; its lock is gone at once.
  assert.ok(took < 5_000, `${took} ms`)
  assert.deepEqual(sha1sOf(await foundBy(hunt)), marked)
  assert.ok(((await countsOf(second.id))?.done ?? 0) > done)
})

/** Hunts of the other tests find none of what arrives in these. */
const aboutArriving = (rule: string) => rule.replaceAll('the marked words', 'the arriving words')

/** What arrives: programs, an archive with members, texts of which some are marked, and nothing at all. */
const arriving: readonly (readonly [name: string, content: Buffer])[] = [
  ...Object.values(asManyFacts()).map((program, n) => [`program-${n}.exe`, program] as const),
  ...linuxPrograms().map((program, n) => [`linux-${n}`, program] as const),
  ...Array.from({ length: 9 }, (_, n) => [`text-${n}.txt`, textOf(n, n % 3 === 0)] as const),
  ['an archive.zip', storedZip([{ name: Buffer.from('member-5.txt'), bytes: textOf(99, true) }])],
  ['nothing', Buffer.alloc(0)],
]

function textOf(n: number, isMarked: boolean): Buffer {
  return Buffer.from(
    `sample ${n} ${isMarked ? 'the arriving words' : 'other words'} ${randomBytes(6_000).toString('hex')}`,
  )
}

async function upload(into: TestServer, files: readonly (readonly [string, Buffer])[]): Promise<void> {
  await Promise.all(
    files.map(async ([name, content]) => {
      const multipart = new FormData()
      multipart.append('file', new Blob([new Uint8Array(content)]), name)
      assert.equal((await into.post('/api/submit/file/', { multipart })).status, 201)
    }),
  )
}

/** All that is known of a sample, but for what differs from one collection to the next. */
async function knownOf(content: Buffer, of: TestServer): Promise<unknown> {
  const { sample, program, members } = await of.appliance.samples.details(sha1(content))
  const { id: _, firstSeen: __, lastSeen: ___, processedAt: ____, ...facts } = sample as Json
  const { json } = await of.get(`/api/yara/v2/ruleset/matches/?name=live_quick`)
  const matched = json.results.filter((match: Json) => match.sha1 === sha1(content)).map(({ rule }: Json) => rule)
  return { facts, program, members: members.map(({ path }: Json) => path), matched }
}

/** How many tasks of a kind the server has given to its own workers from now on. */
function countedTasks(t: TestContext): (kind: string) => number {
  const { mock } = t.mock.method(server.appliance.pool, 'run')
  return (kind) => mock.calls.filter((call) => (call.arguments[0] as string) === kind).length
}

/** The live set is sent once it has not been changed for a while. */
async function untilNodesExamine(): Promise<void> {
  await until(async () => {
    await upload(server, [['probe', randomBytes(500)]])
    const before = (await store.nodes.list()).reduce((sum, { done }) => sum + done, 0)
    await server.appliance.intake.idle()
    await delay(600)
    return (await store.nodes.list()).reduce((sum, { done }) => sum + done, 0) > before
  }, 'nodes examine what arrives')
}

test('what nodes find out about samples that arrive is what a server alone does with SQLite and files', {
  skip,
}, async (t) => {
  const answersOf = async (of: TestServer, examined: () => Promise<void> = async () => {}) => {
    await of.saveRuleset('live_quick', aboutArriving(quick))
    await of.saveRuleset('live_named', aboutArriving(named))
    await examined()
    await upload(of, arriving)
    await of.appliance.intake.idle()
    await of.appliance.segments.settled()
    const known = await Promise.all(arriving.map(([, content]) => knownOf(content, of)))
    return { known, found: sha1sOf(await foundBy(await beginHunt(aboutArriving(quick), true, of), of)) }
  }
  const alone = await TestServer.start()
  const expected = await answersOf(alone).finally(() => alone.stop())
  assert.ok(expected.known.some((one: Json) => one.program?.exports !== null && one.matched.length === 0))
  await haveNodes(2)
  let here: (kind: string) => number = () => -1
  const { known, found } = await answersOf(server, async () => {
    await untilNodesExamine()
    here = countedTasks(t)
  })
  assert.equal(here('examine'), 0, 'the server has examined none')
  assert.equal(here('merge'), 0, 'the server has merged none')
  // Two tiers are behind them.
  assert.ok((await server.appliance.segments.stats()).segments < 8)
  assert.deepEqual(known, expected.known)
  for (const sha of expected.found) assert.ok(found.includes(sha))
  // Each signature is computed once more, and compared.
  assert.deepEqual((await server.appliance.segments.check({ each: 1 })).problems, [])
})

/** Takes a tenth of a second on each marked sample, when it arrives: whoever is to be stopped in the middle of it must have more. */
async function withSlowIntake(t: TestContext, nodes: number) {
  const started = [...(await haveNodes(nodes))]
  await server.saveRuleset('live_slow', aboutArriving(slow.replace('4000000', '9000000')))
  t.after(() => server.delete('/api/yara/ruleset/', { form: { name: 'live_slow' } }).catch(() => {}))
  await untilNodesExamine()
  const files = Array.from({ length: 30 }, (_, n) => [`slow-${n}`, textOf(n, true)] as const)
  return { nodes: started, files, hashes: files.map(([, content]) => sha1(content)).sort() }
}

async function matchesOf(name: string): Promise<string[]> {
  const { json } = await server.get(`/api/yara/v2/ruleset/matches/?name=${name}`)
  return json.results.map((match: Json) => match.sha1).sort()
}

const holdsArriving = (id: number) => async () =>
  (await store.huntParts.list()).some((part) => part.kind === 'examine' && part.nodeId === id)

test('samples whose node is killed while it examines them are examined by others, and none is lost', {
  skip,
}, async (t) => {
  const { nodes, files, hashes } = await withSlowIntake(t, 2)
  await upload(server, files)
  await until(async () => {
    for (const node of nodes) {
      if (!(await holdsArriving(node.id)())) continue
      await node.stop('SIGKILL')
      return true
    }
    return false
  }, 'a node has samples')
  await server.appliance.intake.idle()
  const found = await matchesOf('live_slow')
  assert.deepEqual(
    hashes.filter((sha) => !found.includes(sha)),
    [],
  )
  assert.equal(new Set(found).size, found.length)
})

test('what a node that slept answers about samples is refused and counted; the server has examined them', {
  skip,
}, async (t) => {
  const { nodes, files, hashes } = await withSlowIntake(t, 1)
  const [sleeper] = nodes
  assert.ok(sleeper)
  const refused = (await countsOf(sleeper.id))?.refused ?? 0
  await upload(server, files)
  await until(holdsArriving(sleeper.id), 'the node has samples')
  sleeper.child.kill('SIGSTOP')
  await server.appliance.intake.idle()
  const found = await matchesOf('live_slow')
  assert.deepEqual(
    hashes.filter((sha) => !found.includes(sha)),
    [],
  )
  assert.equal((await countsOf(sleeper.id))?.refused, refused)
  sleeper.child.kill('SIGCONT')
  await until(async () => ((await countsOf(sleeper.id))?.refused ?? 0) > refused, 'the refusal is counted')
  assert.deepEqual(await matchesOf('live_slow'), found)
})

test('a sample that a node examines while the rules change is matched with the new ones too, and not with old ones', {
  skip,
}, async (t) => {
  const { nodes, files, hashes } = await withSlowIntake(t, 1)
  const [node] = nodes
  assert.ok(node)
  await upload(server, files)
  await until(holdsArriving(node.id), 'the node has samples')
  await server.saveRuleset('live_new', aboutArriving(quick))
  t.after(() => server.delete('/api/yara/ruleset/', { form: { name: 'live_new' } }).catch(() => {}))
  // Some may be processed before it is there.
  const { json } = await server.post('/api/samples/status/?status=processed', { form: { hash_values: hashes } })
  const early = new Set(json.results.map(({ hash_value }: Json) => hash_value))
  assert.ok(early.size < hashes.length, 'it came in between')
  await server.appliance.intake.idle()
  const found = await matchesOf('live_new')
  assert.deepEqual(
    hashes.filter((sha) => !found.includes(sha) && !early.has(sha)),
    [],
  )
})

test('operators see the nodes, what they hold and what they have done', { skip }, async () => {
  const [node] = await haveNodes(1)
  assert.ok(node)
  const before = (await countsOf(node.id))?.done ?? 0
  await foundBy(await beginHunt(quick, true))
  await until(async () => ((await countsOf(node.id))?.done ?? 0) > before, 'the node has done some')
  const metrics = async () => (await server.get('/metrics', { isDocumented: false })).text
  const done = new RegExp(`^backtrail_node_parts_total{node="${node.id}",host="[^"]+",outcome="done"} [1-9]`, 'm')
  await until(async () => done.test(await metrics()), 'the metrics have it')
  assert.match(await metrics(), /^backtrail_nodes 1$/m)
  const hunt = await beginHunt(endless, false)
  await until(async () => (await heldBy(node.id)) > 0, 'the node holds parts')
  const of = ['--database', cluster.database, '--store', cluster.store]
  const { nodes, hunts } = JSON.parse((await backtrailTo(0, ['cluster', 'status', '--json', ...of])).stdout)
  const [shown] = nodes.filter(({ id }: Json) => id === node.id)
  assert.equal(shown.isConnected, true)
  assert.ok(shown.parts > 0 && shown.done > 0 && shown.cacheBytes > 0, JSON.stringify(shown))
  assert.deepEqual(
    hunts.map(({ id }: Json) => id),
    [hunt],
  )
  const { json: seen } = await server.get('/api/cluster/')
  assert.equal(seen.alone, false)
  const [its] = seen.nodes.filter(({ id }: Json) => id === node.id)
  assert.ok(its.state === 'connected' && its.parts > 0 && its.done > 0 && its.cache_bytes > 0, JSON.stringify(its))
  assert.ok(
    seen.parts.some((part: Json) => part.hunt === hunt && part.state === 'claimed' && part.node === node.id),
    JSON.stringify(seen.parts),
  )
  const waits = seen.waiting.filter(({ what }: Json) => what === 'batches of candidates to scan')
  const offered = seen.parts.filter(({ state }: Json) => state === 'offered')
  assert.equal(waits.length, offered.length > 0 ? 1 : 0)
  await server.appliance.adHocHunts.cancel(await server.appliance.accounts.users.operator(), hunt)
  await node.stop('SIGKILL')
  const table = (await backtrailTo(0, ['cluster', 'status', ...of])).stdout
  assert.match(table, new RegExp(`^${node.id} .* gone .* [1-9]\\d* +0 +\\d+$`, 'm'))
})

test('hunts go on when PostgreSQL has ended all connections in the middle of them', { skip }, async (t) => {
  const client = new pg.Client(cluster.database)
  await client.connect()
  t.after(() => client.end())
  await haveNodes(1)
  const hunt = await beginHunt(slow, false)
  for (const processed of [0, 10, 20]) {
    await until(async () => (await server.appliance.adHocHunts.get(hunt)).processed >= processed, 'it has come so far')
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    )
  }
  assert.deepEqual(sha1sOf(await foundBy(hunt)), marked)
})

test('without any node left, the server goes on by itself', { skip }, async () => {
  const [only] = await haveNodes(1)
  assert.ok(only)
  const hunt = await beginHunt(slow, false)
  await until(async () => (await heldBy(only.id)) > 0, 'the node has parts')
  await only.stop('SIGKILL')
  assert.deepEqual(sha1sOf(await foundBy(hunt)), marked)
})

test('a node that slept until others had done its parts has its late results refused and counted', {
  skip,
}, async () => {
  const [sleeper] = await haveNodes(1)
  assert.ok(sleeper)
  const hunt = await beginHunt(slow, false)
  // It has begun: of parts whose rules it has not read yet, there is no result that could be late.
  await until(async () => ((await countsOf(sleeper.id))?.done ?? 0) > 0, 'the node has done some')
  await until(async () => (await heldBy(sleeper.id)) > 2, 'the node has more')
  const slept = performance.now()
  sleeper.child.kill('SIGSTOP')
  assert.deepEqual(sha1sOf(await foundBy(hunt)), marked)
  assert.equal((await countsOf(sleeper.id))?.refused, 0)
  // It is taken for dead after five seconds; how much longer it sleeps changes nothing.
  if (process.env.BACKTRAIL_LONG === '1') await delay(30_000 - (performance.now() - slept))
  sleeper.child.kill('SIGCONT')
  await until(async () => ((await countsOf(sleeper.id))?.refused ?? 0) > 0, 'the refusal is counted')
  assert.deepEqual(sha1sOf(await foundBy(hunt)), marked)
  // It works on with new parts.
  const done = (await countsOf(sleeper.id))?.done ?? 0
  await until(async () => sha1sOf(await foundBy(await beginHunt(slow, false))).length === marked.length, 'it hunts')
  await until(async () => ((await countsOf(sleeper.id))?.done ?? 0) > done, 'it works again')
})

test('a hunt that is cancelled is not worked on any more by nodes, however long its rules run', { skip }, async () => {
  const [node] = await haveNodes(1)
  assert.ok(node)
  const hunt = await beginHunt(endless, false)
  await until(async () => (await heldBy(node.id)) > 0, 'the node has parts')
  await server.appliance.adHocHunts.cancel(await server.appliance.accounts.users.operator(), hunt)
  assert.deepEqual(await store.huntParts.list(), [])
  // Its worker is free: the next hunt would wait for the end of its time otherwise.
  const before = performance.now()
  assert.deepEqual(sha1sOf(await foundBy(await beginHunt(quick, true))), marked)
  assert.ok(performance.now() - before < 10_000)
})

test('a node that is asked to stop ends well and is not listed any more', { skip }, async () => {
  const [node] = await haveNodes(1)
  assert.ok(node)
  const hunt = await beginHunt(slow, false)
  await until(async () => (await heldBy(node.id)) > 0, 'the node has parts')
  assert.equal(await node.stop('SIGTERM'), 0, node.stderr())
  assert.equal(await countsOf(node.id), undefined)
  assert.deepEqual(sha1sOf(await foundBy(hunt)), marked)
})

test('hunts go on with nodes after the server was started anew, and nodes live through it', { skip }, async () => {
  const [node] = await haveNodes(1)
  assert.ok(node)
  const hunt = await beginHunt(slow, false)
  await until(async () => (await server.appliance.adHocHunts.get(hunt)).processed > 0, 'some of it is stored')
  const before = (await countsOf(node.id))?.done ?? 0
  server = await server.restart((folder) => rmSync(join(folder, 'cache'), { recursive: true }))
  assert.deepEqual(sha1sOf(await foundBy(hunt)), marked)
  await until(async () => sha1sOf(await foundBy(await beginHunt(slow, false))).length === marked.length, 'it hunts')
  await until(async () => ((await countsOf(node.id))?.done ?? 0) > before, 'the node works for the new server')
})

test('a node is refused where no server was yet, with the prefix of another cluster, and without a database', {
  skip,
}, async (t) => {
  const other = await newCluster()
  const node = (flags: readonly string[]) => backtrail(['node', '--cache', join(folderWith(t), 'cache'), ...flags])
  const early = await node(flagsOf(other))
  assert.equal(early.code, 1)
  assert.match(early.stderr, /no Backtrail in this database yet: start a server/)
  await (await startServer(t, ['--data', join(folderWith(t), 'data'), ...flagsOf(other)])).stop()
  const mixed = await node(flagsOf({ ...other, store: cluster.store }))
  assert.equal(mixed.code, 1)
  assert.match(mixed.stderr, /belong to another cluster/)
  const alone = await node([])
  assert.equal(alone.code, 3)
  assert.match(alone.stderr, /--database and the --store of its server/)
})
