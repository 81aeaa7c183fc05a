import { statSync } from 'node:fs'
import { Failure } from '../../errors/index.ts'
import { mergeSegments, noProgram, nothingKnown, signFile, sign as signInMemory } from '../../index/index.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import { type EngineFactsReader, isWindowsProgram } from './engine-facts.ts'
import type { ProgramFactsReader } from './program-facts.ts'
import { readHead, type SampleBuffer } from './sample-buffer.ts'
import type { Task } from './task.ts'

/** Signing and merging read files of any size without a sign of life in between; a disk may be slow. */
const MS_PER_MEGABYTE = 1_000

/** Larger programs are not read into memory as a whole: what the engine says of them is not known. */
const READ_AT_ONCE = 1024 ** 3

export function sign(
  task: Task,
  { path, digests }: TaskInput<'sign'>,
  { buffer, engineFacts }: { readonly buffer: SampleBuffer; readonly engineFacts: EngineFactsReader },
): TaskOutput<'sign'> {
  const noteSigning = () =>
    task.note('sign', { allowedMs: task.stallMs + (digests.size / (1024 * 1024)) * MS_PER_MEGABYTE })
  noteSigning()
  const { size } = statSync(path)
  if (size !== digests.size) {
    throw new Failure('sample.gone', `The content has ${size} bytes instead of ${digests.size}.`)
  }
  const isProgram = isWindowsProgram(readHead(path, 2))
  if (!isProgram || size > READ_AT_ONCE) {
    return { signature: signFile(path, digests, isProgram ? nothingKnown : noProgram) }
  }
  const bytes = buffer.read(path, size, task.progress)
  const found = engineFacts.read(task, bytes)
  noteSigning()
  return { signature: signInMemory(bytes, digests, found) }
}

/** What a stored file is made of, for samples that came before that was kept. */
export function readStoredProgram(
  task: Task,
  { path, size }: TaskInput<'readProgram'>,
  {
    buffer,
    engineFacts,
    programFacts,
  }: {
    readonly buffer: SampleBuffer
    readonly engineFacts: EngineFactsReader
    readonly programFacts: ProgramFactsReader
  },
): TaskOutput<'readProgram'> {
  task.note('read')
  if (size > READ_AT_ONCE || statSync(path).size !== size) return { program: null }
  const bytes = buffer.read(path, size, task.progress)
  return { program: programFacts.read(task, bytes, engineFacts.read(task, bytes).program) }
}

export function merge(task: Task, input: TaskInput<'merge'>): TaskOutput<'merge'> {
  const bytes = input.inputs.reduce((sum, path) => sum + statSync(path).size, 0)
  task.note('merge', { allowedMs: task.stallMs + (bytes / (1024 * 1024)) * MS_PER_MEGABYTE })
  const summary = mergeSegments(input.inputs, input.output, input.without)
  return { samples: summary?.samples ?? 0, bytes: summary?.bytes ?? 0 }
}
