/** The real program as a process of its own, and its API as a client sees it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { heldBytes, residentBytes, workersOf } from './processes.ts'

const program = fileURLToPath(new URL('../bin/backtrail', import.meta.url))
const TOKEN = '0123456789abcdef0123456789abcdef01234567'

/**
 * Runs a command of the program to its end. Returns its standard output, how long it took and how long processors worked
 * for it and its processes, in seconds.
 */
export function command(
  args: readonly string[],
  settings: Readonly<Record<string, string>> = {},
): { readonly output: string; readonly seconds: number; readonly processorSeconds: number } {
  const workedBefore = processorSecondsOfEnded()
  const begin = performance.now()
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    env: { ...process.env, ...settings },
  })
  if (status !== 0) throw new Error(`backtrail ${args[0]} ended with ${status}: ${stderr.slice(-2_000)}`)
  return {
    output: stdout,
    seconds: (performance.now() - begin) / 1000,
    processorSeconds: processorSecondsOfEnded() - workedBefore,
  }
}

/** Of all processes that this one started and that have ended, with theirs. */
function processorSecondsOfEnded(): number {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  // The 16th and 17th field, in ticks of a hundredth of a second; the second, a name, is in parentheses.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(13, 15)
  return (Number(user) + Number(system)) / 100
}

export interface IndexTotals {
  readonly samples: number
  readonly segments: number
  readonly index_bytes: number
}

export class RunningServer {
  readonly url: string
  readonly #process: ChildProcess

  private constructor(process: ChildProcess, url: string) {
    this.#process = process
    this.url = url
  }

  /** `flags` are more of those of `backtrail serve`, `settings` variables of its environment. */
  static async start(
    dataFolder: string,
    flags: readonly string[] = [],
    settings: Readonly<Record<string, string>> = {},
  ): Promise<RunningServer> {
    const child = spawn(
      program,
      ['serve', '--port', '0', '--data', dataFolder, '--log-level', 'warn', '--rate-limit', '0', ...flags],
      {
        env: { ...process.env, BACKTRAIL_ADMIN_TOKEN: TOKEN, ...settings },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let output = ''
    for await (const chunk of child.stdout) {
      output += chunk
      const url = /https?:\/\/\S+/.exec(output)?.[0]
      if (url) {
        child.stdout.resume()
        return new RunningServer(child, url)
      }
    }
    throw new Error(`the server ended before it was ready: ${output}`)
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await ended
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** Of the administrator. */
  get token(): string {
    return TOKEN
  }

  /** POSTs a form. Fails on any answer that is no success. */
  async send<T>(path: string, form: FormData | URLSearchParams): Promise<T> {
    const headers = { authorization: `Token ${TOKEN}` }
    const response = await fetch(this.url + path, { method: 'POST', headers, body: form })
    const text = await response.text()
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${text.slice(0, 500)}`)
    return JSON.parse(text) as T
  }

  /** The body as JSON, or as text where it is none. Fails on any answer that is no success. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await fetch(this.url + path, {
      method,
      headers: { authorization: `Token ${TOKEN}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 500)}`)
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    return (isJson ? JSON.parse(text) : text) as T
  }

  /** The index when nothing has been merged for a while. */
  async settledIndex(): Promise<IndexTotals> {
    let last = ''
    for (;;) {
      const index = await this.call<IndexTotals>('GET', '/api/index/')
      if (JSON.stringify(index) === last) return index
      last = JSON.stringify(index)
      await new Promise((resolve) => setTimeout(resolve, 5_000))
    }
  }

  /** Resident bytes of the server process and of its workers. */
  memory(): { readonly server: number; readonly workers: readonly number[] } {
    return { server: residentBytes(this.pid), workers: workersOf(this.pid).map(residentBytes) }
  }

  /** Bytes that the server process and each of its workers hold, with their shares of what is shared (PSS). */
  heldMemory(): { readonly server: number; readonly workers: readonly number[] } {
    return { server: heldBytes(this.pid), workers: workersOf(this.pid).map(heldBytes) }
  }

  /** The most that the server process and any one worker were seen to have while the work went on. */
  async peakMemory<T>(
    work: Promise<T>,
  ): Promise<{ readonly result: T; readonly server: number; readonly worker: number }> {
    let server = 0
    let worker = 0
    const look = () => {
      const now = this.memory()
      server = Math.max(server, now.server)
      worker = Math.max(worker, ...now.workers)
    }
    const timer = setInterval(look, 100)
    try {
      const result = await work
      look()
      return { result, server, worker }
    } finally {
      clearInterval(timer)
    }
  }
}
