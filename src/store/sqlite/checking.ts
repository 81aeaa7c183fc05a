import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { CheckDepth } from './soundness.ts'

/**
 * Checks a database file in a process of its own, since SQLite answers only when it has read all of it; others may use
 * the database meanwhile. Gives what is wrong, empty for a sound one. Rejects with the signal's reason.
 */
export async function checkDatabase(path: string, depth: CheckDepth, signal?: AbortSignal): Promise<string[]> {
  signal?.throwIfAborted()
  const child = fork(fileURLToPath(new URL('./checking-process.ts', import.meta.url)), [path, depth], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const end = () => void child.kill('SIGKILL')
  signal?.addEventListener('abort', end, { once: true })
  try {
    return await new Promise<string[]>((resolve, reject) => {
      child.once('message', (problems) => resolve(problems as string[]))
      child.once('error', reject)
      child.once('exit', (code, killedBy) =>
        reject(signal?.reason ?? new Error(`The check of the database ended early (${killedBy ?? code}).`)),
      )
    })
  } finally {
    signal?.removeEventListener('abort', end)
  }
}
