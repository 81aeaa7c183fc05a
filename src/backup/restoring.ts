/**
 * Makes a data folder of a backup. Every file is compared with its digest before it counts; the database, which makes the
 * folder one, comes last. The marker `restoring` is there from the first to the last moment: a start refuses a folder that
 * has it, and a restore that is run again goes on with what is there.
 */
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { inParallel } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import {
  asUnusableFolder,
  CONTENTS_FOLDER,
  contentFile,
  contentFolders,
  DatabaseReader,
  lockDataFolder,
  makeFilesPrivate,
  newestSchema,
  RESTORING,
  realDisk,
} from '../store/index.ts'
import { AT_ONCE, copyVerified, digestOf } from './copying.ts'
import { databaseOf, sizeOf } from './data-files.ts'
import {
  MANIFEST,
  type Manifest,
  pathOfContent,
  readManifest,
  SEGMENTS,
  type StoredFile,
  UNFINISHED,
} from './layout.ts'

export interface RestoreOptions {
  /** Restores what is sound where something is not. */
  readonly partial: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void
}

export interface Restored {
  readonly manifest: Manifest
  /** What is missing or damaged in the backup, in words: with any, only `partial` made a data folder of it. */
  readonly problems: readonly string[]
}

/** Reads all of a backup and compares it with its digests. `backup.incomplete` where it is none or has no database. */
export async function verifyBackup(from: string, options: RestoreOptions): Promise<Restored> {
  const manifest = demandManifest(from)
  await demandDatabase(from, manifest)
  const problems: string[] = []
  await eachFile(from, manifest, options, async (path, { file, bytes, sha256 }) => {
    const size = sizeOf(path)
    if (size !== bytes) problems.push(describe(file, size, bytes))
    else if ((await digestOf(path, bytes)) !== sha256) problems.push(`${file} was changed`)
  })
  return { manifest, problems }
}

/**
 * Resolves when the data folder can be started. Fails with `settings.invalid` for a folder that is not empty, and with
 * `backup.incomplete`, in whose detail are the `problems`, for a backup that is not whole.
 */
export async function restoreBackup(from: string, data: string, options: RestoreOptions): Promise<Restored> {
  makeFilesPrivate()
  const manifest = demandManifest(from)
  demandEmpty(data)
  await demandDatabase(from, manifest)
  const lock = lockDataFolder(data)
  try {
    return await restore(from, data, manifest, options)
  } catch (error) {
    throw asUnusableFolder(error, data)
  } finally {
    lock.release()
  }
}

async function restore(from: string, data: string, manifest: Manifest, options: RestoreOptions): Promise<Restored> {
  const marker = join(data, RESTORING)
  closeSync(openSync(marker, 'w', 0o600))
  for (const folder of contentFolders) mkdirSync(join(data, folder), { recursive: true })
  mkdirSync(join(data, 'index'), { recursive: true })
  await realDisk.sync(data)

  const problems: string[] = []
  const written: string[] = []
  await eachFile(from, manifest, options, async (path, { file, bytes, sha256 }, place) => {
    const to = join(data, place)
    // Of a restore that was cut short.
    if (sizeOf(to) === bytes && (await digestOf(to, bytes)) === sha256) return void written.push(to)
    const size = sizeOf(path)
    if (size !== bytes) return void problems.push(describe(file, size, bytes))
    const { outcome } = await copyVerified(path, to, 'copy', sha256)
    if (outcome === 'copied') written.push(to)
    else problems.push(outcome === 'gone' ? `${file} is missing` : `${file} was changed`)
  })
  if (problems.length > 0 && !options.partial) {
    throw new Failure(
      'backup.incomplete',
      `The backup in ${from} is not whole, so ${data} is no data folder yet. Put the files back, or restore what there is with --partial.`,
      { problems },
    )
  }
  const database = databaseOf(data)
  const { outcome } = await copyVerified(
    join(from, manifest.database.file),
    `${database}.${RESTORING}`,
    'copy',
    manifest.database.sha256,
  )
  if (outcome !== 'copied') throw new Failure('backup.incomplete', `The database of ${from} cannot be read any more.`)
  if (!(await realDisk.syncAll(data)))
    await inParallel([...written, `${database}.${RESTORING}`], AT_ONCE, (path) => realDisk.sync(path))
  for (const folder of [CONTENTS_FOLDER, ...contentFolders, 'index']) await realDisk.sync(join(data, folder))
  renameSync(`${database}.${RESTORING}`, database)
  await realDisk.sync(data)
  rmSync(marker)
  await realDisk.sync(data)
  return { manifest, problems }
}

