/** The thread of `stop-limit.ts`: waits, and then ends the whole process. */
import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'

export interface StopLimit {
  /** As `process.hrtime.bigint()` tells it, which all threads share. */
  readonly end: bigint
  /** For the message. */
  readonly graceMs: number
}

const { end, graceMs } = workerData as StopLimit

setTimeout(
  () => {
    const seconds = (graceMs + 2_000) / 1000
    try {
      writeSync(
        2,
        `backtrail: stopping took longer than ${seconds} s, so the process was ended. What was acknowledged is stored; unfinished work goes on at the next start.\n`,
      )
    } finally {
      process.kill(process.pid, 'SIGKILL')
    }
  },
  Math.max(0, Number(end - process.hrtime.bigint()) / 1e6),
)
