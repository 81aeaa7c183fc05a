/**
 * A soak: eight clients with mixed load for twenty minutes. Every answer is checked; what is refused as it should be is
 * counted by itself, and anything else that is no success is an error. The memory of the server and of its workers is
 * read each minute, as the share that each process has for itself (PSS); after the first five minutes it should be flat.
 *
 * The same of a cluster: two servers, of which each client takes one, and two nodes, over the PostgreSQL and the Ceph of the
 * tests. Besides, lists and `/healthz` are asked for again and again at both servers, and how long they take is reported.
 */
import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { flagsOf, newCluster, noCluster } from '../test/cluster/cluster.ts'
import { workFolder } from './corpus.ts'
import { megabytes, percentile, seconds, table } from './figures.ts'
import { RunningNode } from './running-node.ts'
import { RunningServer } from './running-server.ts'
import { SampleStream, type Uploaded } from './sample-stream.ts'

const CLIENTS = 8
const SETTLED_AFTER_MINUTES = 5
const MINUTE_MS = 60_000

interface Tally {
  done: number
  refused: number
  readonly errors: string[]
  readonly processed: number[]
}

export async function benchSoak({ minutes }: { minutes: number }): Promise<string> {
  mkdirSync(workFolder, { recursive: true })
  const data = mkdtempSync(join(workFolder, 'soak-'))
  const server = await RunningServer.start(data, ['--workers', '2'])
  const tally: Tally = { done: 0, refused: 0, errors: [], processed: [] }
  try {
    const end = performance.now() + minutes * MINUTE_MS
    const memory = watchMemory(() => memoryOf([server]), end)
    await Promise.all(Array.from({ length: CLIENTS }, (_, n) => new Client(server, n, tally).workUntil(end)))
    return report(tally, await memory, minutes)
  } finally {
    await server.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

export async function benchSoakCluster({ minutes }: { minutes: number }): Promise<string> {
  if (noCluster !== false) throw new Error(noCluster)
  mkdirSync(workFolder, { recursive: true })
  const scratch = mkdtempSync(join(workFolder, 'soak-cluster-'))
  const cluster = await newCluster()
  const flags = ['--workers', '1', '--hunt-work', 'nodes', '--intake-work', 'nodes', ...flagsOf(cluster)]
  const servers: RunningServer[] = []
  const nodes: RunningNode[] = []
  const tally: Tally = { done: 0, refused: 0, errors: [], processed: [] }
  const waits = new Map<string, number[]>()
  try {
    for (const name of ['first', 'second']) servers.push(await RunningServer.start(join(scratch, name), flags))
    for (const name of ['node-1', 'node-2'])
      nodes.push(await RunningNode.start(cluster, { cache: join(scratch, name), workers: 1 }))
    const end = performance.now() + minutes * MINUTE_MS
    const memory = watchMemory(() => memoryOf(servers, nodes), end)
    const clients = Array.from({ length: CLIENTS }, (_, n) =>
      new Client(servers[n % servers.length] as RunningServer, n, tally).workUntil(end),
    )
    await Promise.all([...clients, ...servers.map((server) => askAgain(server, end, waits, tally))])
    const rows = [...waits].map(([path, all]) => [
      `\`${path}\``,
      all.length.toLocaleString('en'),
      ...[0.5, 0.99, 1].map((share) => seconds(percentile(all, share))),
    ])
    const asked = table(['asked of both servers', 'times', 'median', '99 %', 'slowest'], rows)
    return `Two servers, of which one works, and two nodes. ${report(tally, await memory, minutes)}\n${asked}`
  } finally {
    // The one that stands by first, so that nobody takes over.
    for (const each of [...nodes, ...servers.reverse()]) await each.stop()
    rmSync(scratch, { recursive: true, force: true })
  }
}

const askedAgain = ['/healthz', '/api/samples/?limit=100', '/api/matches/?limit=100', '/api/hunts/'] as const
const PAUSE_MS = 250

/** Notes how long each answer took, in seconds. */
async function askAgain(server: RunningServer, end: number, waits: Map<string, number[]>, tally: Tally): Promise<void> {
  while (performance.now() < end) {
    for (const path of askedAgain) {
      const begin = performance.now()
      try {
        await server.call('GET', path)
      } catch (error) {
        tally.errors.push(error instanceof Error ? error.message : String(error))
      }
      const taken = waits.get(path) ?? []
      waits.set(path, taken)
      taken.push((performance.now() - begin) / 1000)
    }
    await pause(PAUSE_MS)
  }
}

/** Bytes that servers hold, and those that their workers and nodes do. */
function memoryOf(servers: readonly RunningServer[], nodes: readonly RunningNode[] = []) {
  const held = servers.map((server) => server.heldMemory())
  return {
    server: held.reduce((sum, { server }) => sum + server, 0),
    workers: [...held.flatMap(({ workers }) => workers), ...nodes.map(({ heldMemory }) => heldMemory)],
  }
}

class Client {
  readonly #server: RunningServer
  readonly #number: number
  readonly #tally: Tally
  readonly #stream: SampleStream
  readonly #own: Uploaded[] = []

  constructor(server: RunningServer, number: number, tally: Tally) {
    this.#server = server
    this.#number = number
    this.#tally = tally
    this.#stream = new SampleStream(server, randomBytes(8).toString('hex'))
  }

  /** One kind of work after the other, each client beginning with another. */
  async workUntil(end: number): Promise<void> {
    const works = [
      () => this.#upload(),
      () => this.#upload((content) => gzipSync(Buffer.concat([content, Buffer.from('packed')]))),
      () => this.#save(),
      () => this.#hunt(),
      () => this.#read(),
      () => this.#download(),
      () => this.#explain(),
      () => this.#askWrongly(),
      () => this.#remove(),
    ]
    for (let turn = this.#number; performance.now() < end; turn++) {
      try {
        await works[turn % works.length]?.()
        this.#tally.done += 1
      } catch (error) {
        this.#tally.errors.push(error instanceof Error ? error.message : String(error))
      }
    }
  }

  async #upload(wrap?: (content: Buffer) => Buffer): Promise<void> {
    const uploaded = await this.#stream.upload(wrap)
    this.#tally.processed.push(await uploaded.processed)
    this.#own.push(uploaded)
  }

  async #save(): Promise<void> {
    const name = `soak_${this.#number}`
    const content = `rule soak { strings: $a = "sample ${randomBytes(1)[0]} of" condition: $a }`
    await this.#server.send('/api/yara/ruleset/', new URLSearchParams({ name, content }))
  }

  async #hunt(): Promise<void> {
    const content = `rule each { strings: $a = "sample ${this.#number} of" condition: $a }`
    const { id } = await this.#server.call<{ id: number }>('POST', '/api/hunts/', {
      rules: [{ name: 'each', content }],
    })
    const events = await this.#server.call<string>('GET', `/api/hunts/${id}/events/`)
    if (!events.includes('data: ')) throw new Error(`the events of hunt ${id} tell nothing`)
    const { state } = await this.#server.call<{ state: string }>('GET', `/api/hunts/${id}/`)
    if (state !== 'completed') throw new Error(`hunt ${id} is ${state} when its events have ended`)
    await this.#server.call('GET', `/api/hunts/${id}/results/`)
    await this.#server.call('DELETE', `/api/hunts/${id}/`)
  }

  async #read(): Promise<void> {
    for (const path of [
      '/api/samples/?limit=100',
      '/api/matches/?limit=100',
      '/api/yara/v2/rulesets/',
      '/api/overview/',
    ]) {
      await this.#server.call('GET', path)
    }
  }

  async #download(): Promise<void> {
    const sample = this.#own.at(-1)
    if (sample === undefined) return
    const headers = { authorization: `Token ${this.#server.token}` }
    const answer = await fetch(`${this.#server.url}/api/samples/${sample.sha1}/download/`, { headers })
    const digest = createHash('sha256')
      .update(Buffer.from(await answer.arrayBuffer()))
      .digest('hex')
    if (digest !== sample.sha256) throw new Error(`the download of ${sample.sha256} is ${digest} (${answer.status})`)
  }

  async #explain(): Promise<void> {
    const content = 'rule explained { strings: $a = "explained by the bench" wide ascii condition: $a }'
    await this.#server.call('POST', '/api/hunts/explain/', { rules: [{ name: 'explained', content }] })
  }

  async #askWrongly(): Promise<void> {
    const headers = { authorization: `Token ${this.#server.token}`, 'content-type': 'application/json' }
    const asked: readonly (readonly [status: number, path: string, request: RequestInit])[] = [
      [404, '/api/nothing/', { headers }],
      [400, '/api/samples/?limit=none', { headers }],
      [403, '/api/samples/?limit=1', {}],
      [400, '/api/hunts/', { method: 'POST', headers, body: '{"rules":' }],
      [400, '/api/hunts/', { method: 'POST', headers, body: '{"rules":[{"name":"a","content":"rule a {"}]}' }],
    ]
    for (const [status, path, request] of asked) {
      const answer = await fetch(this.#server.url + path, request)
      await answer.arrayBuffer()
      if (answer.status !== status) throw new Error(`${path} is answered with ${answer.status} in place of ${status}`)
      this.#tally.refused += 1
    }
  }

  async #remove(): Promise<void> {
    // The newest stays, for the download.
    const [oldest] = this.#own.length > 1 ? this.#own.splice(0, 1) : []
    if (oldest) await this.#server.call('DELETE', `/api/samples/${oldest.sha1}/`)
  }
}

