/**
 * One run of `7zz x -so`: 7-Zip writes the bytes of all chosen members to its standard output, one after the other in
 * the order of the listing, and the listed sizes tell where one ends and the next begins.
 *
 *     listing   a.txt 6 | link 11 (a symbolic link) | b.txt 6 | log (size not stored)
 *     output    hello\n   /etc/passwd                 world\n   …to the end
 *
 * So no name from the archive ever becomes a path, members of the same or of an impossible name are told apart, and
 * every bound is exact: when it is reached, the process is killed. The division is only right if every member gave all
 * its bytes. 7-Zip reports those that did not by name; with such a report, or with a wrong sum or CRC, the pass is not
 * `sound`: only members that are `whole` are right, and its caller tries the others again without those at fault.
 */
import { crc32 } from 'node:zlib'
import { isLinkTarget } from './links.ts'
import type { ListedMember } from './listing.ts'
import { type Member, MemberFiles } from './member-files.ts'
import { memberName } from './member-name.ts'
import { type ProcessBounds, startSevenZip } from './seven-zip.ts'

export interface PassBounds extends ProcessBounds {
  /** Bytes that may be unpacked, skipped members included. */
  readonly totalBytes: number
  /** Larger members are read past. */
  readonly memberBytes: number
}

/** A member with what it is in the listing. */
export interface PassMember {
  readonly member: Member
  readonly listed: ListedMember
  /** These are its bytes: the pass is sound, its CRC holds, or nothing was amiss up to its end. */
  readonly whole: boolean
}

export interface PassResult {
  readonly members: readonly PassMember[]
  readonly sound: boolean
  /** Why it was ended before its end. */
  readonly exceeded: 'bytes' | 'time' | null
  /** Members that were larger than allowed. */
  readonly oversized: readonly ListedMember[]
  /** Listed names of the chosen members that 7-Zip reported something about. */
  readonly failures: ReadonlySet<string>
  /** 7-Zip ended with an error, about a member or about the archive. */
  readonly damaged: boolean
  /** The only member that was chosen came out short: what there is of it was kept. */
  readonly partial: boolean
}

/**
 * Unpacks `expected` (what 7-Zip will write for `selection`, in order) into the new folder `folder`.
 * Rejects only when the folder cannot be written.
 */
export async function unpackingPass(
  archive: string,
  expected: readonly ListedMember[],
  options: {
    readonly folder: string
    /** 7-Zip's name for the format that the listing is of. */
    readonly type: string
    /** Switches that choose members: none for all. */
    readonly selection: readonly string[]
    /**
     * Listed names of members that are not chosen. 7-Zip decodes all of a solid block, and reports what is wrong with them
     * too.
     */
    readonly others: ReadonlySet<string>
    readonly password: string | null
    /** 7-Zip may write more than `expected`, which is not wanted. */
    readonly more: boolean
    readonly bounds: PassBounds
  },
): Promise<PassResult> {
  const { bounds } = options
  const files = await MemberFiles.in(options.folder)
  const parameters = ['x', '-so', '-bd', '-bso0', '-bsp0', '-bse2', '-spd', `-t${options.type}`, ...options.selection]
  parameters.push('--', archive)
  const failures = new Set<string>()
  let namesLeft = MOST_NAMES
  let isFollowed = false
  const onErrorLine = (line: string) => {
    // All of the stream came out; what is behind it is another archive's.
    if (line.startsWith('ERROR: There are some data after the end of the payload data')) {
      isFollowed = true
      return
    }
    const name = failureIn(line)
    if (name === null || options.others.has(name) || failures.has(name)) return
    namesLeft -= name.length
    if (namesLeft > 0 || failures.size === 0) failures.add(name)
  }
  const process = startSevenZip(parameters, bounds, { password: options.password, onErrorLine })
  const splitter = new Splitter(expected, files, options.more, bounds)
  try {
    for await (const chunk of process.stdout) {
      if (!(await splitter.push(chunk as Buffer))) break
    }
  } catch (error) {
    process.kill()
    await process.ended
    await files.abandon()
    throw error
  }
  // Leaving the loop closed the pipe; a process that still computes must not go on for nothing.
  process.kill()
  const ending = await process.ended
  const complete = await splitter.finish()
  bounds.signal?.throwIfAborted()
  const exceeded = splitter.exceeded ? 'bytes' : ending.timedOut ? 'time' : null
  const sound = failures.size === 0 && splitter.consistent && (complete || exceeded !== null)
  const rightUpTo = sound ? expected.length : rightBefore(expected, failures, splitter.firstWrong)
  const members = files.members.map((member, n) => {
    const index = splitter.origins[n] as number
    return {
      member,
      listed: expected[index] as ListedMember,
      whole: index < rightUpTo || splitter.confirmed.has(index),
    }
  })
  return {
    members,
    sound,
    exceeded,
    oversized: splitter.oversized,
    failures,
    damaged: ending.exitCode !== null && ending.exitCode >= 2 && !(isFollowed && failures.size === 0),
    partial: !sound && expected.length === 1 && (files.members[0]?.size ?? 0) > 0,
  }
}

/** Bytes of the names of failing members that are kept. */
const MOST_NAMES = 16 * 1024 * 1024

/** Before which of the expected members every one gave all its bytes, as far as anybody noticed. */
function rightBefore(expected: readonly ListedMember[], failures: ReadonlySet<string>, firstWrong: number): number {
  const first = expected.findIndex(({ listedName }) => failures.has(listedName))
  return Math.min(first < 0 ? expected.length : first, firstWrong)
}

