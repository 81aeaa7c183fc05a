import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import type { Task } from './task.ts'

const CHUNK = 1024 * 1024

/** Reads a stored content in chunks and compares it with the size and the SHA-256 that its sample has. */
export function digest(task: Task, { path, size, sha256 }: TaskInput<'digest'>): TaskOutput<'digest'> {
  task.note('read')
  const file = openSync(path, 'r')
  try {
    const found = fstatSync(file).size
    if (found !== size) return { damage: `the content has ${found} bytes instead of ${size}` }
    const hash = createHash('sha256')
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, Math.max(1, size)))
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      hash.update(chunk.subarray(0, read))
      task.progress()
    }
    const isSame = hash.digest().equals(sha256)
    return { damage: isSame ? null : 'the content has other bytes than the sample that was stored' }
  } finally {
    closeSync(file)
  }
}