interface Held {
  readonly minute: number
  readonly server: number
  readonly workers: number
}

async function watchMemory(look: () => ReturnType<typeof memoryOf>, end: number): Promise<Held[]> {
  const held: Held[] = []
  const begin = performance.now()
  for (;;) {
    const left = end - performance.now()
    if (left <= 0) return held
    await pause(Math.min(left, MINUTE_MS))
    const { server: own, workers } = look()
    const minute = (performance.now() - begin) / MINUTE_MS
    held.push({ minute, server: own, workers: workers.reduce((sum, each) => sum + each, 0) })
    console.error(`minute ${minute.toFixed(0)}: server ${megabytes(own)}, workers ${workers.map(megabytes).join(', ')}`)
  }
}

function report({ done, refused, errors, processed }: Tally, held: readonly Held[], minutes: number): string {
  const kinds = new Map<string, number>()
  for (const error of errors) kinds.set(error, (kinds.get(error) ?? 0) + 1)
  const settled = held.filter(({ minute }) => minute > Math.min(SETTLED_AFTER_MINUTES, minutes / 2))
  const slope = (of: 'server' | 'workers') => megabytes(slopeOf(settled.map((each) => [each.minute, each[of]])))
  const rows = [
    ['pieces of work', done.toLocaleString('en')],
    ['refusals, as they should be', refused.toLocaleString('en')],
    ['errors', String(errors.length)],
    [
      'uploads until processed, median / 99 % / slowest',
      [0.5, 0.99, 1].map((share) => seconds(percentile(processed, share))).join(' / '),
    ],
    ['growth a minute once settled, server / workers', `${slope('server')} / ${slope('workers')}`],
  ]
  const memory = held.map(({ minute, server, workers }) => [minute.toFixed(0), megabytes(server), megabytes(workers)])
  const failures = [...kinds].map(([error, count]) => `- ${count} × ${error}\n`).join('')
  return `${CLIENTS} clients for ${minutes} minutes.\n\n${table(['', 'measured'], rows)}\n${failures}${failures && '\n'}${table(['minute', 'server', 'workers'], memory)}`
}

/** Of the straight line through the points, by least squares; 0 for fewer than two. */
function slopeOf(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const spread = points.reduce((sum, [px]) => sum + (px - x) ** 2, 0)
  return points.length < 2 || spread === 0 ? 0 : points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0) / spread
}
