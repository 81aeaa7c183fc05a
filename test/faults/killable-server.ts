/**
 * The real program as a child process over real HTTP, which a test may kill and start again on the same data folder.
 */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { folderWith, type Server, startServer } from '../cli/running.ts'
import { until } from '../until.ts'
import { rows } from './data-folder.ts'
import { descendantsOf, type Process, remainingOf } from './processes.ts'

export { until }

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers as JavaScript does
export type Json = any

export interface Answer {
  readonly status: number
  readonly json: Json
}

export interface RetroState {
  readonly state: string
  readonly samples: number
  readonly processed: number
}

/** Where two have to get on with each other. Each is a process that takes its time to start. */
export const twoWorkers = ['--workers', '2'] as const

const token = randomBytes(20).toString('hex')

/** A worker looks for its parent twice a second, and 7-Zip notices at its next write; the rest is for a busy machine. */
const ORPHANS_END_MS = 30_000

export class KillableServer {
  readonly data: string
  readonly #t: TestContext
  readonly #flags: readonly string[]
  #server: Server | null = null

  /** In a fresh folder unless one is given. `flags` are those of `backtrail serve`; there is one worker unless they say otherwise. */
  constructor(t: TestContext, flags: readonly string[] = [], data = join(folderWith(t), 'data')) {
    this.#t = t
    this.#flags = flags
    this.data = data
  }

  /** Starts the program and waits until it listens. */
  async start(): Promise<void> {
    const parameters = ['--data', this.data, '--workers', '1', '--rate-limit', '0', ...this.#flags]
    this.#server = await startServer(this.#t, parameters, { env: { BACKTRAIL_ADMIN_TOKEN: token } })
  }

  get url(): string {
    return this.#running.url
  }

  /** SIGKILL; fails when a process that the server had started goes on without it. */
  async kill(): Promise<void> {
    const orphans = this.descendants()
    await this.#running.stop('SIGKILL')
    this.#server = null
    await until(
      () => remainingOf(orphans).length === 0,
      () => `the processes of the killed server end: ${describe(remainingOf(orphans))}`,
      ORPHANS_END_MS,
    )
  }

  /** SIGTERM; fails unless the program ends with 0. */
  async stop(): Promise<void> {
    const { stderr } = this.#running
    const code = await this.#running.stop('SIGTERM')
    this.#server = null
    assert.equal(code, 0, `the server did not end well:\n${stderr().slice(-3000)}`)
  }

  /** SIGTERM; tells how long the program took to end, how it did, and which of its processes go on without it. */
  async terminate(): Promise<{ ms: number; code: number | null; orphans: string[] }> {
    const below = this.descendants()
    const since = performance.now()
    const code = await this.#running.stop('SIGTERM')
    const ms = performance.now() - since
    this.#server = null
    const isOver = () => remainingOf(below).length === 0
    const deadline = performance.now() + ORPHANS_END_MS
    while (!isOver() && performance.now() < deadline) await sleep(10)
    return { ms, code, orphans: remainingOf(below).map(({ pid, command }) => `${pid} ${command}`) }
  }

  /** The processes that the server has started, and theirs. */
  descendants(): Process[] {
    return descendantsOf(this.#running.child.pid ?? 0)
  }

  /** The processes that scan, as opposed to those that check texts and unpack. */
  workers(): Process[] {
    return this.descendants().filter(({ command }) => /worker\/main\.[jt]s .*\/worker-\d+\.progress/.test(command))
  }

  /** What was logged since the start, one object a line. */
  get logged(): readonly Json[] {
    return this.#running
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line))
  }

  /** What the start found and repaired. */
  get repaired(): Json {
    return this.logged.find(({ msg }) => msg === 'the data folder is open') ?? assert.fail('nothing told')
  }

