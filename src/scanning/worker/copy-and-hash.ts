import { createHash, hash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs'
import type { Digests, TaskInput, TaskOutput } from '../tasks.ts'
import type { SampleExaminer } from './examine.ts'
import { KEPT, type SampleBuffer } from './sample-buffer.ts'
import type { Task } from './task.ts'

/** Files are read, hashed and written in pieces that stay in the processor's cache. */
const PIECE = 512 * 1024
/** Larger files are not kept in memory while they are copied, but pass through this much of it. */
const MOST_AT_HAND = KEPT
const CHUNK = 4 * 1024 * 1024

/** A copied file; `bytes` is all of one that was kept in memory, until the next sample. */
interface Copied {
  readonly digests: Digests
  readonly bytes: Buffer | null
}

/**
 * Copies a file while hashing it, and then examines the copy with `examiner`, if given. The copy is not synced. The
 * source may be changing: the digests are those of the bytes that were copied. `temporary` is overwritten (an earlier try
 * may have died halfway) and left behind when something fails.
 */
export function copyAndHash(
  task: Task,
  input: TaskInput<'copyAndHash'>,
  buffer: SampleBuffer,
  examiner: SampleExaminer | null,
): TaskOutput<'copyAndHash'> {
  task.note('copyAndHash')
  const copied = copyHashing(input.source, input.temporary, buffer, task.progress)
  return { digests: copied.digests, examined: examiner && examine(task, input, copied, examiner) }
}

function examine(
  task: Task,
  { examine }: TaskInput<'copyAndHash'>,
  { digests, bytes }: Copied,
  examiner: SampleExaminer,
): TaskOutput<'copyAndHash'>['examined'] {
  if (examine === null || bytes === null || bytes.length > examine.upTo || !task.exclusions.allowed.examining)
    return null
  try {
    return examiner.examineBytes(task, bytes, { ...examine, digests, without: [] })
  } catch {
    // The file is taken all the same; the task that examines it by itself reports what is wrong.
    return null
  }
}

function copyHashing(path: string, temporary: string, buffer: SampleBuffer, progress: () => void): Copied {
  const source = openSync(path, 'r')
  try {
    const copy = openSync(temporary, 'w', 0o600)
    try {
      const { size } = fstatSync(source)
      const small = size < PIECE ? copySmall(source, copy, buffer.room(PIECE)) : null
      if (small !== null) return small
      const room = buffer.room(size < MOST_AT_HAND ? Math.max(CHUNK, size + 1) : CHUNK)
      return copyInPieces(source, copy, room, progress)
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
}

/** Null when the file turns out to be larger than a piece: it has grown, and nothing was written yet. */
function copySmall(source: number, copy: number, room: Buffer): Copied | null {
  let size = 0
  for (;;) {
    const count = readSync(source, room, size, PIECE - size, size)
    if (count === 0) break
    size += count
    if (size === PIECE) return null
  }
  const bytes = room.subarray(0, size)
  writeAll(copy, bytes)
  return { digests: digestsOf(bytes), bytes }
}

/** Of a content in memory. */
export function digestsOf(bytes: Uint8Array): Digests {
  return {
    size: bytes.length,
    sha256: hash('sha256', bytes, 'buffer'),
    sha1: hash('sha1', bytes, 'buffer'),
    md5: hash('md5', bytes, 'buffer'),
    sha512: hash('sha512', bytes, 'buffer'),
  }
}

/** The file is at hand afterwards if `room` is larger than it; else the room is used again and again. */
function copyInPieces(source: number, copy: number, room: Buffer, progress: () => void): Copied {
  const sha256 = createHash('sha256')
  const sha1 = createHash('sha1')
  const md5 = createHash('md5')
  const sha512 = createHash('sha512')
  let size = 0
  for (;;) {
    const start = size % room.length
    const count = readSync(source, room, start, Math.min(PIECE, room.length - start), size)
    if (count === 0) break
    const piece = room.subarray(start, start + count)
    for (const digest of [sha256, sha1, md5, sha512]) digest.update(piece)
    writeAll(copy, piece)
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
  return { digests, bytes: size < room.length ? room.subarray(0, size) : null }
}

export function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}
