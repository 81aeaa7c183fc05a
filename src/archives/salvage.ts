/**
 * What can be had of the listed members of an archive, in as few passes of 7-Zip as it takes:
 *
 *     all          everything; mostly that is it
 *     rest         without the members that 7-Zip reported, since those behind them were divided wrongly
 *     single…      each of what is still missing by itself, as much of it as there is
 *
 * What one pass gave whole is kept, whatever becomes of the others. Each further password is tried on what is still locked.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ListedMember, Listing } from './listing.ts'
import type { Member } from './member-files.ts'
import { damagedRemark, entriesRemark, oversizedRemark } from './remarks.ts'
import { type PassBounds, type PassResult, unpackingPass } from './unpacking-pass.ts'

export interface Job {
  readonly archive: string
  readonly folder: string
  readonly memberLimit: number
  readonly bounds: () => PassBounds
  readonly signal?: AbortSignal | undefined
}

export interface Salvaged {
  readonly members: readonly Member[]
  /** Why not everything is there, as sentences for people; null when all is. */
  readonly note: string | null
  /** No password fitted for some members. */
  readonly locked: boolean
}

/** Damaged members that are unpacked one at a time, each with a process of its own. */
const SINGLE_PASSES = 16
/** Of the names whose folders are looked at. */
const LONGEST_LOOKED_INTO = 1_024

/** `type` is 7-Zip's name of the format, `folder` is made. Of the passwords null stands for none. */
export async function salvage(
  type: string,
  job: Job,
  listing: Listing,
  passwords: readonly (string | null)[],
  folder: string,
): Promise<Salvaged> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const haul = new Haul(job.bounds().totalBytes)
  let locked = listing.members
  for (const [turn, password] of passwords.entries()) {
    const source = { type, job, listing, password, folder: join(folder, `attempt${turn}`) }
    locked = await tryPassword(source, locked, haul)
    if (locked.length === 0) break
  }
  return { members: haul.inOrder(listing), note: noteOf(haul, locked.length, listing, job), locked: locked.length > 0 }
}

/** What has come out so far, of all passes and with all passwords. */
class Haul {
  /** Members that are whole, and what there is of damaged ones. */
  readonly whole = new Map<ListedMember, Member>()
  readonly pieces: Member[] = []
  /** Files that are damaged, and that are larger than allowed. */
  damaged = 0
  readonly oversized = new Set<ListedMember>()
  archiveDamaged = false
  exceeded: PassResult['exceeded'] = null
  #bytesLeft: number

  constructor(totalBytes: number) {
    this.#bytesLeft = totalBytes
  }