/** Calls `work` with each content and segment: where it lies, what it should be, and its place in a data folder. */
async function eachFile(
  from: string,
  manifest: Manifest,
  { signal, onProgress }: RestoreOptions,
  work: (path: string, file: StoredFile, place: string) => Promise<void>,
): Promise<void> {
  const total = manifest.samples + manifest.segments.length
  let done = 0
  const one = async (path: string, file: StoredFile, place: string) => {
    signal.throwIfAborted()
    await work(path, file, place)
    onProgress({ done: ++done, total })
  }
  const lacking = new Set(manifest.lacking)
  const snapshot = new DatabaseReader(join(from, manifest.database.file))
  try {
    for (let first = 0; first < 256; first++) {
      const samples = snapshot.samplesFrom(first).filter(({ sha256 }) => !lacking.has(sha256))
      await inParallel(samples, AT_ONCE, ({ sha256, size: bytes }) => {
        const file = { file: `content ${sha256}`, bytes, sha256 }
        return one(pathOfContent(from, sha256), file, contentFile(sha256))
      })
    }
  } finally {
    snapshot.close()
  }
  await inParallel(manifest.segments, AT_ONCE, (segment) =>
    one(
      join(from, SEGMENTS, segment.file),
      { ...segment, file: `segment ${segment.file}` },
      join('index', segment.file),
    ),
  )
}

function describe(file: string, size: number | null, bytes: number): string {
  return size === null ? `${file} is missing` : `${file} has ${size} bytes instead of ${bytes}`
}

function demandManifest(from: string): Manifest {
  const manifest = readManifest(from)
  if (manifest === null) {
    const message = existsSync(join(from, UNFINISHED))
      ? `The backup in ${from} was never completed; run "backtrail backup" into it again, or use another one.`
      : `There is no backup in ${from}: the file ${MANIFEST} is missing.`
    throw new Failure('backup.incomplete', message)
  }
  if (manifest.schema > newestSchema())
    throw new Failure(
      'backup.incomplete',
      `The backup in ${from} is of a newer Backtrail (${manifest.version}); restore it with that version.`,
    )
  return manifest
}

async function demandDatabase(from: string, { database }: Manifest): Promise<void> {
  const path = join(from, database.file)
  const size = sizeOf(path)
  if (size !== null && size === database.bytes && (await digestOf(path)) === database.sha256) return
  const reason =
    size === database.bytes
      ? 'was changed'
      : describe(database.file, size, database.bytes).slice(database.file.length + 1)
  throw new Failure(
    'backup.incomplete',
    `The backup in ${from} is damaged: its database ${database.file} ${reason}. Use another backup.`,
  )
}

/** What file systems and locks put into a folder. */
const neutral = /^(?:lost\+found|lock\.db|owner\.json(?:\.new)?)$/

/** A folder that is not there, is empty, or has what a restore that was cut short has left. */
function demandEmpty(data: string): void {
  let names: string[]
  try {
    names = readdirSync(data)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw asUnusableFolder(error, data)
  }
  if (names.includes(RESTORING) || names.every((name) => neutral.test(name))) return
  throw new Failure(
    'settings.invalid',
    `${data} is not empty; restore into a new folder with --data, or move what is there away first.`,
  )
}
