/**
 * A cluster beside one server on a data folder: PostgreSQL and Ceph's RGW with one, two and four nodes against SQLite and files.
 *
 * 1. Answers. Live matching, Local Retro, ad-hoc hunts with and without the index, and retro hunts of a tenant must find the same
 *    (rule, sample) pairs everywhere; a tenant's do not cover archives. Nodes do all of it: the server leaves hunts and samples
 *    that arrive to them.
 * 2. One machine. The times of a server with one node, which has as many workers as the machine has cores, beside those of one
 *    server on a data folder.
 * 3. More nodes. All samples are scanned without the index by one node and by two, from copies, in turns; each has a core. The
 *    processor time of each stage says what they would do on machines of their own.
 *
 * PostgreSQL and Ceph are those of the tests: `fsync` is off, and objects are in memory.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pLimit from 'p-limit'
import { Bucket } from '../src/store/index.ts'
import { type Feed, type RetroStatus, tcaPath } from '../src/tca/index.ts'
import { type ClusterSettings, newCluster, noCluster, variablesOf } from '../test/cluster/cluster.ts'
import { demandSame, hunt, type Pairs } from './ad-hoc-hunt.ts'
import { binaries, ownRules, publicRules, systemFilesFolder } from './corpus.ts'
import { medianOf, megabytes, milliseconds, ratio, seconds, table } from './figures.ts'
import { foundLater, localRetro, matchPairs, singleHunts } from './hunts.ts'
import { RunningNode } from './running-node.ts'
import { command, RunningServer } from './running-server.ts'
import { since, stages, type Times, timesOf } from './stages.ts'

export interface ClusterBenchOptions {
  /** System files: the first of those that other benchmarks take. */
  readonly samples: number
  readonly withBinaries: boolean
}

const COUNTS = [1, 2, 4] as const
const TIMES = 5
const ROUNDS = 3
const PASSWORD = 'a password of tenants'

/** Where a server has its rows and contents. */
interface Place {
  readonly name: string
  readonly data: string
  /** Null for SQLite and files. */
  readonly cluster: ClusterSettings | null
}

