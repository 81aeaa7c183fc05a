import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Failure } from '../errors/index.ts'

/**
 * A data folder has one owner at a time: the server, or a command that works on the folder directly.
 *
 * Node offers no file lock, and a file with a process id in it outlives a killed owner. SQLite does lock files through
 * the operating system, which lets go of a lock when its process ends, however it ends. So the lock is an exclusive
 * transaction on an empty database, `lock.db`, that stays open; `owner.json` beside it only tells the others who it is.
 */
export interface DataFolderLock {
  /** Tells others under which address the folder's owner can be reached. */
  announce(url: string): void
  release(): void
}

interface Owner {
  readonly pid: number
  readonly url: string | null
}

/** Takes the folder, making it if there is none. `data-folder.locked` with `pid` and `url` in its detail otherwise. */
export function lockDataFolder(folder: string): DataFolderLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const ownerFile = join(folder, 'owner.json')
  const database = new DatabaseSync(join(folder, 'lock.db'), { timeout: 0 })
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    if (!isBusy(error)) throw error
    throw lockedBy(folder, readOwner(ownerFile))
  }
  const tell = (url: string | null): void => {
    // Renamed into place, so that nobody reads half of it.
    writeFileSync(`${ownerFile}.new`, JSON.stringify({ pid: process.pid, url } satisfies Owner))
    renameSync(`${ownerFile}.new`, ownerFile)
  }
  tell(null)
  return {
    announce: tell,
    release() {
      if (!database.isOpen) return
      rmSync(ownerFile, { force: true })
      database.close()
    },
  }
}

function isBusy(error: unknown): boolean {
  const SQLITE_BUSY = 5
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}

function readOwner(file: string): Owner | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Owner
  } catch {
    // The owner is between taking the lock and telling its name; it holds the folder all the same.
    return null
  }
}

function lockedBy(folder: string, owner: Owner | null): Failure {
  const process = owner ? `process ${owner.pid}` : 'another process'
  const message = owner?.url
    ? `The data folder ${folder} is locked by the server at ${owner.url} (${process}); work through it with --server, or stop it first.`
    : `The data folder ${folder} is locked by ${process}; wait until it has ended.`
  return new Failure('data-folder.locked', message, { folder, pid: owner?.pid ?? null, url: owner?.url ?? null })
}
