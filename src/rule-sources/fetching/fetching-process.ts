/** Starts a fetching process and watches it: its time, its memory, and that nothing of it stays. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Failure, type FailureCode } from '../../errors/index.ts'
import { childEnvironment } from '../../settings/index.ts'
import type { FetchAnswer, FetchOrder } from './order.ts'

const MEMORY_BYTES = 1024 ** 3
const LOOK_EVERY_MS = 500
/** Of a page in /proc/PID/statm. */
const PAGE_BYTES = 4_096
const LAST_WORDS = 4_096

export type Fetched = Exclude<FetchAnswer, { readonly state: 'failed' }>

/**
 * What the order asks for. Makes the folder, which is the caller's to remove. Fails with the codes `source.…`, or
 * with the signal's reason.
 */
export async function runFetch(order: FetchOrder, signal: AbortSignal): Promise<Fetched> {
  await mkdir(order.folder, { mode: 0o700 })
  const program = fileURLToPath(new URL('./main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--max-old-space-size=768', program], {
    // A group of its own, so that git and 7-Zip go with it.
    detached: true,
    env: { ...childEnvironment(), PATH: process.env.PATH },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stopped: Failure | null = null
  const stop = (reason: Failure | null) => {
    stopped ??= reason
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended.
    }
  }
  const onAbort = () => stop(null)
  const mostBytes = MEMORY_BYTES + 2 * order.limits.bytes
  const timer = setTimeout(
    () =>
      stop(
        new Failure('source.failed', `It took longer than ${order.limits.timeMs / 1_000} seconds, and was stopped.`),
      ),
    order.limits.timeMs,
  )
  const watch = setInterval(() => {
    if (residentBytes(child.pid) > mostBytes) stop(new Failure('source.too-large', 'Reading it needs too much memory.'))
  }, LOOK_EVERY_MS)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  try {
    child.stdin.on('error', () => {})
    // Left open: its end is what ends the process.
    child.stdin.write(`${JSON.stringify(order)}\n`)
    const pieces: Buffer[] = []
    let errors = ''
    child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-LAST_WORDS)
    })
    await new Promise<void>((resolve) => {
      child.once('error', (error) => {
        errors += error.message
        resolve()
      })
      child.once('close', () => resolve())
    })
    signal.throwIfAborted()
    if (stopped !== null) throw stopped
    return answerOf(Buffer.concat(pieces).toString('utf8'), errors)
  } finally {
    clearTimeout(timer)
    clearInterval(watch)
    signal.removeEventListener('abort', onAbort)
    stop(null)
  }
}

function answerOf(text: string, errors: string): Fetched {
  if (!text.endsWith('\n')) {
    const words = errors.trim().split('\n').at(-1) ?? ''
    throw new Failure('source.failed', `The process that reads it ended: ${words || 'it was killed'}.`)
  }
  const answer = JSON.parse(text) as FetchAnswer
  if (answer.state === 'failed') throw new Failure(answer.code as FailureCode, answer.message)
  return answer
}

function residentBytes(pid: number | undefined): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'latin1').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}
