/**
 * Makes a backup of a data folder, whether or not a server works on it: from outside, on the files. That needs no right
 * of the API, costs the server nothing, works while it hangs, and gives no caller of the API a way to write files.
 *
 * The order makes it consistent. What a database row names is there before the row, and goes after it:
 *
 *   1. Contents and segments that are there now are copied. That takes long, and may take what nobody needs.
 *   2. The database is copied in one instant.
 *   3. What its rows name and step 1 did not see is copied. That is little: what arrived during step 1.
 *   4. A content that step 3 does not find was deleted since step 2, and its row before it. Then all that was deleted since
 *      is deleted in the copy of the database too (`reconciling.ts`): the backup is of that later instant. Where the row is
 *      still there, the content was lost before, and the backup names it as lacking. A segment that is gone was merged;
 *      the database is copied anew, at most twice, and from then on the samples of such a segment count as unindexed.
 *   5. All is synced, then `backup.json` makes it the backup, then what it does not name is removed.
 *
 * The database first alone would lose what is deleted while the contents are copied; last alone, what arrives.
 */
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { inParallel } from '../background/index.ts'
import { Failure } from '../errors/index.ts'
import {
  asUnusableFolder,
  contentFile,
  contentFolders,
  copyDatabase,
  DatabaseReader,
  type DataFolderLock,
  damagedDatabase,
  damageOfLog,
  isContentName,
  lockDataFolder,
  makeFilesPrivate,
  newestSchema,
  realDisk,
  refuseLostDatabase,
  refuseUnfinishedMove,
} from '../store/index.ts'
import { AT_ONCE, copyVerified, digestOf, type How } from './copying.ts'
import { databaseOf, sizeOf } from './data-files.ts'
import {
  CONTENTS,
  MANIFEST,
  type Manifest,
  pathOfContent,
  readManifest,
  SEGMENTS,
  type StoredFile,
  UNFINISHED,
  writeManifest,
} from './layout.ts'
import { applyDeletions, forgetSegments } from './reconciling.ts'

export interface BackupOptions {
  readonly how: How
  /** Whether what an earlier backup has left is read and compared with its digest. */
  readonly verify: boolean
  readonly version: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void
}

export interface BackupMade {
  readonly samples: number
  readonly bytes: number
  /** What was not there from an earlier backup. */
  readonly copied: { readonly files: number; readonly bytes: number }
  readonly segments: number
  /** What the data folder itself had lost, in words. */
  readonly problems: readonly string[]
}

/** Databases that are copied at most: each time, segments were merged meanwhile. */
const MOST_ROUNDS = 3

/**
 * Resolves when the folder `to` is a whole backup of the data folder. Fails with `settings.invalid` for a folder that is
 * neither empty nor a backup, `database.unusable`, `storage.full`, `backup.incomplete`; an earlier backup is as it was then.
 */
export async function makeBackup(data: string, to: string, options: BackupOptions): Promise<BackupMade> {
  makeFilesPrivate()
  demandApart(data, to)
  const database = databaseOf(data)
  refuseUnfinishedMove(data)
  await refuseLostDatabase(data, database)
  if (!existsSync(database))
    throw new Failure('settings.invalid', `${database} does not exist: there is nothing to back up.`)
  demandBackupFolder(to)
  const target = lockBackup(to)
  try {
    demandSoundLog(data, database)
    return await new Making(data, to, options).run()
  } catch (error) {
    throw asUnusableFolder(error, to)
  } finally {
    target.release()
  }
}

class Making {
  readonly #data: string
  readonly #to: string
  readonly #options: BackupOptions
  /** Files that changed since this time, in milliseconds, may be what a killed backup has left. */
  readonly #trustedUntil: number
  readonly #earlier: ReadonlyMap<string, StoredFile>
  readonly #written: string[] = []
  readonly #verified = new Set<string>()
  readonly #segmentDigests = new Map<string, string>()
  #copiedBytes = 0

  constructor(data: string, to: string, options: BackupOptions) {
    this.#data = data
    this.#to = to
    this.#options = options
    const manifest = readManifest(to)
    this.#earlier = new Map(manifest?.segments.map((segment) => [segment.file, segment]))
    const marker = join(to, UNFINISHED)
    this.#trustedUntil = options.verify ? 0 : (statSync(marker, { throwIfNoEntry: false })?.mtimeMs ?? Infinity)
    if (!existsSync(marker)) closeSync(openSync(marker, 'w', 0o600))
    for (let first = 0; first < 256; first++) mkdirSync(dirname(pathOfContent(to, hexByte(first))), { recursive: true })
    mkdirSync(join(to, SEGMENTS), { recursive: true })
  }

