/**
 * Contents as files: `blobs/ab/abcd…` under the data folder, in 256 folders that exist from the start, so that a million
 * samples make folders of 4,000 and storing one never has to make a folder durable first.
 *
 * A content is written under `incoming/` and renamed to its place; it and the folder of that place are synced before
 * anybody is told, hence before its row. A few contents are synced one by one, before they are renamed. Many are renamed
 * first, and then one sync of the whole file system makes contents and names durable (`disk.ts`). A loss of power in
 * between can leave a final name with only a part of its content, but never with a row: a name without a row promises
 * nothing, and whoever brings that content again replaces it.
 *
 * A kill can leave two kinds of remains, and start-up clears both: files in `incoming/` (`open` removes them), and
 * contents whose row was never committed, or was deleted already. The latter are named beforehand in a note under
 * `doubts/`, which `settle` looks up.
 */
import { randomUUID } from 'node:crypto'
import { renameSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../../errors/index.ts'
import type { BlobStore, Content, StagedContent } from './blob-store.ts'
import { type Disk, realDisk } from './disk.ts'

/** What `open` found and removed: the remains of uploads that were cut short. */
export interface Leftovers {
  readonly files: number
  readonly bytes: number
}

/** From so many files on, syncing the whole file system once takes less than syncing each, whatever else it holds. */
const WORTH_SYNCING_ALL = 48

export class FileBlobs implements BlobStore {
  readonly #disk: Disk
  readonly #contents: string
  readonly #incoming: string
  readonly #pending: string
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(dataFolder: string, disk: Disk) {
    this.#disk = disk
    this.#contents = join(dataFolder, 'blobs')
    this.#incoming = join(dataFolder, 'incoming')
    this.#pending = join(dataFolder, 'doubts')
  }

  /** Makes the folders that are missing, and removes what an earlier process left in `incoming/`. */
  static async open(
    dataFolder: string,
    disk: Disk = realDisk,
  ): Promise<{ readonly blobs: FileBlobs; readonly leftovers: Leftovers }> {
    const blobs = new FileBlobs(dataFolder, disk)
    await mkdir(blobs.#pending, { recursive: true })
    await mkdir(blobs.#incoming, { recursive: true })
    await blobs.#makeFolders()
    return { blobs, leftovers: await blobs.#removeLeftovers() }
  }

  temporary(): string {
    return join(this.#incoming, randomUUID())
  }

  async abort(temporary: string): Promise<void> {
    await rm(temporary, { recursive: true, force: true })
  }

  async commit(files: readonly StagedContent[]): Promise<void> {
    const unsynced = files.filter(({ synced }) => !synced)
    const together = unsynced.length >= WORTH_SYNCING_ALL
    try {
      if (!together) await this.#syncEach(unsynced.map(({ temporary }) => temporary))
      const paths = files.map(({ sha256 }) => this.path(sha256))
      // Handing one to a thread and hearing of it takes three times as long as doing it.
      for (const [n, path] of paths.entries()) renameSync(files[n]?.temporary as string, path)
      if (together && (await this.#disk.syncAll(this.#contents))) return
      if (together) await this.#syncEach(unsynced.map(({ sha256 }) => this.path(sha256)))
      // After all the renames: on journaling file systems the first sync then carries the others.
      await this.#syncEach(new Set(paths.map((path) => dirname(path))))
    } catch (error) {
      throw asStorageFailure(error)
    }
  }

  async recordIntent(digests: readonly Uint8Array[]): Promise<() => Promise<void>> {
    const note = join(this.#pending, randomUUID())
    try {
      await writeFile(note, digests.map((digest) => `${Buffer.from(digest).toString('hex')}\n`).join(''))
    } catch (error) {
      await rm(note, { force: true })
      throw asStorageFailure(error)
    }
    return () => rm(note, { force: true })
  }

  /** For start-up: removes contents that are noted as doubtful and that no sample has; gives how many. */
  async recover(isKnown: (sha256: Uint8Array) => Promise<boolean>): Promise<number> {
    let removed = 0
    for (const name of await readdir(this.#pending)) {
      const note = join(this.#pending, name)
      for (const line of (await readFile(note, 'latin1')).split('\n')) {
        // A note that was cut off names only contents that were not touched yet.
        if (!/^[0-9a-f]{64}$/.test(line)) continue
        const sha256 = Buffer.from(line, 'hex')
        if ((await isKnown(sha256)) || !(await this.has(sha256))) continue
        await this.remove(sha256)
        removed++
      }
      await rm(note)
    }
    return removed
  }

  withLock<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => {})
    return turn
  }

  path(sha256: Uint8Array): string {
    const hex = Buffer.from(sha256).toString('hex')
    return join(this.#contents, hex.slice(0, 2), hex)
  }

  async has(sha256: Uint8Array): Promise<boolean> {
    return (await this.size(sha256)) !== null
  }

  async size(sha256: Uint8Array): Promise<number | null> {
    return stat(this.path(sha256)).then(
      ({ size }) => size,
      () => null,
    )
  }

  async open(sha256: Uint8Array, range?: { readonly start: number; readonly end: number }): Promise<Content> {
    let file: Awaited<ReturnType<typeof open>>
    try {
      file = await open(this.path(sha256), 'r')
    } catch (error) {
      throw new Failure('sample.gone', undefined, { reason: codeOf(error) })
    }
    try {
      return { size: (await file.stat()).size, stream: file.createReadStream({ ...range }) }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  async list(firstByte: number): Promise<string[]> {
    const names = await readdir(join(this.#contents, firstByte.toString(16).padStart(2, '0')))
    return names.filter((name) => /^[0-9a-f]{64}$/.test(name)).sort()
  }

  async setAside(sha256: Uint8Array): Promise<void> {
    const folder = join(dirname(this.#contents), 'damaged')
    await mkdir(folder, { recursive: true })
    await rename(this.path(sha256), join(folder, Buffer.from(sha256).toString('hex')))
  }

  async remove(sha256: Uint8Array): Promise<void> {
    await rm(this.path(sha256), { force: true })
  }

  async #makeFolders(): Promise<void> {
    if ((await stat(join(this.#contents, 'ff')).catch(() => null)) !== null) return
    for (let first = 0; first < 256; first++) {
      await mkdir(join(this.#contents, first.toString(16).padStart(2, '0')), { recursive: true })
    }
    await this.#disk.sync(this.#contents)
    await this.#disk.sync(dirname(this.#contents))
  }

  async #syncEach(paths: Iterable<string>): Promise<void> {
    await inParallel([...paths], (path) => this.#disk.sync(path))
  }

  async #removeLeftovers(): Promise<Leftovers> {
    let files = 0
    let bytes = 0
    for (const entry of await readdir(this.#incoming, { withFileTypes: true })) {
      const path = join(this.#incoming, entry.name)
      if (entry.isDirectory()) {
        await rm(path, { recursive: true, force: true })
      } else {
        bytes += (await stat(path)).size
        await unlink(path)
      }
      files++
    }
    return { files, bytes }
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

/** As many at once as Node's file threads can use. */
const PARALLEL = 8

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, lane))
}