  /** Sends a plain object as JSON. */
  async call(
    method: string,
    path: string,
    body?: FormData | URLSearchParams | Record<string, unknown>,
  ): Promise<Answer> {
    const isForm = body === undefined || body instanceof FormData || body instanceof URLSearchParams
    const headers = { authorization: `Token ${token}`, ...(!isForm && { 'content-type': 'application/json' }) }
    const sent = isForm ? body : JSON.stringify(body)
    const answer = await fetch(this.#running.url + path, { method, headers, ...(sent && { body: sent }) })
    const text = await answer.text()
    try {
      return { status: answer.status, json: text === '' ? null : JSON.parse(text) }
    } catch {
      return assert.fail(`${method} ${path} answered ${answer.status} and no JSON: ${text.slice(0, 300)}`)
    }
  }

  /** Sends a plain object as JSON, until the signal is aborted. */
  send(method: string, path: string, body: Record<string, unknown>, signal: AbortSignal): Promise<Response> {
    const headers = { authorization: `Token ${token}`, 'content-type': 'application/json' }
    return fetch(this.#running.url + path, { method, headers, body: JSON.stringify(body), signal })
  }

  /** Rejects when the connection breaks, as it does when the server is killed. */
  upload(content: Uint8Array, name: string): Promise<Answer> {
    const form = new FormData()
    form.append('file', new Blob([Buffer.from(content)]), name)
    return this.call('POST', '/api/submit/file/', form)
  }

  /** Uploads and fails unless it was acknowledged. Returns the SHA-256. */
  async take(content: Uint8Array, name: string): Promise<string> {
    const { status, json } = await this.upload(content, name)
    assert.equal(status, 201, JSON.stringify(json))
    assert.equal(json.detail.sha256, sha256(content))
    return json.detail.sha256
  }

  /** Those of the samples that are processed. */
  async processedOf(hashes: readonly string[]): Promise<string[]> {
    if (hashes.length === 0) return []
    const body = new URLSearchParams(hashes.map((hash) => ['hash_values', hash]))
    const { status, json } = await this.call('POST', '/api/samples/status/?status=processed', body)
    assert.equal(status, 200, JSON.stringify(json))
    return json.results.map((result: Json) => result.hash_value)
  }

  async untilProcessed(hashes: readonly string[], ms = 60_000): Promise<void> {
    let missing = [...hashes]
    await until(
      async () => {
        const processed = new Set(await this.processedOf(missing))
        missing = missing.filter((hash) => !processed.has(hash))
        return missing.length === 0
      },
      () => `these samples are processed: ${missing.join(' ')}`,
      ms,
    )
  }

  /** Waits until no sample is queued, acknowledged or not. */
  async untilIdle(ms = 60_000): Promise<void> {
    const queued = () => rows(this.data, "SELECT id FROM samples WHERE state = 'queued'").length
    await until(
      () => queued() === 0,
      () => `the queue is empty; ${queued()} samples are in it`,
      ms,
    )
  }

  /** The SHA-256 of what a download gives; fails unless it is answered with 200. */
  async downloaded(hash: string): Promise<string> {
    const answer = await fetch(`${this.#running.url}/api/samples/${hash}/download/`, {
      headers: { authorization: `Token ${token}` },
    })
    const content = Buffer.from(await answer.arrayBuffer())
    assert.equal(answer.status, 200, `${hash} cannot be downloaded: ${content.toString().slice(0, 300)}`)
    return sha256(content)
  }

  saveRuleset(name: string, content: string): Promise<Answer> {
    return this.call('POST', '/api/yara/ruleset/', new URLSearchParams({ name, content }))
  }

  /** Saves and fails unless it was accepted. */
  async demandRuleset(name: string, content: string): Promise<void> {
    const { status, json } = await this.saveRuleset(name, content)
    assert.equal(status, 200, JSON.stringify(json))
  }

  async removeRuleset(name: string): Promise<void> {
    const { status, json } = await this.call('DELETE', '/api/yara/ruleset/', new URLSearchParams({ name }))
    assert.equal(status, 200, JSON.stringify(json))
  }

  async rulesetStatus(name: string): Promise<string> {
    const { json } = await this.call('GET', '/api/yara/v2/rulesets/')
    return json.results.find((ruleset: Json) => ruleset.name === name)?.status
  }

  /** `rule sha256`, sorted. */
  async matchesOf(ruleset: string): Promise<string[]> {
    const { status, json } = await this.call(
      'GET',
      `/api/yara/v2/ruleset/matches/?${new URLSearchParams({ name: ruleset })}`,
    )
    assert.equal(status, 200, JSON.stringify(json))
    return json.results.map((match: Json) => `${match.rule} ${match.sha256}`).sort()
  }

  /** What `index check` finds, through the server. */
  async indexCheck(): Promise<Json> {
    const headers = { authorization: `Token ${token}` }
    const answer = await fetch(`${this.#running.url}/api/index/check/`, { method: 'POST', headers })
    const last = (await answer.text()).trim().split('\n').at(-1) ?? ''
    return JSON.parse(last).result ?? assert.fail(`the check ended with ${last}`)
  }

  /** Starts an ad-hoc hunt with these texts by name, and gives its id. */
  async startHunt(texts: Readonly<Record<string, string>>): Promise<number> {
    const rules = Object.entries(texts).map(([name, content]) => ({ name, content }))
    const { status, json } = await this.call('POST', '/api/hunts/', { rules })
    assert.equal(status, 201, JSON.stringify(json))
    return json.id
  }

  async hunt(id: number): Promise<Json> {
    return (await this.call('GET', `/api/hunts/${id}/`)).json
  }

  async startRetro(): Promise<void> {
    const { status, json } = await this.call(
      'POST',
      '/api/uploads/local-retro-hunt/',
      new URLSearchParams({ operation: 'START' }),
    )
    assert.equal(status, 200, JSON.stringify(json))
  }

  async retro(): Promise<RetroState> {
    const { json } = await this.call('GET', '/api/uploads/local-retro-hunt/')
    return json.status
  }

  /** Waits until the hunt is no longer under way; fails unless it is COMPLETED. */
  async retroCompleted(ms = 60_000): Promise<RetroState> {
    let latest = await this.retro()
    await until(
      async () => {
        latest = await this.retro()
        return latest.state !== 'STARTING' && latest.state !== 'RUNNING'
      },
      () => `Local Retro ends; it is ${JSON.stringify(latest)}`,
      ms,
    )
    assert.equal(latest.state, 'COMPLETED', JSON.stringify(latest))
    return latest
  }

  get #running(): Server {
    return this.#server ?? assert.fail('the server is not running')
  }
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** Looks again and again, less and less often, until it holds; fails, saying what was waited for, when it does not within the time. */
function describe(processes: readonly Process[]): string {
  return processes.map(({ pid, command }) => `${pid} ${command}`).join('; ')
}
