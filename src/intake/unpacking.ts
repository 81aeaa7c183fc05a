import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit, { type LimitFunction } from 'p-limit'
import {
  type Archives,
  damagedRemark,
  deepRemark,
  isOfBounds,
  oversizedRemark,
  spentRemark,
  type Unpacked,
} from '../archives/index.ts'
import { inParallel } from '../background/index.ts'
import type { TaskOutput, WorkerPool } from '../scanning/index.ts'
import { asStorageFailure, type Charge, type ContentStore, type Scratch, type StoredIntake } from '../store/index.ts'
import type { Admitted } from './admission.ts'
import type { Allowance, Allowances } from './allowances.ts'
import { type Examined, type Examiner, isOfTheSample } from './examination.ts'
import { fileName, folderOf, keyOf, knownNameOf, type StagedFile } from './staged-file.ts'
import { formatPlace, type Place, readPlace, startOf } from './unpacking-place.ts'

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
  readonly stored: Pick<StoredIntake, 'recordPlace'>
  readonly allowances: Allowances
  /** Archives in archives; 0 unpacks nothing. */
  readonly archiveDepth: number
  /** Processes of 7-Zip. */
  readonly processesAtOnce: number
  readonly admit: (staged: StagedFile) => Promise<Admitted>
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
  /** Being admitted, since the last place that was to be recorded. */
  admitted: Promise<unknown>[]
  /** The end of the recording of places, which happens one after the other. */
  recorded: Promise<unknown>
  /** What was charged before, and is not charged again when it comes out once more. */
  readonly credit: { members: number; bytes: number }
  /** What came out since that place. */
  passed: { members: number; bytes: number }
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

  constructor(parts: UnpackerParts) {
    this.#parts = parts
    this.#processes = pLimit(parts.processesAtOnce)
  }

  /** Nothing more comes out of this upload. */
  forget(root: number): void {
    this.#parts.allowances.forget(root)
  }

  /** Admits the members of an archive; gives the remarks that its sample is to carry. */
  async unpack(examined: Examined, signal: AbortSignal): Promise<readonly string[]> {
    const { queued, remarks } = examined
    const { depth } = queued.state
    if (depth >= this.#parts.archiveDepth) return [...remarks, deepRemark(depth)]
    const root = queued.state.root ?? queued.id
    const allowance = await this.#parts.allowances.of(root)
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
    const place = readPlace(queued.place) ?? startOf(archives.bytesOf(queued.digests.size))
    const credit = { ...queued.charged }
    const isSpent = allowance.members + credit.members <= 0 || allowance.bytes + credit.bytes <= 0
    if (queued.place === null && isSpent && root !== queued.id) return [...remarks, spentRemark(false)]
    const folder = scratch.fresh()
    const lease = await contents.lease([queued.digests.sha256])
    const opening: Opening = {
      examined,
      allowance,
      root,
      path: lease.paths[0] as string,
      folder,
      signal,
      notes: new Set(place.notes),
      admitted: [],
      recorded: Promise.resolve(),
      credit,
      passed: { members: 0, bytes: 0 },
      bytesByRatio: place.bytesByRatio,
      opened: place.opened,
      markCounted,
    }
    try {
      await mkdir(folder, { mode: 0o700 })
      await this.#openAll(opening, place).catch((error) => {
        throw asStorageFailure(error)
      })
      if (opening.opened === 0 && examined.identification.isArchive) {
        opening.notes.add('It could not be opened: it is damaged, or of a kind that is not unpacked.')
      }
      if (root !== queued.id && [...opening.notes].some(isOfBounds)) opening.notes.add(spentRemark(true))
      return [...remarks, ...opening.notes]
    } finally {
      // All of them first: the folder goes when this ends.
      await Promise.allSettled([opening.recorded, ...opening.admitted])
      lease.release()
      await scratch.discard(folder)
    }
  }

  /** One archive after the other, as they lie in the file; most files are one from end to end. */
  async #openAll(opening: Opening, from: Place): Promise<void> {
    const { size } = opening.examined.queued.digests
    let { at } = from
    for (let { parts } = from; at < size; parts++) {
      if (parts >= MOST_PARTS) {
        opening.notes.add(`It holds more than ${MOST_PARTS} archives; the rest was not unpacked.`)
        break
      }
      const begin = at === from.at && from.member > 0 ? from : { ...startOf(0), at, parts }
      const end = await this.#openPart(opening, begin)
      if (end === null) break
      at = end
    }
    opening.markCounted()
    await settled([opening.recorded, ...opening.admitted])
  }

  /**
   * Opens the archive at or behind a place, from its member on; gives where the next may begin, or null when nothing more
   * comes.
   */
  async #openPart(opening: Opening, from: Place): Promise<number | null> {
    const { notes, examined } = opening
    const { at, parts } = from
    /** What came out of it here: names and sizes alone do not tell that 7-Zip gives the same. */
    const had = new Set<string>()
    let { damaged, oversized } = from
    /** What came out of it, also before this process. */
    const out = { ...from.out }
    let wholeFile: string | null = null
    let part: Slice['part'] = null
    for (let member: number | null = from.member; member !== null; ) {
      const slice: Slice = await this.#readSlice(opening, at, member)
      if (slice.part === null) return null
      part = slice.part
      wholeFile ??= slice.forSevenZip?.path ?? null
      damaged += slice.damaged
      oversized += slice.oversized
      if (slice.note !== null) notes.add(slice.note)
      for (const { name, temporary, digests } of slice.members) {
        had.add(contentKey(digests, name))
        this.#admit(opening, name, temporary, digests)
        out.members++
        out.bytes += digests.size
      }
      if (slice.exceeded !== null) {
        notes.add(exceededNote(slice.exceeded, this.#boundsOf(opening)))
        opening.opened++
        return null
      }
      member = slice.next
      if (wholeFile !== null && from.member > 0) return this.#openAgain(opening, from, out)
      if (member !== null && wholeFile === null)
        this.#recordPlace(opening, { at, member, parts, damaged, oversized, out: { ...out } })
    }
    if (part === null) return null
    let end = part.to ?? part.from + 1
    if (wholeFile === null) {
      opening.opened++
    } else {
      const unpacked = await this.#openWithSevenZip(opening, wholeFile, part.from, out)
      const isAll = unpacked.format !== null && unpacked.note === null
      if (unpacked.format !== null || unpacked.locked || had.size > 0) opening.opened++
      if (isAll) damaged = 0
      // What is none is passed by a byte more: it is no stream behind which others of its kind were read.
      const passed = unpacked.format === null ? 2 : 1
      end = part.to ?? part.from + Math.max(passed, unpacked.archiveBytes ?? passed)
      await this.#takeAll(opening, unpacked.members, had)
    }
    if (damaged > 0) notes.add(damagedRemark(damaged))
    if (oversized > 0) notes.add(oversizedRemark(oversized, null))
    if (this.#isSpent(opening)) {
      if (end < examined.queued.digests.size) notes.add(exceededNote('members', this.#boundsOf(opening)))
      return null
    }
    return end
  }

  /**
   * 7-Zip opens an archive from its beginning. Members before the place that this process began at are known by their
   * number only, so all of it is opened anew: what came out of it already is not charged again.
   */
  async #openAgain(opening: Opening, { at, parts }: Place, out: Charge): Promise<number | null> {
    // Files of the same names are still being admitted.
    await settled([opening.recorded, ...opening.admitted])
    opening.credit.members += out.members
    opening.credit.bytes += out.bytes
    opening.bytesByRatio += out.bytes
    opening.passed = { members: opening.passed.members - out.members, bytes: opening.passed.bytes - out.bytes }
    const begin = { ...startOf(0), at, parts }
    this.#recordPlace(opening, begin)
    return this.#openPart(opening, begin)
  }

  /** Records the place once all that came out before it is admitted; meanwhile more comes out. */
  #recordPlace(opening: Opening, where: Omit<Place, 'bytesByRatio' | 'opened' | 'notes'>): void {
    const { bytesByRatio, opened, notes, passed, recorded: before, admitted } = opening
    const place = formatPlace({ ...where, bytesByRatio, opened, notes: [...notes] })
    opening.passed = { members: 0, bytes: 0 }
    opening.admitted = []
    opening.recorded = settled([before, ...admitted]).then(() =>
      this.#parts.stored.recordPlace(opening.examined.queued.id, place, passed),
    )
    // It is waited for in the end.
    opening.recorded.catch(() => {})
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

  /** `out` is what a worker has read of it: 7-Zip gives that once more, and it is not charged again. */
  async #openWithSevenZip(opening: Opening, path: string, from: number, out: Charge): Promise<Unpacked> {
    const { archives } = this.#parts
    const { examined, folder, signal, notes } = opening
    const {
      state: { password },
      known: { name },
    } = examined.queued
    const { members, bytes } = this.#boundsOf(opening)
    const options = {
      folder: join(folder, `unpacked-${from}`),
      name,
      fileType: from === 0 ? examined.identification.fileType : '',
      passwords: password === null ? [CUSTOMARY_PASSWORD] : [...password.split('\n'), CUSTOMARY_PASSWORD],
      members: members + out.members,
      totalBytes: bytes + out.bytes,
      signal,
    }
    const unpacked = await this.#processes(() => archives.unpack(path, options))
    if (unpacked.note !== null) notes.add(unpacked.note)
    return unpacked
  }

  #boundsOf({ allowance, credit, bytesByRatio }: Opening): Charge {
    const bytes = Math.min(allowance.bytes + credit.bytes, bytesByRatio)
    return { members: Math.max(0, allowance.members + credit.members), bytes: Math.max(1, bytes) }
  }

  #isSpent({ allowance, credit }: Opening): boolean {
    return allowance.members + credit.members <= 0 || allowance.bytes + credit.bytes <= 0
  }

  /** Copies and hashes what 7-Zip has unpacked, and leaves out the contents that were had under the same path. */
  async #takeAll(opening: Opening, members: Unpacked['members'], had: ReadonlySet<string>): Promise<void> {
    const { scratch, examiner } = this.#parts
    const { signal, notes } = opening
    const first = new Set<string>()
    const take = async (member: Unpacked['members'][number]) => {
      const { name, path, size, isTwin } = member
      const temporary = scratch.fresh()
      const file = { source: path, temporary, size, known: knownNameOf(calledIn(name)) }
      try {
        const digests = await examiner.copyAndHash(file, { signal })
        const twinKey = contentKey(digests, name.toLowerCase())
        if (had.has(contentKey(digests, name)) || (isTwin && first.has(twinKey))) {
          examiner.forget(digests)
          await scratch.discard(temporary)
          return
        }
        if (!isTwin) first.add(twinKey)
        const bounds = this.#boundsOf(opening)
        if (bounds.members === 0 || digests.size > bounds.bytes) {
          // Once: what is left differs from member to member.
          if (![...notes].some(isOfBounds)) notes.add(exceededNote(bounds.members === 0 ? 'members' : 'bytes', bounds))
          examiner.forget(digests)
          await scratch.discard(temporary)
          return
        }
        this.#admit(opening, name, temporary, digests)
      } catch (error) {
        await scratch.discard(temporary)
        throw error
      }
    }
    // Twins behind all of those that they may repeat.
    for (const areTwins of [false, true]) {
      const some = members.filter(({ isTwin = false }) => isTwin === areTwins)
      await inParallel(some, AT_ONCE, take)
    }
  }

  #admit(opening: Opening, path: string, temporary: string, digests: StagedFile['digests']): void {
    const { examined, root, allowance, credit, admitted, passed } = opening
    const { id, state } = examined.queued
    const charge = {
      members: 1 - Math.min(1, credit.members),
      bytes: digests.size - Math.min(digests.size, credit.bytes),
    }
    credit.members -= 1 - charge.members
    credit.bytes -= digests.size - charge.bytes
    allowance.members -= charge.members
    allowance.bytes -= charge.bytes
    passed.members++
    passed.bytes += digests.size
    opening.bytesByRatio -= digests.size
    const staged: StagedFile = {
      temporary,
      synced: false,
      digests,
      ...calledIn(path),
      userId: null,
      source: 'member',
      comment: null,
      tags: [],
      state: { stage: 'arrived', depth: state.depth + 1, password: state.password, archive: id, root },
      member: { parent: id, path, charge },
    }
    const admission = this.#parts.admit(staged)
    admission.catch(() => {
      // Nothing was charged, and it comes out once more.
      allowance.members += charge.members
      allowance.bytes += charge.bytes
    })
    admitted.push(admission)
  }
}

/** Waits for all, and fails with the first failure. */
async function settled(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

/** As identification names it. */
const MAIL = 'Text/Email'

function exceededNote(what: 'members' | 'bytes', bounds: { readonly members: number; readonly bytes: number }): string {
  return what === 'members'
    ? 'It has more contained files than allowed; the rest was not unpacked.'
    : `It unpacks to more than allowed, ${bounds.bytes} bytes; the rest was not unpacked.`
}

/** One content under one path. */
function contentKey({ sha256 }: StagedFile['digests'], path: string): string {
  return `${keyOf(sha256)} ${path}`
}

/** How a member is called by its path in the archive. */
function calledIn(path: string): Pick<StagedFile, 'name' | 'folder' | 'owner'> {
  return { name: fileName(path), folder: folderOf(path), owner: null }
}
