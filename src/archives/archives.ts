/**
 * Unpacks archives with 7-Zip in a child process, one level at a time, under bounds on everything an archive can abuse:
 * members, bytes, ratio, time, memory. See `unpacking-pass.ts` for how members come out of it.
 */
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type ArchiveLimits, type ConfiguredArchiveLimits, fixedArchiveLimits } from './limits.ts'
import { type ListedMember, type Listing, ListingReader } from './listing.ts'
import type { Member } from './member-files.ts'
import { nameWithoutSuffix } from './member-name.ts'
import { withAttachmentNames } from './outlook.ts'
import { damagedRemark, entriesRemark, oversizedRemark } from './remarks.ts'
import { startSevenZip } from './seven-zip.ts'
import { type PassBounds, type PassResult, unpackingPass } from './unpacking-pass.ts'

export interface Unpacked {
  /** What 7-Zip took it for: `zip`, `7z`, `tar`, …; null when it is not an archive. */
  readonly format: string | null
  readonly members: readonly Member[]
  /** Why not everything was unpacked, as sentences for people; null when all was. */
  readonly note: string | null
  /** No password fitted, for all or for some members. */
  readonly locked: boolean
  /** Bytes of the archive; what follows them is something else. Null where that is not known. */
  readonly archiveBytes: number | null
}

export interface UnpackOptions {
  /** Made by this call; the caller removes it, also when the call fails. */
  readonly folder: string
  /** The archive's own name, for formats that do not store their member's. */
  readonly name: string
  /** What the content is by its identification, for formats that do not show by themselves. */
  readonly fileType?: string
  /** Tried in turn, where the archive asks for one. */
  readonly passwords: readonly string[]
  /** Instead of the limits, where smaller. */
  readonly members?: number
  readonly totalBytes?: number
  readonly signal?: AbortSignal
}

/**
 * 7-Zip's names of the formats that are unpacked, disk images among them. It would open more: programs, whose sections
 * are no files that anybody packed, and flash films.
 */
const ARCHIVE_FORMATS = new Set(
  `7z apfs apm ar arj bzip2 cab chm compound cpio cramfs dmg ext fat gpt gzip hfs hxs iso lp lzh lzma lzma86 mbr mslz
   nsis ntfs ppmd qcow rar rar5 rpm sparse split squashfs tar udf uefic uefif vdi vhd vhdx vmdk wim xar xz z zip
   zstd`.split(/\s+/),
)

/**
 * By default 7-Zip looks through an archive into what it takes for its main part, and shows the inside of that only: of
 * a Debian package the programs and not the scripts that install them. With this it opens one level.
 */
const ANY_TYPE = '*'

/** Formats that 7-Zip opens only when it is told to, by identified type. */
const TOLD_TYPES: Readonly<Record<string, string>> = {
  'Binary/Archive/LZMA': 'lzma',
  'Binary/Archive/TAR': 'tar',
}

/** As identification names it. */
const OUTLOOK = 'Document/None/MSG'

/** Two file systems on one disk, each with files of its own. */
const TWINS: Readonly<Record<string, string>> = { udf: 'iso', iso: 'udf' }

/** Damaged members that are unpacked one at a time, each with a process of its own. */
const SINGLE_PASSES = 16

export class Archives {
  readonly #limits: ArchiveLimits

  constructor(limits: ConfiguredArchiveLimits & Partial<ArchiveLimits>) {
    this.#limits = { ...fixedArchiveLimits, ...limits }
  }

  /** How many bytes may come out of an archive of this size. */
  bytesOf(packedBytes: number): number {
    const { totalBytes, ratioFloorBytes, ratio } = this.#limits
    return Math.min(totalBytes, Math.max(ratioFloorBytes, packedBytes * ratio))
  }

  /** Larger members stay packed. */
  get memberBytes(): number {
    return this.#limits.memberBytes
  }

