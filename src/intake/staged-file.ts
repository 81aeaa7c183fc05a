import { basename } from 'node:path'
import type { KnownName } from '../samples/index.ts'
import type { Digests } from '../scanning/index.ts'
import type { Charge, IntakeState } from '../store/index.ts'

/** What the sender says about a file besides its content. Read only after the content has been. */
export interface UploadInfo {
  /** Its name; control characters are taken out, and folders before it become its folder. */
  readonly filename: string
  /** The folder that it lies in, where that is known otherwise. */
  readonly folder?: string | null
  /** Of the file. */
  readonly owner?: string | null
  readonly userId: number | null
  readonly tags?: readonly string[]
  readonly comment?: string | null
  readonly archivePassword?: string | null
}

export interface IngestReceipt {
  readonly id: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
  readonly sha1: string
  readonly size: number
  /** Time of this sighting, microseconds since 1970. */
  readonly seen: number
  /** The content was here before. */
  readonly known: boolean
  /** Resolves when the sample and the members unpacked from it are processed; rejects when intake stops before. */
  readonly processed: Promise<void>
}

/** A content in a temporary file, hashed, with what is to be recorded about it. */
export interface StagedFile {
  readonly temporary: string
  /** Its bytes have been synced. */
  readonly synced: boolean
  readonly digests: Digests
  readonly name: string
  readonly folder: string | null
  readonly owner: string | null
  readonly userId: number | null
  readonly source: 'upload' | 'ingest' | 'member'
  readonly comment: string | null
  readonly tags: readonly string[]
  readonly state: IntakeState
  /** The archive that it was unpacked from, its path there, and what it is charged for it. */
  readonly member: { readonly parent: number; readonly path: string; readonly charge: Charge } | null
}

/** Of what somebody has sent. */
export function sentWith(password: string | null): IntakeState {
  return { stage: 'arrived', depth: 0, password, archive: null, root: null }
}

/** Whether there is nothing to be remembered of a sample in this state. */
export function isPlain({ stage, depth, password }: IntakeState): boolean {
  return stage === 'arrived' && depth === 0 && password === null
}

/** A file name as text to show: the last part of a path, without control characters, at most 255 characters. */
export function fileName(given: string): string {
  const last = basename(given.toWellFormed().replaceAll('\\', '/'))
  return (
    last
      .replace(/\p{Cc}/gu, '_')
      .slice(0, 255)
      .toWellFormed() || 'unnamed'
  )
}

/**
 * The folder of a path as text: all before its last part, with the separators that it has; null for a bare name. Only the
 * root itself ends in a separator.
 */
export function folderOf(given: string): string | null {
  const end = Math.max(given.lastIndexOf('/'), given.lastIndexOf('\\'))
  return end < 0 ? null : folderName(given.slice(0, end) || given.slice(0, 1))
}

/** A folder as text, without control characters and a separator at its end, at most 4096 characters. */
export function folderName(given: string): string {
  const text = given.toWellFormed().replace(/\p{Cc}/gu, '_')
  const bare = text.replace(/[\\/]+$/, '')
  return (bare || text.slice(0, 1)).slice(0, 4_096).toWellFormed()
}

export type Called = Pick<StagedFile, 'name' | 'folder' | 'owner'>

/** What a file that was sent is called here. */
export function calledOf({ filename, folder, owner }: UploadInfo): Called {
  return {
    name: fileName(filename),
    folder: folder ? folderName(folder) : folderOf(filename),
    owner: owner ? folderName(owner).slice(0, 255) : null,
  }
}

/** An arrival's name as rules know it. */
export function knownNameOf({ name, folder, owner }: Called): KnownName {
  return { name, folder: folder ?? '', owner: owner ?? '' }
}

/** A content as the key of a map. */
export function keyOf(sha256: Uint8Array): string {
  return Buffer.from(sha256).toString('latin1')
}
