/**
 * What a process writes and nobody else needs: staged files, members that are being unpacked, progress records of its
 * workers.
 *
 *   scratch/<id>/       files of the process <id>
 *   scratch/<id>.db     its record (`ProcessRecord`), locked for as long as it lives
 *
 * Each process has a folder of its own, so several can work on one data folder, and none clears away what a neighbour is
 * writing: `sweep` takes over only from processes whose record is not locked any more. The record is made before the
 * folder and removed after it. What has no record is of nobody; it is left alone for a period of grace all the same,
 * since somebody may be about to find out what it is.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { ProcessRecord } from '../sqlite/process-record.ts'

/** What processes that are gone have left in their folders. */
export interface Leftovers {
  readonly files: number
  readonly bytes: number
}

const FOLDER = 'scratch'
/** Within the folder of a process: what its workers write is no file that was on its way to become a content. */
const WORKERS = 'workers'
const GRACE_MS = 60 * 60 * 1_000
const TRIES = 5

export class Scratch {
  readonly #all: string
  readonly #own: string
  readonly #record: ProcessRecord
  /** The file name of the record. */
  readonly #recordFile: string

  /** Of this process. Whoever names a file after it, outside of this folder, lets others find out whose it is. */
  readonly id: string

  private constructor(all: string, id: string, record: ProcessRecord) {
    this.id = id
    this.#all = all
    this.#own = join(all, id)
    this.#recordFile = `${id}.db`
    this.#record = record
  }

  /** Makes the folder of this process, in the given data folder. Throws `storage.full`. */
  static async open(dataFolder: string): Promise<Scratch> {
    const all = join(dataFolder, FOLDER)
    await mkdir(all, { recursive: true })
    for (let tries = 1; ; tries++) {
      const id = randomUUID()
      try {
        const record = ProcessRecord.create(join(all, `${id}.db`))
        mkdirSync(join(all, id), { mode: 0o700 })
        return new Scratch(all, id, record)
      } catch (error) {
        await removeRecord(all, `${id}.db`)
        if ((error as { code?: string }).code !== undefined || tries === TRIES) throw error
      }
    }
  }

  /** Whether the process with that id is at work on the data folder. */
  isAlive(id: string): boolean {
    if (id === this.id) return true
    const record = join(this.#all, `${id}.db`)
    if (!existsSync(record)) return false
    try {
      const left = ProcessRecord.takeOver(record)
      left?.close()
      return left === null
    } catch (error) {
      if (!isUnreadableRecord(error)) throw error
      return false
    }
  }

  /** A fresh path for a file or a folder of the caller's; nothing exists there yet. */
  fresh(): string {
    return join(this.#own, randomUUID())
  }

  /** The folder for progress records of workers. */
  get workers(): string {
    return join(this.#own, WORKERS)
  }

  /** Removes a file or folder that nobody needs any more; no error when it is gone already. */
  async discard(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true })
  }

  /**
   * Records that the contents of these digests may be without a sample until the returned function is called; where this
   * process is killed before, `sweep` gives them. Throws `storage.full`.
   */
  recordIntent(digests: readonly Uint8Array[]): () => void {
    this.#record.add(digests)
    return () => this.#record.remove(digests)
  }

  /**
   * Clears away what processes have left that are gone. `recover` gets the digests that were pending with one of them;
   * where it fails, that record stays, and the next sweep tries again.
   */
  async sweep(recover: (digests: readonly Uint8Array[]) => Promise<void>): Promise<Leftovers> {
    const swept = { files: 0, bytes: 0 }
    const entries = await readdir(this.#all, { withFileTypes: true })
    const records = new Set(entries.map(({ name }) => name).filter((name) => name.endsWith('.db')))
    for (const file of records) if (file !== this.#recordFile) await this.#sweepProcess(file, recover, swept)
    for (const { name } of entries) {
      if (records.has(name) || records.has(name.replace(/\.db-(?:wal|shm|journal)$/, '.db'))) continue
      if (!records.has(`${name}.db`)) await this.#sweepUnknown(join(this.#all, name), swept)
    }
    return swept
  }

  /** Removes all that is this process's. Nothing of it may be in use any more. */
  async close(): Promise<void> {
    await rm(this.#own, { recursive: true, force: true })
    const isSettled = this.#record.pending().length === 0
    this.#record.close()
    // What is pending is for the next sweep.
    if (isSettled) await removeRecord(this.#all, this.#recordFile)
  }

  async #sweepProcess(
    file: string,
    recover: (digests: readonly Uint8Array[]) => Promise<void>,
    swept: { files: number; bytes: number },
  ): Promise<void> {
    let record: ProcessRecord | null = null
    try {
      record = ProcessRecord.takeOver(join(this.#all, file))
      if (record === null) return
      const pending = record.pending()
      if (pending.length > 0) await recover(pending)
    } catch (error) {
      // A record that is no database has no intents; where a content could not be looked up, the next sweep does it.
      if (!isUnreadableRecord(error)) throw error
    } finally {
      // Closed before the removal: a log may be written into its database yet.
      record?.close()
    }
    await this.#remove(join(this.#all, file.slice(0, -'.db'.length)), swept)
    await removeRecord(this.#all, file)
  }

  async #sweepUnknown(path: string, swept: { files: number; bytes: number }): Promise<void> {
    const found = await stat(path).catch(() => null)
    if (found !== null && Date.now() - found.mtimeMs >= GRACE_MS) await this.#remove(path, swept)
  }

  /** Removes the folder of a process, or a file, and counts what was on its way. */
  async #remove(path: string, swept: { files: number; bytes: number }): Promise<void> {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(() => [])) {
      if (entry.name === WORKERS) continue
      swept.files++
      if (entry.isFile()) swept.bytes += (await stat(join(path, entry.name)).catch(() => null))?.size ?? 0
    }
    // 7-Zip of a killed server may go on for a moment, and write what was just removed.
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
  }
}

async function removeRecord(all: string, file: string): Promise<void> {
  for (const rest of ['-wal', '-shm', '-journal', ''])
    await rm(join(all, `${file}${rest}`), { recursive: true, force: true })
}

/** SQLITE_NOTADB, SQLITE_CORRUPT, and SQLITE_CANTOPEN, which a folder of that name gives. */
function isUnreadableRecord(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && [26, 11, 14].includes(Number(error.errcode) & 0xff)
}
