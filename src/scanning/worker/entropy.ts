import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import type { Task } from './task.ts'

const CHUNK = 1024 * 1024
/** Below this many bytes even random content shows far less than eight bits a byte. */
const SMALLEST_SLICE = 256

/**
 * Shannon's entropy of equal slices of a file, in bits a byte. The file is read once, in chunks, whatever its size.
 */
export function entropy(task: Task, { path, slices }: TaskInput<'entropy'>): TaskOutput<'entropy'> {
  task.note('read')
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const count = Math.min(slices, Math.ceil(size / SMALLEST_SLICE))
    const bits = new Float32Array(count)
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK, Math.max(1, size)))
    const histogram = new Uint32Array(256)
    let offset = 0
    for (let slice = 0; slice < count; slice++) {
      const start = offset
      const end = Math.floor(((slice + 1) * size) / count)
      histogram.fill(0)
      while (offset < end) {
        const read = readSync(file, chunk, 0, Math.min(chunk.length, end - offset), offset)
        if (read === 0) throw new Error('The file became shorter while it was read.')
        for (let i = 0; i < read; i++) (histogram[chunk[i] as number] as number)++
        offset += read
        task.progress()
      }
      bits[slice] = bitsPerByte(histogram, end - start)
    }
    return { size, bits }
  } finally {
    closeSync(file)
  }
}

function bitsPerByte(histogram: Uint32Array, length: number): number {
  let sum = 0
  for (const count of histogram) {
    if (count > 0) sum += count * Math.log2(count)
  }
  return length === 0 ? 0 : Math.max(0, Math.log2(length) - sum / length)
}
