/** Real nodes as processes of their own, with folders of their own, beside a server in the test's process. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { binary, folderWith } from '../cli/running.ts'
import { type ClusterSettings, flagsOf } from './cluster.ts'

export interface RunningNode {
  readonly id: number
  readonly child: ChildProcess
  readonly stderr: () => string
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts a node with one worker and waits until it says that it is ready. It is killed when the test ends. */
export async function startNode(
  t: TestContext,
  cluster: ClusterSettings,
  cache = join(folderWith(t), 'cache'),
  /** What starts it, in place of the program alone. */
  command: readonly string[] = [binary],
): Promise<RunningNode> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(BACKTRAIL|NODE|npm)_/i.test(name))
  const [program = '', ...before] = command
  const flags = ['--cache', cache, '--cache-size', '64MB', '--workers', '1', ...flagsOf(cluster)]
  const child = spawn(program, [...before, 'node', ...flags], {
    env: Object.fromEntries(inherited),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const ended = once(child, 'close')
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  child.stderr.setEncoding('utf8').on('data', (piece) => (stderr += piece))
  const id = await new Promise<number>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (piece) => {
      stdout += piece
      const [, id] = /node (\d+) is ready\n/.exec(stdout) ?? []
      if (id) resolve(Number(id))
    })
    ended.then(([code]) => reject(new Error(`The node ended with ${code}:\n${stderr}`)))
  })
  return {
    ...{ id, child },
    stderr: () => stderr,
    async stop(signal = 'SIGTERM') {
      assert.ok(child.kill(signal))
      const [code] = await ended
      return code
    },
  }
}
