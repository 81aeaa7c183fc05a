/**
 * Unpacks archives with 7-Zip in a child process, one level at a time, under bounds on everything an archive can abuse:
 * members, bytes, ratio, time, memory. See `salvage.ts` for how its members are had, and
 * `unpacking-pass.ts` for how they come out of one run.
 */
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type ArchiveLimits, type ConfiguredArchiveLimits, fixedArchiveLimits } from './limits.ts'
import { type Listing, ListingReader } from './listing.ts'
import type { Member } from './member-files.ts'
import { nameWithoutSuffix } from './member-name.ts'
import { withAttachmentNames } from './outlook.ts'
import { type Job, salvage } from './salvage.ts'
import { startSevenZip } from './seven-zip.ts'

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
  const folder = join(job.folder, type === ANY_TYPE ? 'any' : type)
  const salvaged = await salvage(type, job, named, asksLater ? answers : [password], folder)
  return { format: listing.format, ...salvaged, archiveBytes: listing.archiveBytes }
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
