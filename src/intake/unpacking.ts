import type { Archives } from '../archives/index.ts'
import { asStorageFailure, type BlobStore } from '../store/index.ts'
import type { Admitted } from './admission.ts'
import { fileName, type Incoming } from './arriving.ts'
import type { Examined, Examiner } from './examination.ts'

export interface UnpackingLimits {
  /** Archives in archives; 0 unpacks nothing. */
  readonly archiveDepth: number
  /** Members and unpacked bytes of what was sent, over all levels. */
  readonly archiveMembers: number
  readonly archiveBytes: number
}

export interface UnpackerParts {
  readonly archives: Archives
  readonly blobs: BlobStore
  readonly examiner: Examiner
  readonly limits: UnpackingLimits
  readonly admit: (incoming: Incoming) => Promise<Admitted>
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

/** Unpacks one level of archives and hands the members over as new arrivals. */
export class Unpacker {
  readonly #parts: UnpackerParts
  /** By the sample that was sent. */
  readonly #allowances = new Map<number, Allowance>()

  constructor(parts: UnpackerParts) {
    this.#parts = parts
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
    const unpacked = allowance.turn.then(() => this.#unpackWithin(allowance, examined, root, signal))
    allowance.turn = unpacked.catch(() => {})
    return unpacked
  }

  async #unpackWithin(
    allowance: Allowance,
    { queued, remarks }: Examined,
    root: number,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const { archives, blobs } = this.#parts
    const { note } = queued
    if (allowance.members <= 0 || allowance.bytes <= 0) {
      return [...remarks, 'It is not unpacked: too much came out of what was sent already.']
    }
    const folder = blobs.temporary()
    try {
      const unpacked = await archives.unpack(blobs.path(queued.digests.sha256), {
        folder,
        name: queued.name,
        passwords: note.password === undefined ? [CUSTOMARY_PASSWORD] : [note.password, CUSTOMARY_PASSWORD],
        members: allowance.members,
        totalBytes: allowance.bytes,
        signal,
      })
      allowance.members -= unpacked.members.length
      for (const { size } of unpacked.members) allowance.bytes -= size
      await this.#admitAll(unpacked.members, queued, root, signal)
      return unpacked.note === null ? remarks : [...remarks, unpacked.note]
    } finally {
      await blobs.discard(folder)
    }
  }

  async #admitAll(
    members: readonly { readonly name: string; readonly path: string; readonly size: number }[],
    { id, note }: Examined['queued'],
    root: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { blobs, examiner, admit } = this.#parts
    const admitted: Promise<unknown>[] = []
    let next = 0
    const lane = async (): Promise<void> => {
      for (let member = members[next++]; member !== undefined; member = members[next++]) {
        const temporary = blobs.temporary()
        const name = fileName(member.name)
        let digests: Incoming['digests']
        try {
          digests = await examiner.take({ source: member.path, temporary, size: member.size, name }, { signal })
        } catch (error) {
          await blobs.discard(temporary)
          throw asStorageFailure(error)
        }
        admitted.push(
          admit({
            temporary,
            synced: false,
            digests,
            name,
            userId: null,
            source: 'member',
            comment: null,
            tags: [],
            note: {
              depth: note.depth + 1,
              parent: id,
              root,
              ...(note.password !== undefined && { password: note.password }),
            },
            member: { parent: id, path: member.name },
          }),
        )
      }
    }
    const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane))
    // All of them first: the folder goes when this ends.
    const results = await Promise.allSettled(admitted)
    const failed = [...lanes, ...results].find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }
}
