/**
 * Contents as files: `blobs/ab/abcd…` under the data folder, in 256 folders that exist from the start, so that a million
 * samples make folders of 4,000 and storing one never has to make a folder durable first.
 *
 * A content is written in the scratch folder of its process and renamed to its place; it and the folder of that place are
 * synced before anybody is told, hence before its row. A few contents are synced one by one, before they are renamed. Many
 * are renamed first, and then one sync of the whole file system makes contents and names durable (`disk.ts`). A loss of
 * power in between can leave a final name with only a part of its content, but never with a row: a name without a row
 * promises nothing, and whoever brings that content again replaces it.
 *
 * A kill can leave contents whose row was never committed, or was deleted already. They are intents of the process until
 * both have happened (`scratch.ts`), and whoever finds that it is gone deletes those that have no row (`recover`).
 */
import { renameSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { inParallel, Lock } from '../../background/index.ts'
import { Failure } from '../../errors/index.ts'
import type { Content, ContentLease, ContentStore, StagedContent } from './content-store.ts'
import { type Disk, realDisk } from './disk.ts'
import { CONTENTS_FOLDER, contentFile, contentFolders, isContentName } from './layout.ts'
import type { Scratch } from './scratch.ts'

/** From so many files on, syncing the whole file system once takes less than syncing each, whatever else it holds. */
const WORTH_SYNCING_ALL = 48
/** As many at once as Node's file threads can use. */
const AT_ONCE = 8

export class FileContents implements ContentStore {
  readonly #dataFolder: string
  readonly #scratch: Scratch
  readonly #disk: Disk
  readonly #lock = new Lock()

  private constructor(dataFolder: string, scratch: Scratch, disk: Disk) {
    this.#dataFolder = dataFolder
    this.#scratch = scratch
    this.#disk = disk
  }

  /** Makes the folders that are missing. Staged files are of the given scratch folder. */
  static async open(dataFolder: string, scratch: Scratch, disk: Disk = realDisk): Promise<FileContents> {
    const contents = new FileContents(dataFolder, scratch, disk)
    await contents.#makeFolders()
    return contents
  }

  /** A rename takes no time. */
  async putAhead(): Promise<void> {}

  async put<T>(files: readonly StagedContent[], commit: () => Promise<T>): Promise<T> {
    if (files.length === 0) return commit()
    const settle = this.#scratch.recordIntent(files.map(({ sha256 }) => sha256))
    let result: T
    try {
      await this.#rename(files)
      result = await commit()
    } catch (error) {
      for (const { sha256 } of files) await this.#remove(sha256)
      settle()
      throw error
    }
    settle()
    return result
  }

  async delete(digests: readonly Uint8Array[], commit: () => Promise<readonly Uint8Array[]>): Promise<void> {
    const settle = this.#scratch.recordIntent(digests)
    const deleted = await commit().catch((error) => {
      // Nothing was deleted, so no intent is pending.
      settle()
      throw error
    })
    for (const sha256 of deleted) await this.#remove(sha256)
    settle()
  }

  /** Deletes those of the contents that have no row: a process that is gone had intents for them. Gives how many. */
  async recover(digests: readonly Uint8Array[], hasRow: (sha256: Uint8Array) => Promise<boolean>): Promise<number> {
    let removed = 0
    for (const sha256 of digests) {
      await this.withLock(async () => {
        if ((await hasRow(sha256)) || (await this.size(sha256)) === null) return
        await this.#remove(sha256)
        removed++
      })
    }
    return removed
  }

  withLock<T>(work: () => Promise<T>): Promise<T> {
    return this.#lock.withLock(work)
  }

  /** The contents themselves: they stay where they are. */
  async lease(digests: readonly Uint8Array[]): Promise<ContentLease> {
    return { paths: digests.map((sha256) => this.#path(sha256)), release: () => {} }
  }

  async range(sha256: Uint8Array, bytes?: { readonly start: number; readonly end: number }): Promise<Content> {
    let file: Awaited<ReturnType<typeof open>>
    try {
      file = await open(this.#path(sha256), 'r')
    } catch (error) {
      throw new Failure('sample.gone', undefined, { reason: codeOf(error) })
    }
    try {
      const within = bytes && { start: bytes.start, end: Math.min(bytes.end, Number.MAX_SAFE_INTEGER) }
      return { size: (await file.stat()).size, stream: file.createReadStream(within ?? {}) }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async size(sha256: Uint8Array): Promise<number | null> {
    return stat(this.#path(sha256)).then(
      ({ size }) => size,
      () => null,
    )
  }

  async list(firstByte: number): Promise<string[]> {
    const names = await readdir(join(this.#dataFolder, contentFolders[firstByte] as string))
    return names.filter(isContentName).sort()
  }

  /** It is kept in the folder `damaged`. */
  async setAside(sha256: Uint8Array): Promise<void> {
    const folder = join(this.#dataFolder, 'damaged')
    await mkdir(folder, { recursive: true })
    await rename(this.#path(sha256), join(folder, Buffer.from(sha256).toString('hex')))
  }

  #path(sha256: Uint8Array): string {
    return join(this.#dataFolder, contentFile(Buffer.from(sha256).toString('hex')))
  }

  async #remove(sha256: Uint8Array): Promise<void> {
    await rm(this.#path(sha256), { force: true })
  }

  async #rename(files: readonly StagedContent[]): Promise<void> {
    const unsynced = files.filter(({ synced }) => !synced)
    const together = unsynced.length >= WORTH_SYNCING_ALL
    try {
      if (!together) await this.#syncEach(unsynced.map(({ temporary }) => temporary))
      const paths = files.map(({ sha256 }) => this.#path(sha256))
      // Handing one to a thread and hearing of it takes three times as long as doing it.
      for (const [n, path] of paths.entries()) renameSync(files[n]?.temporary as string, path)
      if (together && (await this.#disk.syncAll(join(this.#dataFolder, CONTENTS_FOLDER)))) return
      if (together) await this.#syncEach(unsynced.map(({ sha256 }) => this.#path(sha256)))
      // After all the renames: on journaling file systems the first sync then carries the others.
      await this.#syncEach(new Set(paths.map((path) => dirname(path))))
    } catch (error) {
      throw asStorageFailure(error)
    }
  }

  async #makeFolders(): Promise<void> {
    const last = join(this.#dataFolder, contentFolders.at(-1) as string)
    if ((await stat(last).catch(() => null)) !== null) return
    for (const folder of contentFolders) await mkdir(join(this.#dataFolder, folder), { recursive: true })
    await this.#disk.sync(join(this.#dataFolder, CONTENTS_FOLDER))
    await this.#disk.sync(this.#dataFolder)
  }

  async #syncEach(paths: Iterable<string>): Promise<void> {
    await inParallel(paths, AT_ONCE, (path) => this.#disk.sync(path))
  }
}

/** The failure to tell when writing ran out of room; any other error as it is. */
export function asStorageFailure(error: unknown): unknown {
  const code = codeOf(error)
  return code === 'ENOSPC' || code === 'EDQUOT' ? new Failure('storage.full', undefined, { reason: code }) : error
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
