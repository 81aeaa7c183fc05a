/** Runs the real `bin/backtrail` for the tests of this folder, each in a folder of its own. */
import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Asked } from './command-process.ts'

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

/** The program of which the module that runs command lines is a part; empty where it is not what was built of the sources. */
const built = process.env.BACKTRAIL_TEST_BUILT ?? ''
/** These take their time to start, and not to run. */
const repeated = new Set([
  'backup',
  'check',
  'explain',
  'hunt',
  'index',
  'ingest',
  'restore',
  'retention',
  'rules',
  'users',
])
/** What the program itself was asked for: where and which command. */
const seen = new Set<string>()
const idle: ChildProcess[] = []

/** What was asked of the program itself before runs in a process that is there already. */
function isRepeated(parameters: readonly string[], { command, onStderr, env = {} }: RunOptions): boolean {
  // What Node itself is told concerns a process from its start.
  if (Object.keys(env).some((name) => name.startsWith('NODE_'))) return false
  if (built === '' || process.env.BACKTRAIL_LONG === '1' || command !== undefined || onStderr !== undefined)
    return false
  const [name = '', next = ''] = parameters
  if (!repeated.has(name)) return false
  const words = parameters.slice(0, next === 'sources' ? 3 : 2).filter((word) => /^[a-z]+$/.test(word))
  const key = `${words.join(' ')} ${parameters.includes('--server') ? 'through a server' : ''}`
  if (seen.has(key)) return true
  seen.add(key)
  return false
}

/**
 * What `bin/backtrail` comes to in the end, for all but the first that a file starts: its look at Node's version and at the
 * sources takes a tenth of a second of a processor each time.
 */
const started = { command: join(root, 'node_modules/.bin/node'), before: [join(built, 'main.js')] }
const throughScript = { command: binary, before: [] }
const itsEnvironment = {
  NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/backtrail'),
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold=134217728',
}
let wasStarted = false

/** The words in front of the parameters, and the environment. */
function programWith({ env = {} }: RunOptions): {
  readonly command: string
  readonly before: readonly string[]
  readonly env: NodeJS.ProcessEnv
} {
  const isDirect = wasStarted && built !== '' && process.env.BACKTRAIL_LONG !== '1'
  wasStarted = true
  return isDirect
    ? { ...started, env: environment({ ...itsEnvironment, ...env }) }
    : { ...throughScript, env: environment(env) }
}

function startCommandProcess(): ChildProcess {
  const [, part = ''] = /import\("(\.\/parts\/cli-[^"]+)"\)/.exec(readFileSync(join(built, 'main.js'), 'utf8')) ?? []
  const commandLine = pathToFileURL(join(built, part)).href
  return fork(new URL('command-process.ts', import.meta.url), [commandLine], {
    env: { ...environment(), NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/backtrail') },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

/** Runs a command in a process that runs one after the other. */
async function runInTurn(parameters: readonly string[], options: RunOptions): Promise<Ended> {
  const child = idle.pop() ?? startCommandProcess()
  child.ref()
  child.channel?.ref()
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 60_000)
  const waiting = new AbortController()
  const { signal } = waiting
  try {
    const env = environment(options.env) as Record<string, string>
    const asked: Asked = { parameters, env, cwd: options.cwd ?? root, input: options.input ?? '' }
    child.send(asked)
    const [answer] = await Promise.race([once(child, 'message', { signal }), once(child, 'exit', { signal })])
    const gone = { code: child.exitCode, stdout: '', stderr: 'The process of commands has ended.' }
    const ended: Ended = typeof answer === 'object' && answer !== null ? answer : gone
    if (child.exitCode === null && child.signalCode === null) idle.push(child)
    return ended
  } finally {
    clearTimeout(timer)
    waiting.abort()
    child.unref()
    child.channel?.unref()
  }
}

/** Runs a command to its end. */
export async function backtrail(parameters: readonly string[], options: RunOptions = {}): Promise<Ended> {
  if (isRepeated(parameters, options)) return runInTurn(parameters, options)
  const program =
    options.command === undefined
      ? programWith(options)
      : { command: options.command, before: [], env: environment(options.env) }
  const child = spawn(program.command, [...program.before, ...parameters], {
    env: program.env,
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
  const [command = '', ...before] = options.command?.split(' ') ?? []
  const program = command === '' ? programWith(options) : { command, before, env: environment(options.env) }
  const words = command === '' ? [...program.before, 'serve'] : before
  const port = parameters.includes('--port') ? [] : ['--port', '0']
  const child = spawn(program.command, [...words, ...port, ...parameters], {
    env: program.env,
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
