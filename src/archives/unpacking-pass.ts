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
 * `sound`, and its caller tries again without the members at fault.
 */
import { crc32 } from 'node:zlib'
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

export interface PassResult {
  readonly members: readonly Member[]
  readonly sound: boolean
  /** Why it was ended before its end. */
  readonly exceeded: 'bytes' | 'time' | null
  /** Members that were larger than allowed. */
  readonly oversized: number
  /** What 7-Zip reported about single members, by listed name. */
  readonly failures: ReadonlyMap<string, string>
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
  const process = startSevenZip(parameters, bounds, { password: options.password })
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
  const failures = memberFailures(ending.errors)
  const exceeded = splitter.exceeded ? 'bytes' : ending.timedOut ? 'time' : null
  const sound = failures.size === 0 && splitter.consistent && (complete || exceeded !== null)
  return {
    members: files.members,
    sound,
    exceeded,
    oversized: splitter.oversized,
    failures,
    damaged: ending.exitCode !== null && ending.exitCode >= 2,
    partial: !sound && expected.length === 1 && (files.members[0]?.size ?? 0) > 0,
  }
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
  #open = false
  #total = 0
  exceeded = false
  oversized = 0
  /** False once a checksum does not hold, or bytes come that no member was listed for. */
  consistent = true

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
      if (member.isFile) {
        if (member.crc !== null && member.crc !== crc32(bytes)) this.consistent = false
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
      if (this.#keeping) await this.#files.end()
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
    this.#keeping = member.isFile && !(member.size !== null && member.size > memberBytes)
    if (member.isFile && !this.#keeping) this.oversized++
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
      this.oversized++
      await this.#files.abandon()
      return true
    }
    this.#crc = crc32(part, this.#crc)
    await this.#files.write(part)
    return true
  }

  async #end(): Promise<void> {
    const member = this.#expected[this.#next - 1]
    this.#open = false
    if (!this.#keeping) return
    if (member?.crc != null && member.crc !== this.#crc) this.consistent = false
    await this.#files.end()
  }
}

/** `ERROR: Data Error : dir/name` → `dir/name` with its message. */
function memberFailures(errors: string): Map<string, string> {
  const failures = new Map<string, string>()
  for (const line of errors.split('\n')) {
    const found = /^ERROR: ([A-Z][^:]*?) : (.+)$/.exec(line)
    if (found?.[1] && found[2]) failures.set(found[2], found[1])
  }
  return failures
}
