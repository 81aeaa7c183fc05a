/**
 * How fast samples are taken in by a cluster whose nodes examine them: a server that leaves that to them, PostgreSQL and Ceph,
 * and one, two … nodes, each on one core. All share this machine, so besides the time it takes there is the processor time
 * of each stage: where server, database and store have machines of their own, that of the nodes decides, until the
 * server's own is used up.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pLimit from 'p-limit'
import { type ClusterSettings, flagsOf, newCluster, noCluster } from '../test/cluster/cluster.ts'
import { type Corpus, ownRules, systemFiles, workFolder } from './corpus.ts'
import { megabytes, ratio, seconds, table } from './figures.ts'
import { RunningServer } from './running-server.ts'

const program = fileURLToPath(new URL('../bin/backtrail', import.meta.url))
/** Uploads under way: enough that nodes never wait for the next one. */
const UPLOADS = 16
const TICKS_A_SECOND = 100

type Stage = 'nodes' | 'server' | 'PostgreSQL' | 'object store' | 'sender'
type Times = Readonly<Record<Stage, number>>

interface Run {
  readonly elapsed: number
  readonly times: Times
  readonly done: number
}

export async function benchClusterIntake(of: { readonly megabytes: number; readonly nodes: readonly number[] }) {
  if (noCluster !== false) throw new Error(noCluster)
  const corpus = systemFiles(of.megabytes)
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'cluster-intake-'))
  try {
    const runs: (readonly [nodes: number, run: Run])[] = []
    for (const nodes of of.nodes) {
      const run = await takeIn(corpus, nodes, join(scratch, String(nodes)))
      console.error(`${nodes} nodes: ${seconds(run.elapsed)} ${JSON.stringify(run.times)}`)
      runs.push([nodes, run])
    }
    const samples = new Set(Array.from(corpus.files.values(), ({ sha256 }) => sha256)).size
    const coreMs = (value: number) => ((value * 1_000) / samples).toFixed(2)
    const stages: readonly Stage[] = ['nodes', 'server', 'PostgreSQL', 'object store', 'sender']
    const first = runs[0]?.[1].elapsed ?? 0
    const heads = [
      'nodes',
      'time',
      'samples/s',
      '',
      'faster than the first',
      ...stages.map((stage) => `${stage}, core-ms`),
    ]
    const rows = runs.map(([nodes, { elapsed, times }]) => [
      String(nodes),
      seconds(elapsed),
      (samples / elapsed).toFixed(0),
      `${megabytes(corpus.bytes / elapsed)}/s`,
      ratio(first / elapsed),
      ...stages.map((stage) => coreMs(times[stage])),
    ])
    return (
      `${samples.toLocaleString('en')} ${corpus.name} (${megabytes(corpus.bytes)}), ${ownRules().length} rulesets ` +
      `enabled, on ${availableParallelism()} cores that all share; processor time is for each sample:\n\n${table(heads, rows)}`
    )
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

async function takeIn(corpus: Corpus, count: number, folder: string): Promise<Run> {
  const cluster = await newCluster()
  const settings = ['--workers', '1', '--intake-work', 'nodes', '--archive-depth', '0', ...flagsOf(cluster)]
  const server = await RunningServer.start(join(folder, 'server'), settings)
  const nodes: ChildProcess[] = []
  try {
    for (const path of ownRules()) {
      const form = new URLSearchParams({
        name: basename(path).replace(/\W/g, '_'),
        content: readFileSync(path, 'utf8'),
      })
      await server.send('/api/yara/ruleset/', form)
    }
    for (let n = 0; n < count; n++) nodes.push(await startNode(cluster, join(folder, `node-${n}`), n))
    await untilNodesExamine(server, nodes)
    const doneBefore = await processed(server)
    const before = timesOf(server, nodes)
    const begin = performance.now()
    const atOnce = pLimit(UPLOADS)
    await Promise.all(Array.from(corpus.files.keys(), (path) => atOnce(() => upload(server, path))))
    const distinct = new Set(Array.from(corpus.files.values(), ({ sha256 }) => sha256)).size
    while ((await processed(server)) < doneBefore + distinct) await delay(20)
    const elapsed = (performance.now() - begin) / 1_000
    const after = timesOf(server, nodes)
    const times = Object.fromEntries(
      Object.entries(after).map(([stage, value]) => [stage, value - before[stage as Stage]]),
    ) as unknown as Times
    return { elapsed, times, done: distinct }
  } finally {
    for (const node of nodes) await ended(node)
    await server.stop()
  }
}

async function startNode(cluster: ClusterSettings, cache: string, core: number): Promise<ChildProcess> {
  const child = spawn(
    'taskset',
    [
      ...['-c', String(core % availableParallelism()), program, 'node'],
      ...['--cache', cache, '--workers', '1', '--log-level', 'warn', ...flagsOf(cluster)],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let output = ''
  for await (const piece of child.stdout) {
    output += piece
    if (!output.includes('is ready')) continue
    child.stdout.resume()
    return child
  }
  throw new Error(`the node ended before it was ready: ${output}`)
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  await exit
}

async function upload(server: RunningServer, path: string): Promise<void> {
  await uploadBytes(server, basename(path), readFileSync(path))
}

async function uploadBytes(server: RunningServer, name: string, bytes: Uint8Array): Promise<void> {
  const form = new FormData()
  form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), name)
  await server.send('/api/submit/file/', form)
}

/** The server knows all nodes, and they have the rules. */
async function untilNodesExamine(server: RunningServer, nodes: readonly ChildProcess[]): Promise<void> {
  for (let n = 0; ; n++) {
    const some = Array.from({ length: 200 }, (_, k) => uploadBytes(server, 'probe', Buffer.from(`probe ${n} ${k}`)))
    await Promise.all(some)
    await delay(1_500)
    const text = await server.call<string>('GET', '/metrics')
    const busy = [...text.matchAll(/^backtrail_node_parts_total\{.*outcome="done"\} ([1-9]\d*)$/gm)]
    if (busy.length === nodes.length) return
  }
}

async function processed(server: RunningServer): Promise<number> {
  const text = await server.call<string>('GET', '/metrics')
  return Number(/^backtrail_processed_samples_total (\d+)$/m.exec(text)?.[1] ?? 0)
}

/** Seconds that processors have worked for each of the processes that this one has started, with theirs. */
function timesOf(server: RunningServer, nodes: readonly ChildProcess[]): Times {
  const times = { nodes: 0, server: 0, PostgreSQL: 0, 'object store': 0, sender: 0 }
  const parents = new Map<number, { readonly parent: number; readonly name: string; readonly seconds: number }>()
  for (const pid of readdirSync('/proc').map(Number).filter(Boolean)) {
    const found = statOf(pid)
    if (found !== null) parents.set(pid, found)
  }
  const nodePids = new Set(nodes.map(({ pid }) => pid))
  const stageOf = (pid: number): Stage | null => {
    if (pid === process.pid) return 'sender'
    if (pid === server.pid) return 'server'
    if (nodePids.has(pid)) return 'nodes'
    const known = parents.get(pid)
    if (known === undefined) return null
    const above = stageOf(known.parent)
    if (above !== 'sender') return above
    return known.name.startsWith('postgres') ? 'PostgreSQL' : 'object store'
  }
  for (const [pid, { seconds }] of parents) {
    const stage = stageOf(pid)
    if (stage !== null) times[stage] += seconds
  }
  return times
}

/** With what processes have used that it has waited for. */
function statOf(pid: number): { readonly parent: number; readonly name: string; readonly seconds: number } | null {
  const path = `/proc/${pid}/stat`
  try {
    if (!existsSync(path)) return null
    const stat = readFileSync(path, 'latin1')
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return { parent: Number(fields[1]), name, seconds: ticks / TICKS_A_SECOND }
  } catch {
    return null
  }
}