  /**
   * Unpacks one level of an archive. Hostile, damaged and encrypted archives are no errors: what could be unpacked is
   * there, and `note` tells the rest. Rejects when the folder cannot be written, or with the signal's reason.
   */
  async unpack(archive: string, options: UnpackOptions): Promise<Unpacked> {
    const deadline = performance.now() + this.#limits.timeMs
    const bytes = this.bytesOf((await stat(archive)).size)
    const job: Job = {
      archive,
      folder: options.folder,
      signal: options.signal,
      memberLimit: Math.min(this.#limits.members, options.members ?? Number.POSITIVE_INFINITY),
      bounds: () => ({
        timeMs: Math.max(1, deadline - performance.now()),
        memoryBytes: this.#limits.memoryBytes,
        totalBytes: Math.min(bytes, options.totalBytes ?? Number.POSITIVE_INFINITY),
        memberBytes: this.#limits.memberBytes,
        signal: options.signal,
      }),
    }
    // A line break would end the password that is sent to 7-Zip.
    const passwords = [...new Set(options.passwords.filter((password) => !/[\r\n\0]/.test(password)))]
    const types = [ANY_TYPE, TOLD_TYPES[options.fileType ?? ''], ...(isRawTar(options) ? ['tar'] : [])]
    for (const type of new Set(types)) {
      if (type === undefined) continue
      const unpacked = await unpackAs(type, job, options, passwords)
      if (unpacked.format === null && !unpacked.locked) continue
      if (options.fileType === OUTLOOK) return { ...unpacked, members: await withAttachmentNames(unpacked.members) }
      const twin = TWINS[unpacked.format ?? '']
      return twin === undefined ? unpacked : withTwin(unpacked, await unpackAs(twin, job, options, passwords))
    }
    return NO_ARCHIVE
  }
}

const NO_ARCHIVE: Unpacked = { format: null, members: [], note: null, locked: false, archiveBytes: null }

/** Tars of old have no signature. */
function isRawTar({ name, fileType }: UnpackOptions): boolean {
  return /\.tar$/i.test(name) || fileType === 'Binary/Archive'
}

async function unpackAs(
  type: string,
  job: Job,
  options: UnpackOptions,
  passwords: readonly string[],
): Promise<Unpacked> {
  const { listing, password, locked } = await listed(type, job, [null, ...passwords])
  if (locked) return { ...NO_ARCHIVE, note: LOCKED_WHOLLY, locked: true }
  if (listing === null || !ARCHIVE_FORMATS.has(listing.format)) return NO_ARCHIVE
  const named = withNames(listing, job.archive, options.name)
  const asksLater = password === null && listing.members.some((member) => member.encrypted)
  // An empty answer instead of none: the members that are not encrypted then still come out.
  const answers = passwords.length > 0 ? passwords : ['']
  return unpackListed(type, job, named, asksLater ? answers : [password])
}

/** What the other of the two file systems has comes along; whether a file is the same, only its content tells. */
export function withTwin(first: Unpacked, second: Unpacked): Unpacked {
  const had = new Set(first.members.map(({ name, size }) => `${size} ${name.toLowerCase()}`))
  const more = second.members.map((member) =>
    had.has(`${member.size} ${member.name.toLowerCase()}`) ? { ...member, isTwin: true } : member,
  )
  const notes = [...new Set([first.note, second.note].filter((note) => note !== null))]
  const archiveBytes = Math.max(first.archiveBytes ?? 0, second.archiveBytes ?? 0) || null
  const note = notes.length > 0 ? notes.join(' ') : null
  return { ...first, members: [...first.members, ...more], note, archiveBytes }
}

interface Job {
  readonly archive: string
  readonly folder: string
  readonly memberLimit: number
  readonly bounds: () => PassBounds
  readonly signal?: AbortSignal | undefined
}

const LOCKED_WHOLLY = 'The archive is encrypted, and no known password opens it.'

/** The listing, with the password that it took where the names are encrypted too. */
async function listed(
  type: string,
  job: Job,
  passwords: readonly (string | null)[],
): Promise<{ listing: Listing | null; password: string | null; locked: boolean }> {
  let locked = false
  for (const password of passwords) {
    const reader = new ListingReader(job.memberLimit)
    const process = startSevenZip(['l', '-slt', '-bd', '-bse2', `-t${type}`, '--', job.archive], job.bounds(), {
      password,
    })
    process.stdout.setEncoding('latin1')
    for await (const text of process.stdout) if (!reader.push(text as string)) break
    process.kill()
    const { errors } = await process.ended
    job.signal?.throwIfAborted()
    const listing = reader.finish()
    if (listing !== null) return { listing, password, locked: false }
    // Asked for a password and given none, it says that it was interrupted.
    locked ||= /encrypted|password|Break signaled/i.test(errors)
    if (!locked) break
  }
  return { listing: null, password: null, locked }
}

/**
 * Members without a stored name get one that is made from the archive's: 7-Zip makes them from the name of the file on
 * disk, which is a digest here.
 */
function withNames(listing: Listing, archive: string, archiveName: string): Listing {
  const onDisk = basename(archive)
  const stem = nameWithoutSuffix(archiveName)
  const members = listing.members.map((member) => {
    const { name } = member
    if (name === '' || name === onDisk || name === `${onDisk}~`) return { ...member, name: stem }
    if (name.startsWith(onDisk)) return { ...member, name: `${stem}${name.slice(onDisk.length)}` }
    return member
  })
  return { ...listing, members }
}

/** What one password gave. */
interface Attempt {
  readonly members: readonly Member[]
  /** Listed files that stayed locked, that are damaged, and that are larger than allowed. */
  readonly locked: number
  readonly damaged: number
  readonly oversized: number
  readonly archiveDamaged: boolean
  readonly exceeded: PassResult['exceeded']
}

async function unpackListed(
  type: string,
  job: Job,
  listing: Listing,
  passwords: readonly (string | null)[],
): Promise<Unpacked> {
  const folder = join(job.folder, type === ANY_TYPE ? 'any' : type)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let best: Attempt | null = null
  for (const [turn, password] of passwords.entries()) {
    const attempt = await attemptWith(type, job, listing, password, join(folder, `attempt${turn}`))
    if (best === null || attempt.members.length > best.members.length) best = attempt
    if (attempt.locked === 0) break
  }
  if (best === null) throw new Error('There is always at least one attempt.')
  const { format, archiveBytes } = listing
  return { format, members: best.members, note: noteOf(best, listing, job), locked: best.locked > 0, archiveBytes }
}

/**
 * Everything in one pass; where single members fail, the rest in a second pass without them, and what can be had of the
 * damaged ones each by itself.
 */
async function attemptWith(
  type: string,
  job: Job,
  listing: Listing,
  password: string | null,
  folder: string,
): Promise<Attempt> {
  await mkdir(folder, { mode: 0o700 })
  const pass = (name: string, expected: readonly ListedMember[], selection: readonly string[], more: boolean) =>
    unpackingPass(job.archive, expected, {
      folder: join(folder, name),
      type,
      selection,
      password,
      more,
      bounds: job.bounds(),
    })

  const { members } = listing
  const first = await pass('all', members, [], listing.cut !== null)
  const isLocked = (member: ListedMember) => member.encrypted && first.failures.has(member.listedName)
  const result = {
    members: first.members,
    locked: members.filter(isLocked).length,
    damaged: 0,
    oversized: first.oversized,
    archiveDamaged: first.damaged && first.failures.size === 0,
    exceeded: first.exceeded,
  }
  if (first.sound) return result
  // A wrong password may give noise before it is found out.
  if (members.length === 1) {
    const useless = result.locked > 0 || !first.partial
    return { ...result, members: useless ? [] : first.members, damaged: 1 - result.locked }
  }

  const excluded = (member: ListedMember) =>
    [...first.failures.keys()].some((name) => member.listedName === name || member.listedName.startsWith(`${name}/`))
  const list = join(folder, 'without')
  await writeFile(list, [...first.failures.keys()].map((name) => `${name}\n`).join(''), 'latin1')
  const rest = members.filter((member) => !excluded(member))
  const second = first.failures.size > 0 ? await pass('rest', rest, [`-x@${list}`], listing.cut !== null) : null
  const sound = second?.sound ?? false

  const alone = (sound ? members.filter(excluded) : members).filter((member) => member.isFile && !isLocked(member))
  const found: Member[] = sound ? [...(second?.members ?? [])] : []
  let intact = found.length
  for (const [turn, member] of alone.slice(0, SINGLE_PASSES).entries()) {
    await writeFile(join(folder, `only${turn}`), `${member.listedName}\n`, 'latin1')
    const single = await pass(`single${turn}`, [member], [`-i@${join(folder, `only${turn}`)}`], true)
    found.push(...single.members)
    if (single.sound && single.exceeded === null) intact++
  }
  const wanted = members.filter((member) => member.isFile && !isLocked(member)).length
  const oversized = second?.oversized ?? 0
  return {
    ...result,
    members: found,
    damaged: Math.max(0, wanted - intact - oversized),
    oversized,
    archiveDamaged: false,
    exceeded: second?.exceeded ?? null,
  }
}

function noteOf(attempt: Attempt, listing: Listing, job: Job): string | null {
  const sentences: string[] = []
  if (listing.cut === 'others') sentences.push(entriesRemark(listing.members.length))
  if (listing.cut === 'files')
    sentences.push(`It has more than ${job.memberLimit} contained files; the rest was not unpacked.`)
  if (attempt.exceeded === 'bytes') {
    sentences.push(`It unpacks to more than ${job.bounds().totalBytes} bytes; the rest was not unpacked.`)
  }
  if (attempt.exceeded === 'time') sentences.push('Unpacking took too long; the rest was not unpacked.')
  if (attempt.oversized > 0) {
    sentences.push(oversizedRemark(attempt.oversized, job.bounds().memberBytes))
  }
  if (attempt.locked > 0) {
    const are =
      attempt.locked === 1
        ? 'contained file is encrypted, and no known password opens it'
        : 'contained files are encrypted, and no known password opens them'
    sentences.push(`${attempt.locked} ${are}.`)
  }
  if (attempt.damaged > 0 && attempt.exceeded === null) {
    sentences.push(damagedRemark(attempt.damaged))
  }
  if (attempt.archiveDamaged) sentences.push('The archive is damaged or cut off.')
  return sentences.length > 0 ? sentences.join(' ') : null
}
