import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { readPart } from '../../archives/index.ts'
import type { TaskInput, TaskOutput } from '../tasks.ts'
import { digestsOf, writeAll } from './copy-and-hash.ts'
import type { SampleBuffer } from './sample-buffer.ts'
import type { Task } from './task.ts'

type Input = TaskInput<'unpack'>
type Output = TaskOutput<'unpack'>

/** Members and bytes of one slice; a large archive is read again for each, so its slices are larger. */
const SLICE_MEMBERS = 256
const SLICE_BYTES = 16 * 1024 * 1024
/** Larger members are 7-Zip's, which does not hold them in memory. */
const IN_MEMORY = 64 * 1024 * 1024
/** Members that are looked at beyond those that may come out: damaged and too large ones bring nothing. */
const MOST_SKIPPED = 1_000

/** One slice of an archive's members. */
export async function unpack(task: Task, input: Input, buffer: SampleBuffer): Promise<Output> {
  task.note('copyAndHash')
  const { path, size, name, isArchive, isMail, folder, at } = input
  const bytes = buffer.read(path, size, task.progress)
  const most = input.member + input.members + MOST_SKIPPED
  const part = await readPart({ bytes, name, isArchive, isMail }, at, most)
  task.progress()
  if (part === null) return { ...NOTHING, part: null }
  const { from, to, members, note } = part
  const output = { ...NOTHING, part: { from, to }, note }
  if (members === null) return { ...output, forSevenZip: copyOf(bytes, from, to, input) }

  const taken: Output['members'][number][] = []
  let left = input.bytes
  const slice = Math.max(SLICE_BYTES, size / 4)
  let { damaged, oversized } = output
  let isForSevenZip = false
  for (let index = input.member; index < members.length; index++) {
    if (taken.length >= input.members) return { ...output, members: taken, damaged, oversized, exceeded: 'members' }
    if (taken.length >= SLICE_MEMBERS || input.bytes - left >= slice) {
      // Asked for once more at the end: the rest may hold nothing that 7-Zip is needed for.
      return { ...output, members: taken, damaged, oversized, next: index, forSevenZip: rest(isForSevenZip) }
    }
    const member = members[index]
    if (member === undefined) break
    const content = member.read(Math.min(input.memberBytes, IN_MEMORY, left))
    task.progress()
    if (content === 'too-large' && left < Math.min(input.memberBytes, IN_MEMORY)) {
      return { ...output, members: taken, damaged, oversized, exceeded: 'bytes' }
    }
    if (content === 'too-large' && input.memberBytes <= IN_MEMORY) {
      oversized++
      continue
    }
    if (typeof content === 'string') {
      isForSevenZip = true
      continue
    }
    if (content.isDamaged) damaged++
    if (content.isDamaged && content.bytes.length === 0) continue
    const temporary = join(folder, `${at}-${index}`)
    write(temporary, content.bytes)
    taken.push({ name: member.name, temporary, digests: digestsOf(content.bytes) })
    left -= content.bytes.length
  }
  // As many as were asked for, though not all of them came out: more may follow, of which 7-Zip would speak itself.
  const isCut = !isForSevenZip && members.length >= most
  const exceeded = isCut ? 'members' : null
  return { ...output, members: taken, damaged, oversized, exceeded, forSevenZip: rest(isForSevenZip) }

  function rest(isWanted: boolean): Output['forSevenZip'] {
    return isWanted ? copyOf(bytes, from, to, input) : null
  }
}

const NOTHING: Output = {
  part: null,
  members: [],
  next: null,
  forSevenZip: null,
  damaged: 0,
  oversized: 0,
  exceeded: null,
  note: null,
}

/** The file itself, where the part is all of it. */
function copyOf(bytes: Buffer, from: number, to: number | null, { path, folder }: Input): { readonly path: string } {
  if (from === 0 && (to === null || to === bytes.length)) return { path }
  const copy = join(folder, `part-${from}`)
  write(copy, bytes.subarray(from, to ?? bytes.length))
  return { path: copy }
}

function write(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w', 0o600)
  try {
    writeAll(file, bytes)
  } finally {
    closeSync(file)
  }
}
