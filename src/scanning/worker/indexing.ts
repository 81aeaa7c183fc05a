import { statSync } from 'node:fs'
import { Failure } from '../../errors/index.ts'
import { mergeSegments, signFile } from '../../index/index.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import type { Task } from './task.ts'

/** Signing and merging read files of any size without a sign of life in between; a disk may be slow. */
const MS_PER_MEGABYTE = 1_000

export function sign(task: Task, input: TaskInput<'sign'>): TaskOutput<'sign'> {
  task.note('sign', { allowedMs: task.stallMs + (input.digests.size / (1024 * 1024)) * MS_PER_MEGABYTE })
  const { size } = statSync(input.path)
  if (size !== input.digests.size) {
    throw new Failure('sample.gone', `The content has ${size} bytes instead of ${input.digests.size}.`)
  }
  return { signature: signFile(input.path, input.digests) }
}

export function merge(task: Task, input: TaskInput<'merge'>): TaskOutput<'merge'> {
  const bytes = input.inputs.reduce((sum, path) => sum + statSync(path).size, 0)
  task.note('merge', { allowedMs: task.stallMs + (bytes / (1024 * 1024)) * MS_PER_MEGABYTE })
  const summary = mergeSegments(input.inputs, input.output, input.without)
  return { samples: summary?.samples ?? 0, bytes: summary?.bytes ?? 0 }
}
