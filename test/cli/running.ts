/** Runs the real `bin/backtrail` for the tests of this folder, each in a folder of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
export const binary = join(root, 'bin/backtrail')

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly cwd?: string
  readonly command?: string
  /** After this many milliseconds the program is killed; a minute unless given. */
  readonly timeoutMs?: number
  /** Called with what is printed on the standard error output, as it comes. */
  readonly onStderr?: (piece: string) => void
}

/** The environment without settings of whoever runs the tests, and with one worker: the tests' samples are few. */
function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(BACKTRAIL|NODE|npm)_/i.test(name))
  return { ...Object.fromEntries(inherited), BACKTRAIL_WORKERS: '1', ...env }
}

/** Runs a command to its end. */
export async function backtrail(parameters: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = spawn(options.command ?? binary, parameters, {
    env: environment(options.env),
    cwd: options.cwd ?? root,
    timeout: options.timeoutMs ?? 60_000,
    killSignal: 'SIGKILL',
  })
  if (options.onStderr) child.stderr.on('data', (piece) => options.onStderr?.(String(piece)))
  child.stdin.on('error', () => undefined)
  child.stdin.end(options.input ?? '')
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}

/** The same, and a failed assertion with everything it printed when the exit status is another. */
export async function backtrailTo(code: number, parameters: readonly string[], options?: RunOptions): Promise<Ended> {
  const ended = await backtrail(parameters, options)
  assert.equal(ended.code, code, `backtrail ${parameters.join(' ')} ended otherwise:\n${ended.stderr}\n${ended.stdout}`)
  return ended
}

export interface Server {
  readonly url: string
  /** Everything printed so far. */
  readonly stdout: () => string
  readonly stderr: () => string
  readonly child: ChildProcess
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** Starts a server on a free port and waits until it says where it is. It is killed when the test ends. */
export async function startServer(
  t: TestContext,
  parameters: readonly string[],
  options: RunOptions = {},
): Promise<Server> {
  const [command = binary, ...before] = options.command?.split(' ') ?? [binary, 'serve']
  const child = spawn(command, [...before, ...(parameters.includes('--port') ? [] : ['--port', '0']), ...parameters], {
    env: environment(options.env),
    cwd: options.cwd ?? root,
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
  child.stdout.setEncoding('utf8').on('data', (piece) => (stdout += piece))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', () => {
      const [, address] = /(?:ready|stands by) at (\S+)\n/.exec(stdout) ?? []
      if (address) resolve(address)
    })
    ended.then(([code]) => reject(new Error(`The server ended with ${code}:\n${stderr}`)))
  })
  return {
    url,
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      const [code] = await ended
      return code
    },
  }
}

/** A folder for the test, with the given files in it, that is removed when the test ends. */
export function folderWith(t: TestContext, files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'backtrail-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}

/** The two ways in which commands reach the samples: flags, for a data folder of the test's own. */
export const places = {
  'on the data folder': async (_t: TestContext, folder: string): Promise<readonly string[]> => [
    '--data',
    join(folder, 'data'),
  ],
  'through a server': async (t: TestContext, folder: string): Promise<readonly string[]> => {
    const token = 'a-token-for-the-test'
    const server = await startServer(t, ['--data', join(folder, 'data')], { env: { BACKTRAIL_ADMIN_TOKEN: token } })
    return ['--server', server.url, '--token', token]
  },
} as const