export async function benchCluster({ samples, withBinaries }: ClusterBenchOptions): Promise<string> {
  if (noCluster !== false) throw new Error(noCluster)
  // Not where corpora are: that may be in memory, and copies of several nodes come to many times the samples.
  const scratch = mkdtempSync(join(tmpdir(), 'backtrail-cluster-'))
  try {
    const paths = [...firstFiles(samples), ...(withBinaries ? [binaries().folder] : [])]
    const bytes = paths.reduce((sum, path) => sum + bytesOf(path), 0)
    const alone: Place = { name: 'SQLite and files', data: join(scratch, 'alone'), cluster: null }
    const intakeAlone = taken(alone, paths)
    const expected = await answersOf(alone)
    if (expected.plain.size === 0) throw new Error('the rules match nothing')
    demandEqual(expected, expected, alone.name)
    const timesAlone = await timed(alone)
    const onOne = await onOneMachine(join(scratch, 'one-machine'), paths)
    const verified: Verified[] = []
    for (const count of COUNTS) {
      const folder = join(scratch, String(count))
      await withNodes(folder, count, async (place, nodes) => {
        const { seconds: took } = taken(place, paths)
        const how = `PostgreSQL and S3 with ${count} nodes`
        console.error(`${how}: taken in within ${seconds(took)}`)
        demandEqual(await answersOf(place), expected, how)
        if (count === 2) verified.push(...(await verification(place, nodes)))
      })
    }
    return report({
      bytes,
      expected,
      alone: { intake: intakeAlone.seconds, ...timesAlone },
      together: onOne,
      verified,
    })
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function firstFiles(count: number): string[] {
  const folder = systemFilesFolder(2_000)
  const names = readdirSync(folder).sort().slice(0, count)
  if (names.length < count) throw new Error(`there are only ${names.length} system files`)
  return names.map((name) => join(folder, name))
}

function bytesOf(path: string): number {
  const { size } = statSync(path)
  if (!statSync(path).isDirectory()) return size
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0)
}

/** A new cluster with so many nodes, each with a worker and a core of its own as far as there are any. */
async function withNodes(
  folder: string,
  count: number,
  work: (place: Place, nodes: RunningNode[]) => Promise<void>,
): Promise<void> {
  const cluster = await newCluster()
  const place: Place = { name: 'PostgreSQL and S3', data: join(folder, 'server'), cluster }
  mkdirSync(folder, { recursive: true })
  const nodes: RunningNode[] = []
  try {
    // It makes the tables that nodes ask for.
    command(['rules', 'import', ...ownRules(), '--data', place.data], variablesOf(cluster))
    for (let core = 0; core < count; core++)
      nodes.push(await RunningNode.start(cluster, { cache: join(folder, `node-${core}`), workers: 1, core }))
    await work(place, nodes)
  } finally {
    for (const node of nodes) await node.stop()
    rmSync(folder, { recursive: true, force: true })
    await removeObjects(cluster)
  }
}

/** They are in memory. */
async function removeObjects(cluster: ClusterSettings): Promise<void> {
  const bucket = await Bucket.open({
    store: cluster.store,
    endpoint: cluster.storeEndpoint,
    region: 'us-east-1',
    pathStyle: true,
    credentials: cluster.storeCredentials,
    ca: '',
  })
  const atOnce = pLimit(16)
  for await (const page of bucket.list('')) await Promise.all(page.map(({ key }) => atOnce(() => bucket.delete(key))))
  bucket.close()
}

/** Variables of the environment of a server or a command. */
const settingsOf = ({ cluster }: Place): Readonly<Record<string, string>> => ({
  // Members of archives are samples too, and are left out so that bytes are those of the files.
  BACKTRAIL_ARCHIVE_DEPTH: '0',
  ...(cluster && { ...variablesOf(cluster), BACKTRAIL_HUNT_WORK: 'nodes', BACKTRAIL_INTAKE_WORK: 'nodes' }),
})

/** Takes the files in while the rules are there. */
function taken(place: Place, paths: readonly string[]): { readonly seconds: number } {
  if (place.cluster === null) command(['rules', 'import', ...ownRules(), '--data', place.data])
  return command(['ingest', ...paths, '--data', place.data], settingsOf(place))
}

async function withServer<T>(
  place: Place,
  flags: readonly string[],
  work: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await RunningServer.start(place.data, flags, settingsOf(place))
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

const ways = ['live', 'retro', 'single', 'plain', 'tenant'] as const
type Answers = Readonly<Record<(typeof ways)[number], Pairs>> & {
  readonly samples: number
  /** SHA-256 of archives: retro hunts of tenants do not cover them. */
  readonly archives: ReadonlySet<string>
}

async function answersOf(place: Place): Promise<Answers> {
  const answers = await withServer(place, [], async (server) => {
    const { samples } = await server.settledIndex()
    const live = await matchPairs(server)
    for (const file of ownRules()) await server.call('DELETE', '/api/yara/ruleset/', { name: basename(file, '.yar') })
    const retro = await foundLater(server, ownRules(), new Set())
    const singles = await singleHunts(server, ownRules())
    const { pairs: plain } = await hunt(server, ownRules(), false)
    const single = new Set(singles.flatMap(({ pairs }) => [...pairs]))
    return { samples, archives: await archivesOf(server), live, retro, single, plain }
  })
  const flags = ['--role', 'cloud', '--tenant-retro-rate', '0']
  return { ...answers, tenant: await withServer(place, flags, retroOfTenant) }
}

async function archivesOf(server: RunningServer): Promise<Set<string>> {
  const found = new Set<string>()
  for (let after: string | null = ''; after !== null; ) {
    const query = new URLSearchParams({ query: 'sampletype:Binary/Archive', limit: '500', ...(after && { after }) })
    const page: { results: { sha256: string }[]; next: string | null } = await server.call(
      'GET',
      `/api/samples/?${query}`,
    )
    for (const { sha256 } of page.results) found.add(sha256)
    after = page.next
  }
  return found
}

/** The pairs in the retro feed of a tenant that hunts with all of the rules. */
async function retroOfTenant(server: RunningServer): Promise<Pairs> {
  const name = 'tenant'
  await server.call('POST', '/api/users/', { name, password: PASSWORD, role: 'tenant' })
  const ask = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const response = await fetch(server.url + path, {
      method,
      headers: {
        authorization: `Basic ${btoa(`${name}:${PASSWORD}`)}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
    return JSON.parse(text) as T
  }
  let start = Math.floor(Date.now() / 1000) - 1
  const rulesets = ownRules().map((file) => ({ name: basename(file, '.yar'), text: readFileSync(file, 'utf8') }))
  for (const { name, text } of rulesets) {
    await ask('POST', tcaPath('rulesets', {}), { ruleset_name: name, text })
    await ask('POST', tcaPath('startRetro', {}), { ruleset_name: name })
  }
  for (const { name } of rulesets) {
    for (;;) {
      const { retro_status: state } = await ask<RetroStatus>('GET', tcaPath('retroStatus', { name }))
      if (state === 'FINISHED') break
      if (state !== 'RUNNING') throw new Error(`the retro hunt with ${name} ended as ${state}`)
      await delay(20)
    }
  }
  const end = Math.floor(Date.now() / 1000)
  const pairs = new Set<string>()
  while (start <= end) {
    const path = `${tcaPath('retroFeed', { form: 'timestamp', start: String(start) })}?format=json&extended=true`
    const { feed } = (await ask<Feed>('GET', path)).rl
    for (const { sha256, rule } of feed.entries)
      for (const { identifier } of rule) pairs.add(`${identifier}\t${sha256}`)
    start = feed.last_timestamp + 1
  }
  return pairs
}

function demandEqual(answers: Answers, expected: Answers, how: string): void {
  if (answers.samples !== expected.samples)
    throw new Error(`${answers.samples} samples in ${how}, and ${expected.samples} in SQLite and files`)
  const covered = [...expected.plain].filter((pair) => !expected.archives.has(pair.split('\t')[1] as string))
  for (const way of ways) {
    const pairs = way === 'tenant' ? new Set(covered) : expected.plain
    demandSame(`${way} in ${how}`, answers[way], 'the plain scan in SQLite and files', pairs)
  }
  console.error(`${how}: the same ${expected.plain.size} pairs in all ways`)
}

interface HuntTimes {
  /** Seconds, medians. */
  readonly retro: number
  readonly single: number
}

async function timed(place: Place): Promise<HuntTimes> {
  return withServer(place, [], async (server) => {
    await localRetro(server)
    await singleHunts(server, ownRules())
    const retro: number[] = []
    for (let n = 0; n < TIMES; n++) retro.push((await localRetro(server)).seconds)
    const single = (await singleHunts(server, ownRules())).map(({ seconds }) => seconds)
    return { retro: medianOf(retro), single: medianOf(single) }
  })
}

/** A server, PostgreSQL, the object store and one node that all share the cores, as one server on a data folder has them. */
async function onOneMachine(
  folder: string,
  paths: readonly string[],
): Promise<HuntTimes & { readonly intake: number }> {
  const cluster = await newCluster()
  const place: Place = { name: 'PostgreSQL and S3', data: join(folder, 'server'), cluster }
  command(['rules', 'import', ...ownRules(), '--data', place.data], variablesOf(cluster))
  const node = await RunningNode.start(cluster, { cache: join(folder, 'node'), workers: availableParallelism() })
  try {
    const { seconds: intake } = taken(place, paths)
    return { intake, ...(await timed(place)) }
  } finally {
    await node.stop()
    rmSync(folder, { recursive: true, force: true })
    await removeObjects(cluster)
  }
}

interface Verified {
  readonly count: number
  /** Seconds of each scan. */
  readonly took: readonly number[]
  /** Of all of these scans together. */
  readonly times: Times
}

/**
 * Scans all samples with the public rules by one node and by two in turns, so that what else the machine does meets both. Each
 * has copies of all samples, and has compiled the rules, from scans by itself. One that is not to work is stopped meanwhile.
 */
async function verification(place: Place, [first, second]: readonly RunningNode[]): Promise<Verified[]> {
  if (first === undefined || second === undefined) throw new Error('it takes two nodes')
  const { files } = publicRules()
  const nodes = [first, second]
  return withServer(place, ['--workers', '1'], async (server) => {
    const scan = async () => (await hunt(server, files, false)).seconds
    for (const [resting, working] of [[second, first] as const, [first, second] as const]) {
      await resting.rest()
      console.error(`node ${working.id} alone, with what it has no copies of: ${seconds(await scan())}`)
      await resting.goOn()
    }
    const found = new Map<number, { took: number[]; times: Times }>()
    for (let round = 0; round < ROUNDS; round++) {
      for (const count of [1, 2]) {
        if (count === 1) await second.rest()
        const before = timesOf([server], nodes)
        const took = await scan()
        const times = since(before, timesOf([server], nodes))
        if (count === 1) await second.goOn()
        console.error(`round ${round}, ${count} nodes: ${seconds(took)}, ${JSON.stringify(times)}`)
        const { took: others = [], times: sum } = found.get(count) ?? {}
        found.set(count, { took: [...others, took], times: sum ? added(sum, times) : times })
      }
    }
    return [...found].map(([count, { took, times }]) => ({ count, took, times }))
  })
}

const added = (one: Times, other: Times): Times =>
  Object.fromEntries(stages.map((stage) => [stage, one[stage] + other[stage]])) as unknown as Times

function report({
  bytes,
  expected,
  alone,
  together,
  verified,
}: {
  readonly bytes: number
  readonly expected: Answers
  readonly alone: HuntTimes & { readonly intake: number }
  readonly together: HuntTimes & { readonly intake: number }
  readonly verified: readonly Verified[]
}): string {
  const one = verified.find(({ count }) => count === 1)
  const scans = (name: string, of: 'retro' | 'single') => [
    name,
    milliseconds(alone[of]),
    milliseconds(together[of]),
    ratio(alone[of] / together[of]),
  ]
  return [
    `${expected.samples.toLocaleString('en')} samples (${megabytes(bytes)}), ${ownRules().length} rulesets (\`bench/rules/\`). Live matching, `,
    `Local Retro, ad-hoc hunts with and without the index, and retro hunts of a tenant found the same `,
    `${expected.plain.size.toLocaleString('en')} (rule, sample) pairs with SQLite and files, and with PostgreSQL and S3 with ${COUNTS.join(', ')} nodes.\n\n`,
    table(
      ['', 'SQLite and files', 'PostgreSQL, S3 and one node on the same machine', 'as fast as that'],
      [
        [
          'intake',
          `${megabytes(bytes / alone.intake)}/s`,
          `${megabytes(bytes / together.intake)}/s`,
          ratio(alone.intake / together.intake),
        ],
        scans(`Local Retro, again (median of ${TIMES})`, 'retro'),
        scans('single hunt, median', 'single'),
      ],
    ),
    `\nAll samples scanned with ${publicRules().files.length} rulesets by nodes alone (\`--hunt-work nodes\`, no index), from copies, in turns:\n\n`,
    table(
      [
        'nodes, with a core each',
        `median of ${ROUNDS}`,
        'fastest',
        'as fast as one, medians',
        'fastest',
        ...stages.map((stage) => `${stage}, core-s`),
      ],
      verified.map(({ count, took, times }) => [
        String(count),
        seconds(medianOf(took)),
        seconds(Math.min(...took)),
        ratio(medianOf(one?.took ?? took) / medianOf(took)),
        ratio(Math.min(...(one?.took ?? took)) / Math.min(...took)),
        ...stages.map((stage) => (times[stage] / took.length).toFixed(1)),
      ]),
    ),
  ].join('')
}
