/**
 * How fast samples are taken in by a cluster whose nodes examine them: a server that leaves that to them, PostgreSQL and Ceph,
 * and one, two … nodes, each on one core. All share this machine, so besides the time it takes there is the processor time
 * of each stage: where server, database and store have machines of their own, that of the nodes decides, until the
 * server's own is used up.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pLimit from 'p-limit'
import { flagsOf, newCluster, noCluster } from '../test/cluster/cluster.ts'
import { type Corpus, workFolder } from './corpus.ts'
import { megabytes, ratio, seconds, table } from './figures.ts'
import { RunningNode } from './running-node.ts'
import { RunningServer } from './running-server.ts'
import { since, stages, type Times, timesOf } from './stages.ts'

/** Uploads under way: enough that nodes never wait for the next one. */
const UPLOADS = 16

interface Run {
  readonly elapsed: number
  readonly times: Times
}

export interface ClusterIntakeOptions {
  readonly corpus: Corpus
  /** Files, each of which becomes a ruleset. */
  readonly rules: readonly string[]
  /** How many nodes there are, run by run. */
  readonly nodes: readonly number[]
}

export async function benchClusterIntake({ corpus, rules, nodes: counts }: ClusterIntakeOptions): Promise<string> {
  if (noCluster !== false) throw new Error(noCluster)
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'cluster-intake-'))
  try {
    const runs: (readonly [nodes: number, run: Run])[] = []
    for (const nodes of counts) {
      const run = await takeIn(corpus, rules, nodes, join(scratch, String(nodes)))
      console.error(`${nodes} nodes: ${seconds(run.elapsed)} ${JSON.stringify(run.times)}`)
      runs.push([nodes, run])
    }
    const samples = new Set(Array.from(corpus.files.values(), ({ sha256 }) => sha256)).size
    const coreMs = (value: number) => ((value * 1_000) / samples).toFixed(2)
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
      `${samples.toLocaleString('en')} ${corpus.name} (${megabytes(corpus.bytes)}), ${rules.length} rulesets ` +
      `enabled, on ${availableParallelism()} cores that all share; processor time is for each sample:\n\n${table(heads, rows)}`
    )
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

async function takeIn(corpus: Corpus, rules: readonly string[], count: number, folder: string): Promise<Run> {
  const cluster = await newCluster()
  const settings = ['--workers', '1', '--intake-work', 'nodes', '--archive-depth', '0', ...flagsOf(cluster)]
  const server = await RunningServer.start(join(folder, 'server'), settings)
  const nodes: RunningNode[] = []
  try {
    for (const path of rules) {
      const form = new URLSearchParams({
        name: basename(path).replace(/\W/g, '_'),
        content: readFileSync(path, 'utf8'),
      })
      await server.send('/api/yara/ruleset/', form)
    }
    for (let core = 0; core < count; core++)
      nodes.push(await RunningNode.start(cluster, { cache: join(folder, `node-${core}`), workers: 1, core }))
    await untilNodesExamine(server, nodes)
    const doneBefore = await processed(server)
    const before = timesOf([server], nodes)
    const begin = performance.now()
    const atOnce = pLimit(UPLOADS)
    await Promise.all(Array.from(corpus.files.keys(), (path) => atOnce(() => upload(server, path))))
    const distinct = new Set(Array.from(corpus.files.values(), ({ sha256 }) => sha256)).size
    while ((await processed(server)) < doneBefore + distinct) await delay(20)
    const elapsed = (performance.now() - begin) / 1_000
    return { elapsed, times: since(before, timesOf([server], nodes)) }
  } finally {
    for (const node of nodes) await node.stop()
    await server.stop()
  }
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
async function untilNodesExamine(server: RunningServer, nodes: readonly RunningNode[]): Promise<void> {
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
