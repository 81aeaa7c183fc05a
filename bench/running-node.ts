/** A node of a cluster as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type ClusterSettings, flagsOf } from '../test/cluster/cluster.ts'
import { heldBytes, workersOf } from './processes.ts'

const program = fileURLToPath(new URL('../bin/backtrail', import.meta.url))

/** Longer than a server waits for a sign of life, and than it takes to see one. */
const SILENT_MS = 7_000
const KNOWN_MS = 2_000

export interface NodeOptions {
  /** Its folder for copies. */
  readonly cache: string
  readonly workers: number
  /** The one core that it and its workers run on; all of them unless given. */
  readonly core?: number
}

export class RunningNode {
  /** In the list of nodes. */
  readonly id: number
  readonly #process: ChildProcess

  private constructor(process: ChildProcess, id: number) {
    this.#process = process
    this.id = id
  }

  static async start(cluster: ClusterSettings, { cache, workers, core }: NodeOptions): Promise<RunningNode> {
    const pinned = core === undefined ? [] : ['taskset', '--cpu-list', String(core % availableParallelism())]
    const flags = ['--cache', cache, '--cache-size', '50GB', '--workers', String(workers), '--log-level', 'warn']
    const [command = '', ...words] = [...pinned, program, 'node', ...flags, ...flagsOf(cluster)]
    const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    for await (const piece of child.stdout) {
      output += piece
      const [, id] = /node (\d+) is ready/.exec(output) ?? []
      if (id === undefined) continue
      child.stdout.resume()
      return new RunningNode(child, Number(id))
    }
    throw new Error(`the node ended before it was ready: ${output}`)
  }

  get pid(): number {
    return this.#process.pid as number
  }

  /** Bytes that it and its workers hold, with their shares of what is shared (PSS). */
  get heldMemory(): number {
    return [this.pid, ...workersOf(this.pid)].reduce((sum, pid) => sum + heldBytes(pid), 0)
  }

  /** Works no more; resolves when its server has taken it for silent. */
  async rest(): Promise<void> {
    this.#process.kill('SIGSTOP')
    await delay(SILENT_MS)
  }

  /** The other way round. */
  async goOn(): Promise<void> {
    this.#process.kill('SIGCONT')
    await delay(KNOWN_MS)
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return
    const exit = once(this.#process, 'exit')
    this.#process.kill('SIGTERM')
    await exit
  }
}
