/**
 * What can be had of the listed members of an archive, in as few passes of 7-Zip as it takes:
 *
 *     all          everything; mostly that is it
 *     rest         without the members that 7-Zip reported, since those behind them were divided wrongly
 *     single…      each of what is still missing by itself, as much of it as there is
 *
 * What one pass gave whole is kept, whatever becomes of the others.
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

/** `type` is 7-Zip's name of the format, `folder` is made. Of the passwords null stands for none. */
export async function salvage(
  type: string,
  job: Job,
  listing: Listing,
  passwords: readonly (string | null)[],
  folder: string,
): Promise<Salvaged> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let best: Attempt | null = null
  for (const [turn, password] of passwords.entries()) {
    const attempt = await attemptWith(type, job, listing, password, join(folder, `attempt${turn}`))
    if (best === null || attempt.members.length > best.members.length) best = attempt
    if (attempt.locked === 0) break
  }
  if (best === null) throw new Error('There is always at least one attempt.')
  return { members: best.members, note: noteOf(best, listing, job), locked: best.locked > 0 }
}

async function attemptWith(
  type: string,
  job: Job,
  listing: Listing,
  password: string | null,
  folder: string,
): Promise<Attempt> {
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

  const first = await pass('all', members, null, listing.cut !== null)
  const isLocked = (member: ListedMember) => member.encrypted && first.failures.has(member.listedName)
  const locked = members.filter(isLocked).length
  const begun = {
    members: first.members.map(({ member }) => member),
    locked,
    damaged: 0,
    oversized: first.oversized,
    archiveDamaged: first.damaged && first.failures.size === 0,
    exceeded: first.exceeded,
  }
  if (first.sound) return begun
  // A wrong password may give noise before it is found out.
  if (members.length === 1) {
    const useless = locked > 0 || !first.partial
    return { ...begun, members: useless ? [] : begun.members, damaged: 1 - locked }
  }

  const found = new Map<ListedMember, Member>()
  const keepWhole = ({ members }: PassResult) => {
    for (const { member, listed, whole } of members) if (whole && !found.has(listed)) found.set(listed, member)
  }
  keepWhole(first)
  let { oversized, exceeded } = first
  if (first.failures.size > 0) {
    const rest = members.filter(({ listedName }) => !isNamed(listedName, first.failures))
    const second = await pass('rest', rest, { list: '-x@', names: first.failures }, listing.cut !== null)
    keepWhole(second)
    oversized = Math.max(oversized, second.oversized)
    exceeded = second.exceeded
  }

  const { memberBytes } = job.bounds()
  const missing = members.filter(
    (member) => member.isFile && !found.has(member) && !isLocked(member) && !((member.size ?? 0) > memberBytes),
  )
  let damaged = missing.length
  const pieces: Member[] = []
  // What did not come out for a bound's sake is not had by itself either.
  const alone = exceeded === null ? missing.slice(0, SINGLE_PASSES) : []
  for (const [turn, member] of alone.entries()) {
    const single = await pass(`single${turn}`, [member], { list: '-i@', names: new Set([member.listedName]) }, true)
    pieces.push(...single.members.map((piece) => piece.member))
    if (single.sound && single.exceeded === null) damaged--
  }
  const inOrder = members.map((member) => found.get(member)).filter((member) => member !== undefined)
  const archiveDamaged = begun.archiveDamaged && damaged === 0
  return { members: [...inOrder, ...pieces], locked, damaged, oversized, archiveDamaged, exceeded }
}

/** Whether it, or a folder that it is in, is one of the names: 7-Zip takes what is in a folder along. */
function isNamed(listedName: string, names: ReadonlySet<string>): boolean {
  for (let end = listedName.length; end > 0; end = listedName.lastIndexOf('/', end - 1)) {
    if (names.has(listedName.slice(0, end))) return true
  }
  return false
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