/** Cuts the stream of bytes into members. */
class Splitter {
  readonly #expected: readonly ListedMember[]
  readonly #files: MemberFiles
  readonly #more: boolean
  readonly #bounds: PassBounds
  #next = 0
  /** Bytes that the member at hand still gets; Infinity when its size is not known. */
  #left = 0
  #got = 0
  #crc = 0
  #keeping = false
  /** What has come of a link, which is short. */
  #target = Buffer.alloc(0)
  #open = false
  #total = 0
  exceeded = false
  readonly oversized: ListedMember[] = []
  /** False once a checksum does not hold, or bytes come that no member was listed for. */
  consistent = true
  /** The first of the expected members whose checksum does not hold. */
  firstWrong = Number.POSITIVE_INFINITY
  /** Of each member that was kept, which of the expected ones it is. */
  readonly origins: number[] = []
  /** Those of the expected members that have their checksum, or no byte. */
  readonly confirmed = new Set<number>()

  constructor(expected: readonly ListedMember[], files: MemberFiles, more: boolean, bounds: PassBounds) {
    this.#expected = expected
    this.#files = files
    this.#more = more
    this.#bounds = bounds
  }

  /** False when no more bytes are wanted. */
  async push(chunk: Buffer): Promise<boolean> {
    let rest = chunk
    for (;;) {
      if (!this.#open) {
        rest = this.#wholeMembers(rest)
        const noneLeft = this.#next >= this.#expected.length
        // 7-Zip may go on to say what was wrong with the last member, so its end is waited for.
        if (rest.length === 0) return !(noneLeft && this.#more)
        if (noneLeft) {
          this.consistent = this.#more
          return false
        }
        await this.#begin()
      }
      const part = rest.subarray(0, Math.min(rest.length, this.#left))
      rest = rest.subarray(part.length)
      if (!(await this.#take(part))) return false
      if (this.#left > 0) return true
      await this.#end()
    }
  }

  /** Takes the members that lie whole in the chunk, in one step each; gives what is left of it. */
  #wholeMembers(chunk: Buffer): Buffer {
    let rest = chunk
    while (!this.#open) {
      const member = this.#expected[this.#next]
      if (member === undefined || member.size === null || member.size > rest.length) break
      const bytes = rest.subarray(0, member.size)
      if (bytes.length > this.#bounds.memberBytes) break
      if (this.#total + bytes.length > this.#bounds.totalBytes) break
      if (member.isFile || (member.isLink && !isLinkTarget(bytes))) {
        this.#check(member, this.#next, bytes.length === 0 ? null : crc32(bytes))
        this.origins.push(this.#next)
        this.#files.add(memberName(member.name), bytes)
      }
      this.#next++
      this.#total += bytes.length
      rest = rest.subarray(bytes.length)
    }
    return rest
  }

  /** After the last byte; true when every member got what its listing promised. */
  async finish(): Promise<boolean> {
    // Empty members at the end get no byte that would push them through.
    if (!this.exceeded) {
      this.#wholeMembers(Buffer.alloc(0))
      if (!this.#open && this.#expected[this.#next]?.size === null) await this.#begin()
    }
    if (this.#open && this.#left === Number.POSITIVE_INFINITY && !this.exceeded) {
      await this.#end()
    } else if (this.#open && this.#expected.length === 1 && this.#got > 0 && !this.exceeded) {
      // What a damaged single file gave before it broke off is still worth a look.
      if (this.#keeping) {
        this.origins.push(this.#next - 1)
        this.firstWrong = 0
        await this.#files.end()
      }
      return false
    }
    await this.#files.abandon()
    return !this.#open && this.#next >= this.#expected.length
  }

  async #begin(): Promise<void> {
    const member = this.#expected[this.#next]
    if (member === undefined) throw new Error('There is no member left.')
    const { memberBytes } = this.#bounds
    this.#next++
    this.#open = true
    this.#left = member.size ?? Number.POSITIVE_INFINITY
    this.#got = 0
    this.#crc = 0
    this.#target = Buffer.alloc(0)
    this.#keeping = (member.isFile || member.isLink) && !(member.size !== null && member.size > memberBytes)
    if (member.isFile && !this.#keeping) this.oversized.push(member)
    if (this.#keeping) await this.#files.begin(memberName(member.name))
  }

  async #take(part: Buffer): Promise<boolean> {
    this.#left -= part.length
    this.#got += part.length
    this.#total += part.length
    if (this.#total > this.#bounds.totalBytes) {
      this.exceeded = true
      return false
    }
    if (!this.#keeping) return true
    if (this.#got > this.#bounds.memberBytes) {
      this.#keeping = false
      this.oversized.push(this.#expected[this.#next - 1] as ListedMember)
      await this.#files.abandon()
      return true
    }
    if (this.#expected[this.#next - 1]?.isLink) this.#target = Buffer.concat([this.#target, part])
    this.#crc = crc32(part, this.#crc)
    await this.#files.write(part)
    return true
  }

  async #end(): Promise<void> {
    const index = this.#next - 1
    const member = this.#expected[index]
    this.#open = false
    if (!this.#keeping || member === undefined) return
    if (member.isLink && isLinkTarget(this.#target)) {
      await this.#files.abandon()
      return
    }
    this.#check(member, index, this.#crc)
    this.origins.push(index)
    await this.#files.end()
  }

  /** `crc` is null for no bytes. */
  #check(member: ListedMember, index: number, crc: number | null): void {
    if (crc === null || member.crc === crc) this.confirmed.add(index)
    else if (member.crc !== null) {
      this.consistent = false
      this.firstWrong = Math.min(this.firstWrong, index)
    }
  }
}

/** `ERROR: Data Error : dir/name` → `dir/name`; null for a line that is about no member. */
function failureIn(line: string): string | null {
  return /^ERROR: [A-Z][^:]*? : (.+)$/.exec(line)?.[1] ?? null
}