  async run(): Promise<BackupMade> {
    await this.#copyWhatIsThere()
    for (let round = 1; ; round++) {
      const file = `database-${randomUUID()}.db`
      const path = join(this.#to, file)
      const made = await this.#copyOnce(file, path, round === MOST_ROUNDS)
      if (made !== null) return made
      rmSync(path, { force: true })
    }
  }

  /** Null where a segment was merged since the database was copied, unless it is the last round. */
  async #copyOnce(file: string, path: string, isLast: boolean): Promise<BackupMade | null> {
    const { signal, version } = this.#options
    const made = new Date().toISOString()
    await copyDatabase(databaseOf(this.#data), path, signal)
    const copied = await reading(path, async (snapshot) => {
      if (snapshot.schema > newestSchema()) throw newerDatabase(this.#data)
      return reading(databaseOf(this.#data), async (live) => {
        const segments = await this.#copySegments(snapshot, live)
        if (segments.merged.length > 0 && !isLast) return null
        const contents = await this.#copyContents(snapshot, live)
        return { segments, contents }
      })
    })
    if (copied === null) return null
    const { segments, contents } = copied
    if (contents.hasDeletions) await reading(databaseOf(this.#data), (live) => applyDeletions(path, live, signal))
    if (segments.merged.length > 0) await forgetSegments(path, segments.merged, signal)
    const database = { file, bytes: sizeOf(path) ?? 0, sha256: await digestOf(path) }
    return reading(path, async (snapshot) => {
      const { schema, samples } = snapshot
      const { lacking } = contents
      const counts = { samples: samples.count, contentBytes: samples.bytes }
      await this.#conclude(
        { format: 1, made, version, schema, database, segments: segments.stored, ...counts, lacking },
        snapshot,
      )
      return {
        samples: samples.count,
        bytes: samples.bytes,
        copied: { files: this.#written.length, bytes: this.#copiedBytes },
        segments: segments.stored.length,
        problems: [...segments.problems, ...contents.problems],
      }
    })
  }

  /** Whatever has a digest for a name, and whatever is in the index: the rows are compared later. */
  async #copyWhatIsThere(): Promise<void> {
    for (let first = 0; first < 256; first++) {
      this.#options.onProgress({ done: first, total: 256 })
      const folder = join(this.#data, contentFolders[first] as string)
      const names = (await readdir(folder).catch(() => [])).filter(isContentName)
      await inParallel(names, AT_ONCE, async (name) => {
        this.#options.signal.throwIfAborted()
        const size = sizeOf(join(folder, name))
        if (size !== null) await this.#copyContent(name, size)
      })
    }
    // Only those that have a row: others are being written.
    await reading(databaseOf(this.#data), async (live) => {
      for (const { file, bytes } of live.segments()) await this.#copySegment(file, bytes)
    })
  }

  /** Copies what the rows of the snapshot name. */
  async #copyContents(snapshot: DatabaseReader, live: DatabaseReader) {
    const lacking: string[] = []
    const problems: string[] = []
    let hasDeletions = false
    for (let first = 0; first < 256; first++) {
      this.#options.onProgress({ done: first, total: 256 })
      await inParallel(snapshot.samplesFrom(first), AT_ONCE, async ({ id, sha256, size }) => {
        this.#options.signal.throwIfAborted()
        const problem = await this.#copyContent(sha256, size)
        if (problem === null) return
        if (!live.hasSample(id)) hasDeletions = true
        else {
          lacking.push(sha256)
          problems.push(`sample ${sha256}: ${problem}. The backup has its row only. Send it again, then back up again.`)
        }
      })
    }
    return { hasDeletions, lacking, problems }
  }

  /** What is wrong with the content; null where the backup has it. */
  async #copyContent(sha256: string, bytes: number): Promise<string | null> {
    const to = pathOfContent(this.#to, sha256)
    if (await this.#isKept(to, bytes, sha256)) return null
    const from = join(this.#data, contentFile(sha256))
    const size = sizeOf(from)
    if (size === null) return 'its content is missing'
    if (size !== bytes) return `its content has ${size} bytes instead of ${bytes}`
    const { outcome } = await copyVerified(from, to, this.#options.how, sha256)
    if (outcome === 'gone') return 'its content is missing'
    if (outcome === 'differs') return 'its content was changed'
    this.#noteWritten(to, bytes)
    return null
  }

  /** Copies the segments of the snapshot; `merged` are gone since. */
  async #copySegments(snapshot: DatabaseReader, live: DatabaseReader) {
    const stored: StoredFile[] = []
    const merged: string[] = []
    const problems: string[] = []
    for (const { file, bytes } of snapshot.segments()) {
      this.#options.signal.throwIfAborted()
      const segment = await this.#copySegment(file, bytes)
      if (segment !== null) stored.push(segment)
      else if (!live.hasSegment(file)) merged.push(file)
      else problems.push(`segment ${file} is missing or cut off; a restored server makes it anew.`)
    }
    return { stored, merged, problems }
  }

  async #copySegment(file: string, bytes: number): Promise<StoredFile | null> {
    const to = join(this.#to, SEGMENTS, file)
    const known = this.#segmentDigests.get(file) ?? this.#earlier.get(file)?.sha256
    if (known !== undefined && (await this.#isKept(to, bytes, known))) return { file, bytes, sha256: known }
    const from = join(this.#data, 'index', file)
    if (sizeOf(from) !== bytes) return null
    const copied = await copyVerified(from, to, this.#options.how, null)
    if (copied.outcome !== 'copied') return null
    this.#segmentDigests.set(file, copied.sha256)
    this.#noteWritten(to, bytes)
    return { file, bytes, sha256: copied.sha256 }
  }

  /** Whether the backup has the file already, from before or from this run. */
  async #isKept(path: string, bytes: number, sha256: string): Promise<boolean> {
    const found = await stat(path).catch(() => null)
    if (found === null || found.size !== bytes) return false
    if (this.#verified.has(path) || found.ctimeMs < this.#trustedUntil) return true
    if ((await digestOf(path, bytes)) !== sha256) return false
    this.#verified.add(path)
    return true
  }

  #noteWritten(path: string, bytes: number): void {
    this.#written.push(path)
    this.#verified.add(path)
    this.#copiedBytes += bytes
  }

  async #conclude(manifest: Manifest, snapshot: DatabaseReader): Promise<void> {
    await this.#sync()
    this.#options.signal.throwIfAborted()
    writeManifest(this.#to, manifest)
    await realDisk.sync(this.#to)
    // From here on the backup is whole; what is left to do only makes room.
    for (let first = 0; first < 256; first++) {
      const named = new Set(snapshot.samplesFrom(first).map(({ sha256 }) => sha256))
      await removeOthers(dirname(pathOfContent(this.#to, hexByte(first))), named)
    }
    await removeOthers(join(this.#to, SEGMENTS), new Set(manifest.segments.map(({ file }) => file)))
    for (const name of await readdir(this.#to))
      if (/^database-[\w-]+\.db/.test(name) && name !== manifest.database.file)
        await rm(join(this.#to, name), { force: true })
    await rm(join(this.#to, UNFINISHED), { force: true })
  }

  async #sync(): Promise<void> {
    if (await realDisk.syncAll(this.#to)) return
    const folders = new Set([this.#to, join(this.#to, CONTENTS), join(this.#to, SEGMENTS)])
    for (const path of this.#written) folders.add(dirname(path))
    await inParallel([...this.#written, ...folders], AT_ONCE, (path) => realDisk.sync(path).catch(ignoreRemoved))
  }
}

async function reading<T>(path: string, work: (reader: DatabaseReader) => Promise<T>): Promise<T> {
  const reader = new DatabaseReader(path)
  try {
    return await work(reader)
  } finally {
    reader.close()
  }
}

/** A segment that was copied and is not named any more. */
function ignoreRemoved(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

async function removeOthers(folder: string, named: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) if (!named.has(name)) await rm(join(folder, name), { force: true })
}

function newerDatabase(data: string): Failure {
  return new Failure(
    'database.unusable',
    `The database of ${data} is of a newer Backtrail; back it up with that version.`,
  )
}

const hexByte = (byte: number): string => byte.toString(16).padStart(2, '0')

/**
 * Before SQLite opens a database that nobody else has open. The folder is locked for this only: a server may start while
 * its folder is backed up.
 */
function demandSoundLog(data: string, database: string): void {
  let lock: DataFolderLock
  try {
    lock = lockDataFolder(data)
  } catch (error) {
    if (error instanceof Failure && error.code === 'data-folder.locked') return
    throw error
  }
  try {
    const damage = damageOfLog(database)
    if (damage !== null) throw damagedDatabase(database, [damage])
  } finally {
    lock.release()
  }
}

function lockBackup(to: string): DataFolderLock {
  try {
    return lockDataFolder(to)
  } catch (error) {
    if (!(error instanceof Failure && error.code === 'data-folder.locked')) throw error
    throw new Failure('data-folder.locked', `Another process works on the backup in ${to}; wait until it has ended.`)
  }
}

/** A folder that is empty, or that has a backup, whole or not. */
function demandBackupFolder(to: string): void {
  let names: string[]
  try {
    names = readdirSync(to)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw asUnusableFolder(error, to)
  }
  const isBackup = names.includes(MANIFEST) || names.includes(UNFINISHED)
  const others = names.filter((name) => !/^(?:lost\+found|lock\.db|owner\.json(?:\.new)?)$/.test(name))
  if (isBackup || others.length === 0) return
  throw new Failure('settings.invalid', `${to} is neither empty nor a backup; name another folder.`)
}

function demandApart(data: string, to: string): void {
  const [from, target] = [realPathOf(data), realPathOf(to)]
  if (from === target || target.startsWith(from + sep) || from.startsWith(target + sep))
    throw new Failure(
      'settings.invalid',
      `${to} and the data folder ${data} must not lie in each other; name another folder.`,
    )
}

/** Behind links, also where the last parts are not there yet. */
function realPathOf(path: string): string {
  const whole = resolve(path)
  try {
    return realpathSync(whole)
  } catch {
    return whole === dirname(whole) ? whole : join(realPathOf(dirname(whole)), whole.slice(dirname(whole).length))
  }
}
