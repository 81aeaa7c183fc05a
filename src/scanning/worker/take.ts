import { createHash, hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { Digests, TaskInput, TaskOutput } from '../tasks.ts'
import type { SampleExaminer } from './examine.ts'
import type { Task } from './task.ts'

/** Also the largest file that is hashed in one go; the buffer is made once. */
const CHUNK = 4 * 1024 * 1024
let chunk: Buffer | null = null

/** A copied file; `bytes` is all of a small one, until the next is copied. */
interface Copied {
  readonly digests: Digests
  readonly bytes: Buffer | null
}

/**
 * Copies a file while hashing it, and then examines the copy with `examiner`, if given. The copy is not synced. The
 * source may be changing: the digests are those of the bytes that were copied. `temporary` is overwritten (an earlier try
 * may have died halfway) and left behind when something fails.
 */
export function take(task: Task, input: TaskInput<'take'>, examiner: SampleExaminer | null): TaskOutput<'take'> {
  task.note('take')
  const copied = copyHashing(input.source, input.temporary, task.progress)
  return { digests: copied.digests, examined: examiner && examine(task, input, copied, examiner) }
}

function examine(
  task: Task,
  { examine }: TaskInput<'take'>,
  { digests, bytes }: Copied,
  examiner: SampleExaminer,
): TaskOutput<'take'>['examined'] {
  if (examine === null || bytes === null || bytes.length > examine.upTo || !task.avoid.examining) return null
  try {
    return examiner.examineBytes(task, bytes, { ...examine, digests, without: [] })
  } catch {
    // The file is taken all the same; the task that examines it by itself reports what is wrong.
    return null
  }
}

function copyHashing(path: string, temporary: string, progress: () => void): Copied {
  chunk ??= Buffer.allocUnsafeSlow(CHUNK)
  const source = openSync(path, 'r')
  try {
    const copy = openSync(temporary, 'w', 0o600)
    try {
      const small = fstatSync(source).size < CHUNK ? takeSmall(source, copy, chunk) : null
      return small ?? takeLarge(source, copy, chunk, progress)
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
}

/** Null when the file turns out to be larger than the buffer: it has grown, and nothing was written yet. */
function takeSmall(source: number, copy: number, buffer: Buffer): Copied | null {
  let size = 0
  for (;;) {
    const count = readSync(source, buffer, size, buffer.length - size, size)
    if (count === 0) break
    size += count
    if (size === buffer.length) return null
  }
  const bytes = buffer.subarray(0, size)
  writeAll(copy, bytes)
  const digests = {
    size,
    sha256: hash('sha256', bytes, 'buffer'),
    sha1: hash('sha1', bytes, 'buffer'),
    md5: hash('md5', bytes, 'buffer'),
    sha512: hash('sha512', bytes, 'buffer'),
  }
  return { digests, bytes }
}

function takeLarge(source: number, copy: number, buffer: Buffer, progress: () => void): Copied {
  const sha256 = createHash('sha256')
  const sha1 = createHash('sha1')
  const md5 = createHash('md5')
  const sha512 = createHash('sha512')
  let size = 0
  for (;;) {
    const count = readSync(source, buffer, 0, buffer.length, size)
    if (count === 0) break
    const bytes = buffer.subarray(0, count)
    for (const digest of [sha256, sha1, md5, sha512]) digest.update(bytes)
    writeAll(copy, bytes)
    size += count
    progress()
  }
  const digests = {
    size,
    sha256: sha256.digest(),
    sha1: sha1.digest(),
    md5: md5.digest(),
    sha512: sha512.digest(),
  }
  return { digests, bytes: null }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}
