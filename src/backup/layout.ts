/**
 * A backup is a folder:
 *
 *   backup.json                       which files make the backup; written last, so a folder without it is not whole
 *   database-<uuid>.db                the database at one instant, without a log
 *   contents/ab/<sha256>              the contents of samples, by digest, as in the data folder
 *   segments/<uuid>.segment           the index
 *   unfinished                        there while a backup is written into the folder, or was killed meanwhile
 *   lock.db, owner.json               who writes into the folder now
 *
 * A later backup into the same folder adds contents and segments, writes a database under another name, and renames a new
 * `backup.json` over the old one; only then does it remove what the old one alone had named. So the folder holds one whole
 * backup at every instant after the first.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../errors/index.ts'

export const MANIFEST = 'backup.json'
export const UNFINISHED = 'unfinished'
export const CONTENTS = 'contents'
export const SEGMENTS = 'segments'
const FORMAT = 1

/** A file of the backup; `sha256` in lower-case hexadecimal. */
export interface StoredFile {
  readonly file: string
  readonly bytes: number
  readonly sha256: string
}

export interface Manifest {
  readonly format: typeof FORMAT
  /** ISO 8601: the instant of the database. */
  readonly made: string
  /** Of Backtrail, and of the schema of its database. */
  readonly version: string
  readonly schema: number
  readonly database: StoredFile
  readonly segments: readonly StoredFile[]
  readonly samples: number
  readonly contentBytes: number
  /** Digests of samples whose content was lost or damaged before the backup. */
  readonly lacking: readonly string[]
}

export function pathOfContent(backup: string, sha256: string): string {
  return join(backup, CONTENTS, sha256.slice(0, 2), sha256)
}

/** Null where there is none. `backup.incomplete` for one that is damaged, or that a newer Backtrail has written. */
export function readManifest(backup: string): Manifest | null {
  const path = join(backup, MANIFEST)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  let manifest: unknown
  try {
    manifest = JSON.parse(text)
  } catch {
    throw damaged(path)
  }
  const format = (manifest as { format?: unknown } | null)?.format
  if (typeof format === 'number' && format > FORMAT)
    throw new Failure('backup.incomplete', `${path} was written by a newer Backtrail; restore it with that version.`)
  if (!isManifest(manifest)) throw damaged(path)
  return manifest
}

function damaged(path: string): Failure {
  return new Failure(
    'backup.incomplete',
    `${path} is damaged. Use another backup, or make this one anew in an empty folder.`,
  )
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false
  const { format, made, version, schema, database, segments, samples, contentBytes, lacking } = value as Manifest
  return (
    format === FORMAT &&
    typeof made === 'string' &&
    typeof version === 'string' &&
    [schema, samples, contentBytes].every((number) => Number.isSafeInteger(number)) &&
    isStoredFile(database) &&
    Array.isArray(segments) &&
    segments.every(isStoredFile) &&
    Array.isArray(lacking) &&
    lacking.every((digest) => typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest))
  )
}

/** Names lead nowhere else, whoever wrote the manifest. */
function isStoredFile(value: unknown): value is StoredFile {
  if (typeof value !== 'object' || value === null) return false
  const { file, bytes, sha256 } = value as StoredFile
  return (
    typeof file === 'string' &&
    /^[\w-][\w.-]*$/.test(file) &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  )
}

/** Takes the place of the one before at once. The caller syncs the folder. */
export function writeManifest(backup: string, manifest: Manifest): void {
  const path = join(backup, MANIFEST)
  writeFileSync(`${path}.new`, `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600, flush: true })
  renameSync(`${path}.new`, path)
}
