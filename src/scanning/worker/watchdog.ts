/**
 * A thread that ends the process when its parent is gone. The main thread learns of that through the closed channel,
 * but not while it is inside a scan that never ends; this one always can.
 */
import { workerData } from 'node:worker_threads'

const LOOK_MS = 500

const parent = workerData as number
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
}, LOOK_MS)
