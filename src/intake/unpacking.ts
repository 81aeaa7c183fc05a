import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit, { type LimitFunction } from 'p-limit'
import type { Archives, Unpacked } from '../archives/index.ts'
import type { TaskOutput, WorkerPool } from '../scanning/index.ts'
import { asStorageFailure, type ContentStore, type Scratch } from '../store/index.ts'
import type { Admitted } from './admission.ts'
import { type Examined, type Examiner, isOfTheSample } from './examination.ts'
import { fileName, folderOf, knownNameOf, type StagedFile } from './staged-file.ts'

export interface UnpackingLimits {
  /** Archives in archives; 0 unpacks nothing. */
  readonly archiveDepth: number
  /** Members and unpacked bytes of what was sent, over all levels. */
  readonly archiveMembers: number
  readonly archiveBytes: number
}

export interface UnpackerParts {
  readonly archives: Archives
  readonly pool: WorkerPool
  readonly contents: ContentStore
  readonly scratch: Scratch
  readonly examiner: Examiner
  readonly limits: UnpackingLimits
  /** Processes of 7-Zip. */
  readonly processesAtOnce: number
  readonly admit: (staged: StagedFile) => Promise<Admitted>
}

/** What may still come out of one upload. */
interface Allowance {
  members: number
  bytes: number
  /** Its archives are unpacked one after the other: each knows what those before it have left. */
  turn: Promise<unknown>
}

/** The password that samples are passed around with. */
const CUSTOMARY_PASSWORD = 'infected'
/** Members of one archive that are copied and hashed at once. */
const AT_ONCE = 8
/** Archives that are looked for in one file, one behind the other. */
const MOST_PARTS = 64

type Slice = TaskOutput<'unpack'>

/** What has come out of one file so far. */
interface Opening {
  readonly examined: Examined
  readonly allowance: Allowance
  readonly root: number
  /** Of the file that is opened. */
  readonly path: string
  readonly folder: string
  readonly signal: AbortSignal
  readonly notes: Set<string>
  readonly admitted: Promise<unknown>[]
  /** Bytes that may come out of it by its own size. */
  bytesByRatio: number
  /** Archives in it that were opened. */
  opened: number
  /** All that comes out of it is counted, though not admitted yet: the next archive of the upload may begin. */
  readonly markCounted: () => void
}

/** Unpacks one level of archives and hands the members over as new arrivals. */
export class Unpacker {
  readonly #parts: UnpackerParts
  readonly #processes: LimitFunction
  /** By the sample that was sent. */
  readonly #allowances = new Map<number, Allowance>()

  constructor(parts: UnpackerParts) {
    this.#parts = parts
    this.#processes = pLimit(parts.processesAtOnce)
  }

  /** Nothing more comes out of this upload. */
  forget(root: number): void {
    this.#allowances.delete(root)
  }

