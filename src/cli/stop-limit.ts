import { Worker } from 'node:worker_threads'
import { childEnvironment } from '../settings/index.ts'
import type { StopLimit } from './stop-limit-thread.ts'

/** What stopping may take beyond the grace of requests: intake, hunts and workers come to a safe point. */
const CLOSING_MS = 2_000
/** The thread looks earlier: a busy machine needs a while to deliver the signal, and to end a process of many megabytes. */
const MARGIN_MS = 500

/**
 * Ends the process once `graceMs` and `CLOSING_MS` have passed, whatever it is about then. Contents and rows are sound at
 * every instant, so this loses no more than a kill does: work that was under way begins anew at the next start.
 *
 * In a thread of its own: where the main thread is what hangs, no timer of it fires.
 */
export function limitStopping(graceMs: number): void {
  // An instant and no duration: on a busy machine a while passes until the thread runs.
  const end = process.hrtime.bigint() + BigInt(graceMs + CLOSING_MS - MARGIN_MS) * 1_000_000n
  const workerData: StopLimit = { end, graceMs }
  const env = childEnvironment()
  const thread = new Worker(new URL('./stop-limit-thread.ts', import.meta.url), { workerData, execArgv: [], env })
  thread.unref()
}