  keepWhole({ members, oversized }: PassResult): void {
    for (const member of oversized) this.oversized.add(member)
    for (const { member, listed, whole } of members) {
      if (whole && !this.whole.has(listed) && this.#hasRoom(member)) this.whole.set(listed, member)
    }
  }

  keepPieces({ members }: PassResult): void {
    for (const { member } of members) if (this.#hasRoom(member)) this.pieces.push(member)
  }

  inOrder({ members }: Listing): Member[] {
    const whole = members.map((member) => this.whole.get(member)).filter((member) => member !== undefined)
    return [...whole, ...this.pieces]
  }

  /** Each pass is within the bound by itself. */
  #hasRoom({ size }: Member): boolean {
    if (size > this.#bytesLeft) {
      this.exceeded ??= 'bytes'
      return false
    }
    this.#bytesLeft -= size
    return true
  }
}

interface Source {
  readonly type: string
  readonly job: Job
  readonly listing: Listing
  readonly password: string | null
  readonly folder: string
}

/** Unpacks those of `wanted` that the password opens; gives those that stay locked. */
async function tryPassword(source: Source, wanted: readonly ListedMember[], haul: Haul): Promise<ListedMember[]> {
  const { type, job, listing, password, folder } = source
  await mkdir(folder, { mode: 0o700 })
  const { members } = listing
  /** `list` is the switch that names members, `names` what it names. */
  const pass = async (
    name: string,
    expected: readonly ListedMember[],
    selection: { readonly list: '-x@' | '-i@'; readonly names: ReadonlySet<string> } | null,
    more: boolean,
  ) => {
    const list = join(folder, `${name}-names`)
    const chosen = new Set(expected.map(({ listedName }) => listedName))
    const others = members.map(({ listedName }) => listedName).filter((listedName) => !chosen.has(listedName))
    if (selection !== null) await writeFile(list, [...selection.names].map((line) => `${line}\n`).join(''), 'latin1')
    return unpackingPass(job.archive, expected, {
      folder: join(folder, name),
      type,
      selection: selection === null ? [] : [`${selection.list}${list}`],
      others: new Set(others),
      password,
      more,
      bounds: job.bounds(),
    })
  }

  // A name that 7-Zip shows otherwise than it is chooses nothing: while nothing came out, all is tried.
  const isRest = haul.whole.size > 0
  const names = new Set(wanted.map(({ listedName }) => listedName))
  const expected = isRest ? members.filter(({ listedName }) => isNamed(listedName, names)) : members
  const isMore = listing.cut !== null
  const first = await pass('all', expected, isRest ? { list: '-i@', names } : null, isMore)
  if (first.exceeded !== null) haul.exceeded ??= first.exceeded
  const archiveDamaged = first.damaged && first.failures.size === 0
  const isLocked = (member: ListedMember) =>
    member.encrypted && first.failures.has(member.listedName) && !haul.whole.has(member)
  if (first.sound) {
    haul.keepWhole(first)
    haul.archiveDamaged ||= archiveDamaged
    return []
  }
  // A wrong password may give noise before it is found out.
  if (members.length === 1) {
    const locked = members.filter(isLocked)
    if (locked.length === 0 && first.partial) haul.keepPieces(first)
    haul.damaged += 1 - locked.length
    haul.archiveDamaged ||= archiveDamaged
    return locked
  }

  haul.keepWhole(first)
  let { exceeded } = first
  if (first.failures.size > 0) {
    const rest = expected.filter(({ listedName }) => !isNamed(listedName, first.failures))
    // Of what is chosen by name, the others are; 7-Zip takes what is both chosen and left out for left out.
    const named = isRest ? new Set([...names].filter((name) => !isNamed(name, first.failures))) : first.failures
    const second = await pass('rest', rest, { list: isRest ? '-i@' : '-x@', names: named }, isMore)
    haul.keepWhole(second)
    exceeded = second.exceeded
    if (exceeded !== null) haul.exceeded ??= exceeded
  }

  const missing = wanted.filter(
    (member) => member.isFile && !haul.whole.has(member) && !isLocked(member) && !haul.oversized.has(member),
  )
  let damaged = missing.length
  // What did not come out for a bound's sake is not had by itself either.
  const alone = exceeded === null ? missing.slice(0, SINGLE_PASSES) : []
  for (const [turn, member] of alone.entries()) {
    const single = await pass(`single${turn}`, [member], { list: '-i@', names: new Set([member.listedName]) }, true)
    if (single.sound && single.exceeded === null) {
      haul.keepWhole(single)
      damaged--
    } else haul.keepPieces(single)
  }
  haul.damaged += damaged
  haul.archiveDamaged ||= archiveDamaged && damaged === 0
  return wanted.filter(isLocked)
}

/** Whether it, or a folder that it is in, is one of the names: 7-Zip takes what is in a folder along. */
function isNamed(listedName: string, names: ReadonlySet<string>): boolean {
  // Of a hostile one, each folder would be cut out of kilobytes.
  if (listedName.length > LONGEST_LOOKED_INTO) return names.has(listedName)
  for (let end = listedName.length; end > 0; end = listedName.lastIndexOf('/', end - 1)) {
    if (names.has(listedName.slice(0, end))) return true
  }
  return false
}

function noteOf(haul: Haul, locked: number, listing: Listing, job: Job): string | null {
  const sentences: string[] = []
  if (listing.cut === 'others') sentences.push(entriesRemark(listing.members.length))
  if (listing.cut === 'files')
    sentences.push(`It has more than ${job.memberLimit} contained files; the rest was not unpacked.`)
  if (haul.exceeded === 'bytes') {
    sentences.push(`It unpacks to more than ${job.bounds().totalBytes} bytes; the rest was not unpacked.`)
  }
  if (haul.exceeded === 'time') sentences.push('Unpacking took too long; the rest was not unpacked.')
  if (haul.oversized.size > 0) {
    sentences.push(oversizedRemark(haul.oversized.size, job.bounds().memberBytes))
  }
  if (locked > 0) {
    const are =
      locked === 1
        ? 'contained file is encrypted, and no known password opens it'
        : 'contained files are encrypted, and no known password opens them'
    sentences.push(`${locked} ${are}.`)
  }
  if (haul.damaged > 0 && haul.exceeded === null) {
    sentences.push(damagedRemark(haul.damaged))
  }
  if (haul.archiveDamaged) sentences.push('The archive is damaged or cut off.')
  return sentences.length > 0 ? sentences.join(' ') : null
}
