import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { Tlsh } from '../../similarity/index.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import type { Task } from './task.ts'

const CHUNK = 1024 * 1024

/** Reads a stored content once, in chunks. */
export function tlsh(task: Task, { path, size }: TaskInput<'tlsh'>): TaskOutput<'tlsh'> {
  task.note('read')
  const file = openSync(path, 'r')
  try {
    // Of a content that was cut off, the digest would be another one.
    if (fstatSync(file).size !== size) return { digest: null }
    const content = new Tlsh()
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, Math.max(1, size)))
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      content.update(chunk.subarray(0, read))
      task.progress()
    }
    return { digest: content.digest() }
  } finally {
    closeSync(file)
  }
}