  /** Admits the members of an archive; gives the remarks that its sample is to carry. */
  async unpack(examined: Examined, signal: AbortSignal): Promise<readonly string[]> {
    const { archiveDepth, archiveMembers, archiveBytes } = this.#parts.limits
    const { queued, remarks } = examined
    const { depth, root = queued.id } = queued.note
    if (depth >= archiveDepth) return [...remarks, `It lies ${depth} archives deep, and is not unpacked.`]
    const allowance = this.#allowances.get(root) ?? {
      members: archiveMembers,
      bytes: archiveBytes,
      turn: Promise.resolve(),
    }
    this.#allowances.set(root, allowance)
    const { promise: counted, resolve: markCounted } = Promise.withResolvers<void>()
    const before = allowance.turn
    allowance.turn = counted
    try {
      await before
      signal.throwIfAborted()
      return await this.#unpackWithin(allowance, examined, root, signal, markCounted)
    } finally {
      markCounted()
    }
  }

  async #unpackWithin(
    allowance: Allowance,
    examined: Examined,
    root: number,
    signal: AbortSignal,
    markCounted: () => void,
  ): Promise<readonly string[]> {
    const { queued, remarks } = examined
    const { archives, contents, scratch } = this.#parts
    if (allowance.members <= 0 || allowance.bytes <= 0) {
      return [...remarks, 'It is not unpacked: too much came out of what was sent already.']
    }
    const folder = scratch.fresh()
    const lease = await contents.lease([queued.digests.sha256])
    const opening: Opening = {
      examined,
      allowance,
      root,
      path: lease.paths[0] as string,
      folder,
      signal,
      notes: new Set(),
      admitted: [],
      bytesByRatio: archives.bytesOf(queued.digests.size),
      opened: 0,
      markCounted,
    }
    try {
      await mkdir(folder, { mode: 0o700 })
      await this.#openAll(opening).catch((error) => {
        throw asStorageFailure(error)
      })
      if (opening.opened === 0 && examined.identification.isArchive) {
        opening.notes.add('It could not be opened: it is damaged, or of a kind that is not unpacked.')
      }
      return [...remarks, ...opening.notes]
    } finally {
      // All of them first: the folder goes when this ends.
      await Promise.allSettled(opening.admitted)
      lease.release()
      await scratch.discard(folder)
    }
  }

  /** One archive after the other, as they lie in the file; most files are one from end to end. */
  async #openAll(opening: Opening): Promise<void> {
    const { size } = opening.examined.queued.digests
    let at = 0
    for (let parts = 0; at < size; parts++) {
      if (parts >= MOST_PARTS) {
        opening.notes.add(`It holds more than ${MOST_PARTS} archives; the rest was not unpacked.`)
        break
      }
      const end = await this.#openPart(opening, at)
      if (end === null) break
      at = end
    }
    opening.markCounted()
    const results = await Promise.allSettled(opening.admitted)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  /** Opens the archive at or behind `at`; gives where the next may begin, or null when nothing more comes. */
  async #openPart(opening: Opening, at: number): Promise<number | null> {
    const { notes, examined, allowance } = opening
    const had = new Map<string, number>()
    let damaged = 0
    let oversized = 0
    let wholeFile: string | null = null
    let part: Slice['part'] = null
    for (let member: number | null = 0; member !== null; ) {
      const slice: Slice = await this.#readSlice(opening, at, member)
      if (slice.part === null) return null
      part = slice.part
      wholeFile ??= slice.forSevenZip?.path ?? null
      damaged += slice.damaged
      oversized += slice.oversized
      if (slice.note !== null) notes.add(slice.note)
      for (const { name, temporary, digests } of slice.members) {
        const key = `${digests.size} ${name}`
        had.set(key, (had.get(key) ?? 0) + 1)
        this.#admit(opening, name, temporary, digests)
      }
      if (slice.exceeded !== null) {
        notes.add(exceededNote(slice.exceeded, this.#boundsOf(opening)))
        opening.opened++
        return null
      }
      member = slice.next
    }
    if (part === null) return null
    let end = part.to ?? part.from + 1
    if (wholeFile === null) {
      opening.opened++
    } else {
      const unpacked = await this.#openWithSevenZip(opening, wholeFile, part.from)
      const isAll = unpacked.format !== null && unpacked.note === null
      if (unpacked.format !== null || unpacked.locked || had.size > 0) opening.opened++
      if (isAll) damaged = 0
      end = part.to ?? part.from + Math.max(1, unpacked.archiveBytes ?? 1)
      const members = unpacked.members.filter(({ name, size }) => !takeFrom(had, `${size} ${name}`))
      await this.#takeAll(opening, members)
    }
    if (damaged > 0) notes.add(`${damaged} members are damaged or cut off.`)
    if (oversized > 0) notes.add(`${oversized} members larger than allowed were not unpacked.`)
    if (allowance.members <= 0 || allowance.bytes <= 0) {
      if (end < examined.queued.digests.size) notes.add(exceededNote('members', this.#boundsOf(opening)))
      return null
    }
    return end
  }

  async #readSlice(opening: Opening, at: number, member: number): Promise<Slice> {
    const { archives, pool } = this.#parts
    const { examined, path, folder, signal } = opening
    const { queued, identification } = examined
    const { members, bytes } = this.#boundsOf(opening)
    try {
      const input = {
        path,
        size: queued.digests.size,
        name: queued.known.name,
        isArchive: identification.isArchive,
        isMail: identification.fileType === MAIL,
        folder,
        at,
        member,
        members,
        bytes,
        memberBytes: archives.memberBytes,
      }
      return await pool.run('unpack', input, { priority: 'live', waitForRoom: true, signal })
    } catch (error) {
      if (signal.aborted || !isOfTheSample(error)) throw error
      const isFirst = at === 0 && member === 0
      opening.notes.add(`Not all of it could be opened: ${(error as Error).message}`)
      // 7-Zip may do better with what a worker was lost over.
      const part = isFirst ? { from: 0, to: null } : null
      const forSevenZip = isFirst ? { path } : null
      return { part, forSevenZip, members: [], next: null, damaged: 0, oversized: 0, exceeded: null, note: null }
    }
  }

  async #openWithSevenZip(opening: Opening, path: string, from: number): Promise<Unpacked> {
    const { archives } = this.#parts
    const { examined, folder, signal, notes } = opening
    const {
      note,
      known: { name },
    } = examined.queued
    const { members, bytes } = this.#boundsOf(opening)
    const options = {
      folder: join(folder, `unpacked-${from}`),
      name,
      fileType: from === 0 ? examined.identification.fileType : '',
      passwords: note.password === undefined ? [CUSTOMARY_PASSWORD] : [note.password, CUSTOMARY_PASSWORD],
      members,
      totalBytes: bytes,
      signal,
    }
    const unpacked = await this.#processes(() => archives.unpack(path, options))
    if (unpacked.note !== null) notes.add(unpacked.note)
    return unpacked
  }

  #boundsOf({ allowance, bytesByRatio }: Opening): { readonly members: number; readonly bytes: number } {
    return { members: Math.max(0, allowance.members), bytes: Math.max(1, Math.min(allowance.bytes, bytesByRatio)) }
  }

  /** Copies and hashes what 7-Zip has unpacked. */
  async #takeAll(opening: Opening, members: Unpacked['members']): Promise<void> {
    const { scratch, examiner } = this.#parts
    const { signal } = opening
    let next = 0
    const lane = async (): Promise<void> => {
      for (let member = members[next++]; member !== undefined; member = members[next++]) {
        const temporary = scratch.fresh()
        const file = { source: member.path, temporary, size: member.size, known: knownNameOf(calledIn(member.name)) }
        try {
          this.#admit(opening, member.name, temporary, await examiner.copyAndHash(file, { signal }))
        } catch (error) {
          await scratch.discard(temporary)
          throw error
        }
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane))
    const failed = lanes.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  #admit(opening: Opening, path: string, temporary: string, digests: StagedFile['digests']): void {
    const { examined, root, allowance, admitted } = opening
    const { id, note } = examined.queued
    allowance.members--
    allowance.bytes -= digests.size
    opening.bytesByRatio -= digests.size
    const { password } = note
    const staged: StagedFile = {
      temporary,
      synced: false,
      digests,
      ...calledIn(path),
      userId: null,
      source: 'member',
      comment: null,
      tags: [],
      note: { depth: note.depth + 1, parent: id, root, ...(password !== undefined && { password }) },
      member: { parent: id, path },
    }
    const admission = this.#parts.admit(staged)
    admission.catch(() => {})
    admitted.push(admission)
  }
}

/** As identification names it. */
const MAIL = 'Text/Email'

function exceededNote(what: 'members' | 'bytes', bounds: { readonly members: number; readonly bytes: number }): string {
  return what === 'members'
    ? 'It has more members than allowed; the rest was not unpacked.'
    : `It unpacks to more than allowed, ${bounds.bytes} bytes; the rest was not unpacked.`
}

/** Takes one of so many out of a tally. */
function takeFrom(tally: Map<string, number>, key: string): boolean {
  const count = tally.get(key) ?? 0
  if (count > 0) tally.set(key, count - 1)
  return count > 0
}

/** How a member is called by its path in the archive. */
function calledIn(path: string): Pick<StagedFile, 'name' | 'folder' | 'owner'> {
  return { name: fileName(path), folder: folderOf(path), owner: null }
}
