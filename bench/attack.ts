/**
 * Latency under attack: what other people wait for `/healthz`, for a list and for their uploads while one client sends
 * the same hostile request in a loop. Answers are checked before anything is timed: a probe's must be right, and an
 * attack's must be one of the statuses that are right for it.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { attackInputs } from './attack-inputs.ts'
import { workFolder } from './corpus.ts'
import { percentile, seconds, table } from './figures.ts'
import { RunningServer } from './running-server.ts'
import { SampleStream } from './sample-stream.ts'

const P99_MOST = 0.2
const UPLOAD_MOST = 5
const PROBE_EVERY_MS = 50
const UPLOAD_EVERY_MS = 500
const BEFORE = 30

/** `only`: names of inputs; all of them when it is empty. Each runs for `secondsEach`, without an attack first. */
export async function benchAttack({
  secondsEach,
  only,
}: {
  secondsEach: number
  only: readonly string[]
}): Promise<string> {
  mkdirSync(workFolder, { recursive: true })
  const data = mkdtempSync(join(workFolder, 'attack-'))
  const rows: string[][] = []
  try {
    const names = Object.keys(attackInputs).filter((name) => only.length === 0 || only.includes(name))
    for (const name of [null, ...names]) {
      // A fresh server for each: what one leaves behind must not count against the next.
      const server = await RunningServer.start(join(data, name ?? 'calm'), ['--workers', '2'])
      try {
        const row = await measure(server, name, secondsEach)
        console.error(row.join(' | '))
        rows.push(row)
      } finally {
        await server.stop()
      }
      rmSync(join(data, name ?? 'calm'), { recursive: true, force: true })
    }
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
  const heads = [
    'attack',
    'rounds',
    'answers',
    'healthz p50',
    'p99',
    'list p50',
    'p99',
    'slowest upload',
    'server peak',
    'within bounds',
  ]
  return `Each for ${secondsEach} s; bounds: p99 ${P99_MOST * 1000} ms, uploads processed within ${UPLOAD_MOST} s.\n\n${table(heads, rows)}`
}

async function measure(server: RunningServer, name: string | null, secondsEach: number): Promise<string[]> {
  const stream = new SampleStream(server, randomBytes(8).toString('hex'))
  const before = await Promise.all(Array.from({ length: BEFORE }, () => stream.upload()))
  for (const each of before) await each.processed
  const health = await server.call<{ status: string }>('GET', '/healthz')
  const list = await server.call<{ results: unknown[] }>('GET', '/api/samples/?limit=20')
  if (health.status !== 'ok' || list.results.length !== 20)
    throw new Error('the server answers wrongly before the attack')

  const attacker = name === null ? null : await Attacker.start(server, name)
  const times: { health: number[]; list: number[] } = { health: [], list: [] }
  const uploads: Promise<number>[] = []
  const begin = performance.now()
  const isOver = () => performance.now() - begin > secondsEach * 1000
  const probe = async (path: string, into: number[]) => {
    while (!isOver()) {
      const start = performance.now()
      await server.call('GET', path)
      into.push((performance.now() - start) / 1000)
      await pause(PROBE_EVERY_MS)
    }
  }
  const feed = async () => {
    while (!isOver()) {
      uploads.push(stream.upload().then(({ processed }) => processed))
      await pause(UPLOAD_EVERY_MS)
    }
  }
  const { server: peak } = await server.peakMemory(
    Promise.all([probe('/healthz', times.health), probe('/api/samples/?limit=20', times.list), feed()]),
  )
  const slowest = Math.max(...(await Promise.all(uploads)))
  const { rounds, answers, areRight } = (await attacker?.stop()) ?? { rounds: 0, answers: '–', areRight: true }
  const worst = Math.max(percentile(times.health, 0.99), percentile(times.list, 0.99))
  const isGood = worst <= P99_MOST && slowest <= UPLOAD_MOST && areRight
  return [
    name === null ? 'none' : (attackInputs[name]?.title ?? name),
    String(rounds),
    areRight ? answers : `**${answers}**`,
    ...[times.health, times.list].flatMap((each) => [seconds(percentile(each, 0.5)), seconds(percentile(each, 0.99))]),
    seconds(slowest),
    `${(peak / 1e6).toFixed(0)} MB`,
    isGood ? 'yes' : '**no**',
  ]
}

class Attacker {
  readonly #thread: Worker
  readonly #right: readonly number[]
  readonly #counts = new Map<number, number>()
  #rounds = 0

  private constructor(thread: Worker, right: readonly number[]) {
    this.#thread = thread
    this.#right = right
  }

  static async start(server: RunningServer, name: string): Promise<Attacker> {
    const { url, token } = server
    const thread = new Worker(new URL('./attacker.ts', import.meta.url), { workerData: { url, token, name } })
    const attacker = new Attacker(thread, attackInputs[name]?.right ?? [])
    await new Promise<void>((resolve, reject) => {
      thread.once('error', reject)
      thread.on('message', (message: { ready: true } | { statuses: number[] }) => {
        if ('ready' in message) resolve()
        else attacker.#note(message.statuses)
      })
    })
    return attacker
  }

  #note(statuses: readonly number[]): void {
    this.#rounds += 1
    for (const status of statuses) this.#counts.set(status, (this.#counts.get(status) ?? 0) + 1)
  }

  /** After the round that is under way. */
  async stop(): Promise<{ rounds: number; answers: string; areRight: boolean }> {
    const ended = new Promise((resolve) => this.#thread.once('exit', resolve))
    this.#thread.postMessage('stop')
    await Promise.race([ended, pause(150_000)])
    await this.#thread.terminate()
    const answers = [...this.#counts].map(([status, count]) => `${count} × ${status === 0 ? 'cut' : status}`).join(', ')
    return {
      rounds: this.#rounds,
      answers,
      areRight: [...this.#counts.keys()].every((status) => this.#right.includes(status)),
    }
  }
}
