/**
 * A network that is cut under a cluster: between a node and PostgreSQL, a node and the object store, and, with BACKTRAIL_LONG=1, the
 * server that works and PostgreSQL. Real processes in networks of their own (`cut-off.ts`), and a real PostgreSQL; objects are in
 * memory.
 */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { newDatabase, noServer } from '../../src/store/postgres/server.fixture.ts'
import { ObjectServer } from '../../src/store/s3/object-server.fixture.ts'
import { binary, folderWith, startServer } from '../cli/running.ts'
import { Client, sha256, token, until } from './client.ts'
import { type ClusterSettings, flagsOf } from './cluster.ts'
import { CutOff, noNetworks } from './cut-off.ts'
import { Rows } from './rows.ts'
import { type RunningNode, startNode } from './running-nodes.ts'

const skip = noServer || noNetworks
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
/** Takes about a tenth of a second on each sample. */
const slow = 'rule slow { strings: $a = "the marked words" condition: for all i in (0..4000000) : ( i >= 0 ) and $a }'

/** Uploads so many, of which every second has the mark; gives the SHA-256 of those, sorted. */
async function takeSome(client: Client, count: number): Promise<string[]> {
  const samples = Array.from(
    { length: count },
    (_, n) => `${n % 2 === 0 ? 'the marked words' : 'other words'} ${randomBytes(2_000).toString('base64')}`,
  )
  await client.processed(await Promise.all(samples.map((sample) => client.take(sample))))
  return samples
    .filter((_, n) => n % 2 === 0)
    .map(sha256)
    .sort()
}

/** What a node that has lost its way holds up at most: its patience, and that of the server. Without any it were minutes. */
const HELD_UP_MS = 45_000

test('a node that is cut off from PostgreSQL, and one from the object store, hold up no hunt for long, and work on when they are back', {
  skip,
  timeout: 180_000,
}, async (t) => {
  const cluster = await newPlace('cuts')
  const rows = new Rows(cluster.database)
  t.after(() => rows.end())
  const server = await start(t, cluster)
  const client = new Client(server.url)
  const [ofDatabase, ofStore] = [await CutOff.open(t, cluster), await CutOff.open(t, cluster)]
  const nodeIn = (cut: CutOff) => startNode(t, cut.cluster, undefined, [...cut.within, binary])
  const [deaf, starved] = await Promise.all([nodeIn(ofDatabase), nodeIn(ofStore)])
  await until(() => server.stderr().match(/a node works for this server/g)?.length === 2, 'the server knows both')
  const countOf = async ({ id }: RunningNode, what: 'done' | 'failed' | 'refused') =>
    Number((await rows.rows(`SELECT ${what} AS count FROM nodes WHERE id = ${id}`))[0]?.count)
  const heldBy = async ({ id }: RunningNode) =>
    Number((await rows.rows(`SELECT count(*) FROM hunt_parts WHERE node_id = ${id} AND state = 'claimed'`))[0]?.count)

  const marked = await takeSome(client, 24)
  ofStore.cut('store')
  const hunt = await client.beginHunt(slow, false)
  await until(async () => (await heldBy(deaf)) > 1 && (await heldBy(starved)) > 0, 'both have parts')
  ofDatabase.cut('database')
  const cut = performance.now()
  assert.deepEqual(await client.foundBy(hunt), marked)
  const took = performance.now() - cut
  t.diagnostic(`the hunt ended ${Math.round(took)} ms after the cut`)
  assert.ok(took < HELD_UP_MS, `${took} ms`)
  assert.match(server.stderr(), /a node is gone or silent/)
  assert.match(server.stderr(), /a node could not do a part.*/)

  ofDatabase.heal('database')
  ofStore.heal('store')
  await until(async () => (await countOf(deaf, 'refused')) > 0, 'what it brings late is refused')
  assert.ok((await countOf(starved, 'failed')) > 0)
  for (const node of [deaf, starved]) {
    const before = await countOf(node, 'done')
    await until(async () => {
      assert.deepEqual(await client.hunt(slow, false), marked)
      return (await countOf(node, 'done')) > before
    }, `node ${node.id} works again`)
  }
  assert.deepEqual(await client.hunt(quick), marked)
})

if (process.env.BACKTRAIL_LONG === '1') {
  test('a server that is cut off from PostgreSQL is replaced, acknowledges nothing meanwhile, and ends when it is back', {
    skip,
    timeout: 300_000,
  }, async (t) => {
    const cluster = await newPlace('cut-server')
    const cut = await CutOff.open(t, cluster)
    const url = `http://${cut.address}:8080`
    const listening = ['--host', '0.0.0.0', '--port', '8080', '--cluster-url', url]
    const first = await start(t, cut.cluster, listening, `${cut.within.join(' ')} ${binary} serve`)
    const second = await start(t, cluster)
    const [asked, other] = [new Client(url), new Client(second.url)]
    await asked.save('marks', quick)
    const before = await asked.take('before: the marked words')
    cut.cut('database')
    const begin = performance.now()
    // Nobody may say yes to these, in the end neither.
    const during = Array.from({ length: 4 }, (_, n) => `during ${n}: the marked words`)
    const statuses = Promise.all(
      during.map((content) =>
        asked.upload(content).then(
          ({ status }) => status,
          () => null,
        ),
      ),
    )
    await until(() => /ready at/.test(second.stdout()), 'the other one works')
    t.diagnostic(`another one worked ${Math.round(performance.now() - begin)} ms after the cut`)
    const later = await other.take('later: the marked words')
    cut.heal('database')
    await until(() => first.child.exitCode !== null, 'it ends when it is back')
    assert.equal(first.child.exitCode, 4)
    assert.equal((await statuses).includes(201), false)
    const hashes = [before, later].sort()
    await other.processed(hashes)
    assert.deepEqual(await other.matchesOf('marks'), hashes)
    assert.deepEqual(await other.hunt(quick), hashes)
  })
}
